using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Debug;

/// <summary>
/// A fop that waits for its time. It goes on where it belongs: on a worker when it may block, else on the scheduler's thread.
/// </summary>
internal sealed class DelayedFop<TFop, TReply> : IWork
    where TFop : struct, IFop<TFop, TReply>
    where TReply : Reply, IReply<TReply>
{
    private readonly PendingReply<TReply> _pending = PendingReply<TReply>.Rent();
    private readonly Translator _next;
    private readonly TFop _fop;
    private readonly Call _call;

    private DelayedFop(Translator next, in TFop fop, Call call)
    {
        _next = next;
        _fop = fop;
        _call = call;
    }

    public static ValueTask<TReply> Start(Seams seams, long delayMs, Translator next, in TFop fop, Call call)
    {
        var delayed = new DelayedFop<TFop, TReply>(next, in fop, call);
        var task = delayed._pending.Task;
        seams.Scheduler.Schedule(
            delayMs,
            () =>
            {
                if (TFop.Code.Has(FopTraits.Blocks) || TFop.Code.Has(FopTraits.Bulk))
                {
                    seams.Workers.Submit(delayed);
                }
                else
                {
                    delayed.Run();
                }
            });
        return task;
    }

    public void Run() => _ = RunAsync();

    private async Task RunAsync()
    {
        TReply reply;
        try
        {
            reply = await TFop.Invoke(_next, in _fop, _call);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // Nobody above can catch it any more: the call has already returned to them.
            Log.Error("delay-gen", "fop failed unexpectedly", ("fop", TFop.Code), ("exception", e));
            reply = TReply.Fail(Errno.EIO);
        }

        _pending.Complete(reply);
    }
}
