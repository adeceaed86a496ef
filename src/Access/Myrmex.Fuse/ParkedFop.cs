using System;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Fuse;

/// <summary>
/// A request that waits for its fop, without a Task and without garbage: the continuation is made once per pooled
/// object
/// and runs on the thread that completes the fop.
/// </summary>
internal sealed class ParkedFop<TReply>
{
    private readonly Action _resume;
    private FuseRequest? _request;
    private ValueTask<TReply> _task;
    private Action<FuseRequest, TReply>? _finish;

    public ParkedFop()
    {
        _resume = Resume;
    }

    /// <summary>Parks the request; it belongs to the continuation from here on.</summary>
    public static void Park(FuseRequest request, in ValueTask<TReply> task, Action<FuseRequest, TReply> finish)
    {
        var parked = Pool<ParkedFop<TReply>>.Rent();
        parked._request = request;
        parked._task = task;
        parked._finish = finish;

        // Wherever it completes is as good as any other place to go on.
        parked._task.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(parked._resume);
    }

    private void Resume()
    {
        var request = _request!;
        var task = _task;
        var finish = _finish!;
        _request = null;
        _task = default;
        _finish = null;
        Pool<ParkedFop<TReply>>.Return(this);
        request.Complete(in task, finish);
    }
}
