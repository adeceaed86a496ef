using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Runtime;
using Myrmex.Storage;
using Xunit;

namespace Myrmex.Unit.Tests.Storage;

public sealed class WriteLaneTests
{
    [Fact]
    public void WritesKeepTheirOrderOnOneWorkerAndLeaveRoomForOthers()
    {
        var workers = new QueuedWorkers();
        var lane = new WriteLane();
        var done = new List<int>();
        foreach (var number in Enumerable.Range(0, 10))
        {
            lane.Submit(new Job(() => done.Add(number)), workers);
        }

        Assert.Equal(1, workers.Count);
        workers.RunOne();
        Assert.Equal([0, 1, 2, 3], done);
        Assert.Equal(1, workers.Count); // Behind what others have submitted meanwhile.
        workers.RunAll();
        Assert.Equal(Enumerable.Range(0, 10), done);

        // An idle lane starts again, also from inside a job.
        lane.Submit(new Job(() => lane.Submit(new Job(() => done.Add(11)), workers)), workers);
        workers.RunAll();
        Assert.Equal(11, done[^1]);
        Assert.Equal(0, workers.Count);
    }

    [Fact]
    public void WhoeverEntersAnIdleLaneIsAloneAndWhatComesMeanwhileGoesToAWorker()
    {
        var workers = new QueuedWorkers();
        var lane = new WriteLane();
        var done = 0;
        Assert.True(lane.TryEnter());
        Assert.False(lane.TryEnter());
        lane.Submit(new Job(() => done++), workers);
        Assert.Equal(0, workers.Count);

        lane.Leave(workers);
        Assert.False(lane.TryEnter()); // The other one is not done yet.
        workers.RunAll();
        Assert.Equal(1, done);

        Assert.True(lane.TryEnter());
        lane.Leave(workers);
        Assert.Equal(0, workers.Count);
        Assert.True(lane.TryEnter());
    }

    [Fact]
    public async Task NoWriteIsLostAndNoTwoRunAtOnceWhateverThreadsSubmit()
    {
        var lane = new WriteLane();
        var running = 0;
        var done = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var job = new Job(() =>
        {
            // No lock: the lane is what makes this right.
            Assert.Equal(1, ++running);
            done++;
            running--;
            if (done == 4 * 5000)
            {
                all.SetResult();
            }
        });
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            var workers = new PoolWorkers();
            for (var i = 0; i < 5000; i++)
            {
                if (i % 3 == 0 && lane.TryEnter())
                {
                    job.Run();
                    lane.Leave(workers);
                }
                else
                {
                    lane.Submit(job, workers);
                }
            }
        })));
        await all.Task.WaitAsync(TimeSpan.FromSeconds(30));
    }

    private sealed class Job(Action run) : IWork
    {
        public void Run() => run();
    }

    private sealed class QueuedWorkers : IWorkers
    {
        private readonly Queue<IWork> _waiting = new();

        public int Count => _waiting.Count;

        public void Submit(IWork work) => _waiting.Enqueue(work);

        public void RunOne() => _waiting.Dequeue().Run();

        public void RunAll()
        {
            while (_waiting.Count > 0)
            {
                RunOne();
            }
        }
    }

    private sealed class PoolWorkers : IWorkers
    {
        public void Submit(IWork work) => Task.Run(work.Run);
    }
}
