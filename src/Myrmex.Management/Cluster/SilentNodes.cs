using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>
/// The nodes that a command waits for and that do not answer, although their lease has not run out yet: they are asked
/// directly, all at once, while their steps are waited for, so that a pulled cable costs a
/// command the time of one request and not that of a lease.
/// </summary>
/// <param name="answers">See <see cref="VolumeCommands.Answers"/>.</param>
internal sealed class SilentNodes(Func<NodeId, CancellationToken, Task<bool>>? answers)
{
    private readonly ConcurrentDictionary<NodeId, bool> _silent = new();

    public bool Contains(NodeId node) => _silent.ContainsKey(node);

    /// <summary>Ends when the wait does, or with the first node that neither answers nor has come.</summary>
    /// <param name="wait">Cancelled when it is given up; its outcome is looked for by the caller.</param>
    public async Task WatchAsync(
        IEnumerable<NodeId> nodes, Func<CancellationToken, Task> wait, Func<NodeId, bool> hasCome,
        CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var waiting = wait(over.Token);
        var asking = answers is null ? [] : nodes.Select(n => AskAsync(answers, n, hasCome, over.Token)).ToList();
        var pending = new List<Task>(asking) { waiting };
        while (!waiting.IsCompleted && _silent.IsEmpty)
        {
            pending.Remove(await Task.WhenAny(pending));
        }

        await over.CancelAsync();
        await Task.WhenAll(asking);
        try
        {
            await waiting;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // It was given up for a silent node.
        }
    }

    private async Task AskAsync(
        Func<NodeId, CancellationToken, Task<bool>> ask, NodeId node, Func<NodeId, bool> hasCome,
        CancellationToken cancellation)
    {
        try
        {
            if (!await ask(node, cancellation) && !hasCome(node))
            {
                _silent[node] = true;
            }
        }
        catch (OperationCanceledException)
        {
            // The wait is over.
        }
    }
}
