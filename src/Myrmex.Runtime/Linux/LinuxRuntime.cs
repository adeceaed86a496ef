using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>How many threads a process runs on; 0 means as many as fit the machine.</summary>
public sealed record LinuxRuntimeOptions
{
    /// <summary>Reactors; by default the number of processors, at most 4.</summary>
    public int Reactors { get; init; }

    /// <summary>Workers; by default twice the number of processors, at least 4, at most 16.</summary>
    public int Workers { get; init; }

    /// <summary>Reactor n runs on processor n only.</summary>
    public bool PinReactors { get; init; }

    /// <summary>Start of all thread names.</summary>
    public string Name { get; init; } = "myrmex";
}

/// <summary>The threads and seams of a process on Linux. Disposing closes all links and stops all threads.</summary>
public sealed class LinuxRuntime : IDisposable
{
    private readonly Reactor[] _reactors;
    private int _isDisposed;

    public LinuxRuntime(LinuxRuntimeOptions? options = null)
    {
        options ??= new LinuxRuntimeOptions();
        var cpus = Environment.ProcessorCount;
        _reactors = new Reactor[options.Reactors > 0 ? options.Reactors : Math.Min(cpus, 4)];
        for (var i = 0; i < _reactors.Length; i++)
        {
            _reactors[i] = new Reactor($"{options.Name}-loop-{i}", options.PinReactors ? i % cpus : -1);
        }

        Workers = new WorkerPool(
            options.Workers > 0 ? options.Workers : Math.Clamp(cpus * 2, 4, 16), $"{options.Name}-worker");
        Network = new LinuxNetwork(_reactors);
        Seams = new Seams(LinuxClock.Shared, LinuxRandom.Shared, _reactors[0], Workers, Network)
        {
            Disk = LinuxDisk.Shared,
            AsideScheduler = PoolScheduler.Shared,
            SerialSchedulers = () => new SerialScheduler(_reactors[0]),
        };
        ScheduleTrim();
    }

    public IReadOnlyList<Reactor> Reactors => _reactors;

    public WorkerPool Workers { get; }

    public LinuxNetwork Network { get; }

    /// <summary>What graphs and servers are given; the scheduler is the first reactor.</summary>
    public Seams Seams { get; }

    /// <summary>Not from a thread of this runtime. Queued jobs are run first.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
        {
            return;
        }

        Network.Dispose();

        // Twice: closing a link posts its end behind what is posted already.
        for (var i = 0; i < 2; i++)
        {
            foreach (var reactor in _reactors)
            {
                PassThrough(reactor);
            }
        }

        // Reactors first: they submit to the workers.
        foreach (var reactor in _reactors)
        {
            reactor.Dispose();
        }

        Workers.Dispose();
    }

    /// <summary>Gives memory that a burst has left behind back to the system.</summary>
    private void ScheduleTrim() => _reactors[0].Schedule(Limits.PoolTrimMs, () =>
    {
        if (PayloadPool.Shared.Trim() > 0)
        {
            Sys.TrimHeap();
        }

        ScheduleTrim();
    });

    private static void PassThrough(Reactor reactor)
    {
        using var passed = new ManualResetEventSlim();
        reactor.Post(passed.Set);
        passed.Wait();
    }
}
