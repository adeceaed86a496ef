using System;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// A read at a server that need not be waited for: after a while it is given up, and what comes later is dropped. So it
/// has a call and a request of its own, which outlive those of the fop. What follows an answer runs where that came.
/// </summary>
internal sealed class PatientRead : IValueTaskSource<ReadReply?>
{
    private ManualResetValueTaskSourceCore<ReadReply?> _core;
    private IDisposable? _timer;
    private int _isDone;

    /// <summary>The reply, which is the caller's, or null when none came in time.</summary>
    /// <param name="seams">Their scheduler ends the patience.</param>
    /// <param name="server">Who is asked.</param>
    /// <param name="fop">With its gfid; of its fd nothing is needed.</param>
    /// <param name="call">Whose call it is.</param>
    /// <param name="limitMs">How long it is waited for.</param>
    public static ValueTask<ReadReply?> AskAsync(Seams seams, Translator server, ReadFop fop, Call call, long limitMs)
    {
        var read = new PatientRead();
        var task = new ValueTask<ReadReply?>(read, read._core.Version);
        var own = Call.Rent();
        own.CopyIdentityFrom(call);
        var request = fop.XData?.Clone() ?? XData.Rent();
        request.SetInt(MemberKeys.Here, 1);
        var sent = fop with { Fd = own.AnonymousFd(fop.Gfid, OpenFlags.ReadOnly), XData = request };
        _ = read.FillAsync(server.Read(in sent, own), own, request);
        if (Volatile.Read(ref read._isDone) == 0)
        {
            read.EndAfter(seams, limitMs);
        }

        return task;
    }

    ReadReply? IValueTaskSource<ReadReply?>.GetResult(short token) => _core.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<ReadReply?>.GetStatus(short token) => _core.GetStatus(token);

    void IValueTaskSource<ReadReply?>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);

    private async Task FillAsync(ValueTask<ReadReply> task, Call own, XData request)
    {
        var reply = await task;
        request.Release();
        own.Release();
        if (Interlocked.Exchange(ref _isDone, 1) == 0)
        {
            Volatile.Read(ref _timer)?.Dispose();
            _core.SetResult(reply);
        }
        else
        {
            reply.Release();
        }
    }

    private void EndAfter(Seams seams, long limitMs)
    {
        Volatile.Write(ref _timer, seams.Scheduler.Schedule(limitMs, () =>
        {
            if (Interlocked.Exchange(ref _isDone, 1) == 0)
            {
                _core.SetResult(null);
            }
        }));
        if (Volatile.Read(ref _isDone) != 0)
        {
            _timer!.Dispose();
        }
    }
}
