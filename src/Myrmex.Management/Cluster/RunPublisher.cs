using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Bricks;
using Myrmex.Management.Proxies;
using Myrmex.Management.State;
using Myrmex.Runtime;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Shows the cluster what this node does: <c>run/NODE</c> under the node's lease, written when it differs, and an event
/// for every brick that comes or goes.
/// </summary>
internal sealed class RunPublisher
{
    private readonly ClusterView _view;
    private readonly ClusterWriter _writer;
    private readonly INodePresence _presence;
    private readonly BrickSupervisor _supervisor;
    private readonly ProxySupervisor _proxies;
    private readonly Seams _seams;
    private readonly Signal _look = new();
    private NodeRun? _shown;
    private LeaseId _lease;
    private long _newsRevision; // Of the last change that somebody may wait for this node to act on.

    public RunPublisher(
        ClusterView view, ClusterWriter writer, INodePresence presence, BrickSupervisor supervisor,
        ProxySupervisor proxies, Seams seams)
    {
        _view = view;
        _writer = writer;
        _presence = presence;
        _supervisor = supervisor;
        _proxies = proxies;
        _seams = seams;
        view.Volumes.Changed += _ => Interlocked.Exchange(ref _newsRevision, view.Revision.Value);
        supervisor.RunChanged += _look.Set;
        proxies.Changed += _look.Set;
        presence.Changed += _look.Set;
    }

    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var pauseMs = Limits.SupervisePeriodMs;
            try
            {
                await PublishAsync(cancellation);
            }
            catch (Exception e) when (e is StateStoreException or LeaseNotFoundException)
            {
                Log.Warning("state", "the state of this node cannot be written", ("reason", e.Message));
            }

            await _look.WaitAsync(_seams.Scheduler, pauseMs, cancellation);
        }
    }

    private async Task PublishAsync(CancellationToken cancellation)
    {
        var run = _supervisor.Run with { Proxies = _proxies.Runs };
        var lease = _presence.Lease;
        if (lease == LeaseId.None || !IsNews(run, lease))
        {
            return;
        }

        var put = new Operation.Put(StateKeys.Run(run.Node), run.ToBytes(), lease);
        await _writer.CommitAsync([], [put], told: null, cancellation);
        var before = _shown;
        _shown = run;
        _lease = lease;
        foreach (var told in Differences(before, run))
        {
            await _writer.TellAsync(told, cancellation);
        }
    }

    private bool IsNews(NodeRun run, LeaseId lease) =>
        _shown is null || lease != _lease || run.HasQuorum != _shown.HasQuorum
        || !run.Bricks.SequenceEqual(_shown.Bricks) || !run.Proxies.SequenceEqual(_shown.Proxies)
        || (_shown.Revision < Interlocked.Read(ref _newsRevision)
            && run.Revision >= Interlocked.Read(ref _newsRevision));

    private IEnumerable<ClusterEvent> Differences(NodeRun? before, NodeRun now)
    {
        if (before is not null && before.HasQuorum != now.HasQuorum)
        {
            yield return _writer.NewEvent(
                now.HasQuorum ? EventTypes.QuorumRegained : EventTypes.QuorumLost, node: now.Node);
        }

        foreach (var brick in now.Bricks)
        {
            var was = before?.Bricks.FirstOrDefault(b => b.Path == brick.Path)?.Online ?? false;
            if (was != brick.Online)
            {
                yield return _writer.NewEvent(
                    brick.Online ? EventTypes.BrickConnected : EventTypes.BrickDisconnected, brick.Volume, now.Node,
                    new Dictionary<string, string> { ["brick"] = brick.Path });
            }
        }
    }
}
