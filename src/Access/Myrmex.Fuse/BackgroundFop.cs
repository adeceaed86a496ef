using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Fuse;

/// <summary>
/// A fop that no request waits for (RELEASE, giving a lock back); counted by the session so that its end can wait.
/// </summary>
internal sealed class BackgroundFop<TReply>
    where TReply : Reply
{
    private readonly Action _resume;
    private FuseSession? _session;
    private Call? _call;
    private ValueTask<TReply> _task;
    private Action<TReply>? _finish;

    public BackgroundFop()
    {
        _resume = Finish;
    }

    /// <summary>
    /// Sees the fop to its end: <paramref name="finish"/> hears the reply, which is released here, as is the call.
    /// </summary>
    public static void Watch(FuseSession session, in ValueTask<TReply> task, Call call, Action<TReply>? finish = null)
    {
        session.BeginBackground();
        var fop = Pool<BackgroundFop<TReply>>.Rent();
        fop._session = session;
        fop._call = call;
        fop._task = task;
        fop._finish = finish;
        var awaiter = fop._task.ConfigureAwait(false).GetAwaiter();
        if (awaiter.IsCompleted)
        {
            fop.Finish();
        }
        else
        {
            awaiter.UnsafeOnCompleted(fop._resume);
        }
    }

    private void Finish()
    {
        var session = _session!;
        var call = _call!;
        var task = _task;
        var finish = _finish;
        _session = null;
        _call = null;
        _task = default;
        _finish = null;
        Pool<BackgroundFop<TReply>>.Return(this);
        try
        {
            var reply = task.GetAwaiter().GetResult();
            finish?.Invoke(reply);
            reply.Release();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("fuse", "a fop in the background threw", ("fop", typeof(TReply).Name), ("exception", e));
        }

        call.Release();
        session.EndBackground();
    }
}
