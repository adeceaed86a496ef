using System;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>A fop that waits until an fd is open. Pooled: it returns when its task has been awaited.</summary>
internal sealed class OpenWaiter : IValueTaskSource<Errno>
{
    private ManualResetValueTaskSourceCore<Errno> _core;

    /// <summary>Await it exactly once.</summary>
    public ValueTask<Errno> Task => new(this, _core.Version);

    public static OpenWaiter Rent() => Pool<OpenWaiter>.Rent();

    public void Signal(Errno error) => _core.SetResult(error);

    Errno IValueTaskSource<Errno>.GetResult(short token)
    {
        var error = _core.GetResult(token);
        _core.Reset();
        Pool<OpenWaiter>.Return(this);
        return error;
    }

    ValueTaskSourceStatus IValueTaskSource<Errno>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<Errno>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);
}
