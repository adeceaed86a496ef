using System;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Myrmex.Base;

/// <summary>
/// The pooled source of a fop's ValueTask that is completed later by hand, e.g. when the answer arrives from the network.
/// Continuations run inline on the completing thread, whatever context they were made in. It returns to its pool when the result is taken.
/// </summary>
public sealed class PendingReply<TReply> : IValueTaskSource<TReply>
    where TReply : Reply
{
    private ManualResetValueTaskSourceCore<TReply> _core;

    /// <summary>The task to hand out; await it exactly once.</summary>
    public ValueTask<TReply> Task => new(this, _core.Version);

    public static PendingReply<TReply> Rent() => Pool<PendingReply<TReply>>.Rent();

    /// <summary>Completes the task; the reply's ownership passes to the awaiter. Call exactly once.</summary>
    public void Complete(TReply reply) => _core.SetResult(reply);

    TReply IValueTaskSource<TReply>.GetResult(short token)
    {
        var reply = _core.GetResult(token);
        _core.Reset();
        Pool<PendingReply<TReply>>.Return(this);
        return reply;
    }

    ValueTaskSourceStatus IValueTaskSource<TReply>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<TReply>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);
}
