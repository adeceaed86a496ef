using System;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>A fop that waits until certain writes are done. Pooled: it returns when its task has been awaited.</summary>
internal sealed class WriteWaiter : IValueTaskSource
{
    private ManualResetValueTaskSourceCore<bool> _core;

    /// <summary>Await it exactly once.</summary>
    public ValueTask Task => new(this, _core.Version);

    public static WriteWaiter Rent() => Pool<WriteWaiter>.Rent();

    public void Signal() => _core.SetResult(true);

    void IValueTaskSource.GetResult(short token)
    {
        _core.GetResult(token);
        _core.Reset();
        Pool<WriteWaiter>.Return(this);
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
