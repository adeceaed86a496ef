using System;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Who waits for what becomes of a proposal. What follows, applying and answering, waits for the disk and the network,
/// so it runs as a job of the workers and not on the replica's scheduler; in a simulated world, where its task began.
/// Pooled: whoever takes it out of the tables of <see cref="JournalMember"/> completes it, once, and does not touch it
/// afterwards.
/// </summary>
internal sealed class ProposalWaiter : IValueTaskSource<ProposeResult>, IWork
{
    private ManualResetValueTaskSourceCore<ProposeResult> _core;
    private ProposeResult _result;

    /// <summary>What the operation left that was in the journal before.</summary>
    public ReadOnlyMemory<byte> Outcome { get; set; }

    /// <summary>To be awaited exactly once.</summary>
    public ValueTask<ProposeResult> Task => new(this, _core.Version);

    public static ProposalWaiter Rent() => Pool<ProposalWaiter>.Rent();

    public void Complete(IWorkers workers, in ProposeResult result)
    {
        _result = result;
        workers.Submit(this);
    }

    /// <summary>As <see cref="Complete"/>; what follows is brief while the gate is open.</summary>
    public void CompleteBriefly(IWorkers workers, InlineGate gate, in ProposeResult result)
    {
        _result = result;
        workers.SubmitNext(this, gate);
    }

    /// <summary>On a worker, or behind what a thread was at; only the pool calls it.</summary>
    public void Run() => _core.SetResult(_result);

    ProposeResult IValueTaskSource<ProposeResult>.GetResult(short token)
    {
        var result = _core.GetResult(token);
        _core.Reset();
        (_result, Outcome) = (default, default);
        Pool<ProposalWaiter>.Return(this);
        return result;
    }

    ValueTaskSourceStatus IValueTaskSource<ProposeResult>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<ProposeResult>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext);
}
