using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Storage;

/// <summary>What a worker does for a fop that may wait for the disk.</summary>
internal interface IPosixJob<TReply>
{
    TReply Run(PosixTranslator posix);
}

/// <summary>A job on its way to a worker, and the answer its caller awaits. Pooled.</summary>
internal sealed class PosixWork<TJob, TReply> : IWork
    where TJob : struct, IPosixJob<TReply>
    where TReply : Reply, IReply<TReply>
{
    private PosixTranslator? _posix;
    private TJob _job;
    private PendingReply<TReply>? _pending;

    /// <param name="lane">Where the job waits for its turn; null when it need not.</param>
    public static ValueTask<TReply> Submit(PosixTranslator posix, in TJob job, WriteLane? lane = null)
    {
        var work = Pool<PosixWork<TJob, TReply>>.Rent();
        var pending = PendingReply<TReply>.Rent();
        var task = pending.Task;
        work._posix = posix;
        work._job = job;
        work._pending = pending;
        if (lane is null)
        {
            posix.Workers.Submit(work);
        }
        else
        {
            lane.Submit(work, posix.Workers);
        }

        return task;
    }

    public void Run()
    {
        // Submit has set everything.
        var (posix, job, pending) = (_posix!, _job, _pending!);
        (_posix, _job, _pending) = (null, default, null);
        Pool<PosixWork<TJob, TReply>>.Return(this);
        pending.Complete(job.Run(posix));
    }
}
