using System;
using Myrmex.Base;

namespace Myrmex.Runtime;

/// <summary>Time. Everything that depends on it asks here, so that the simulator can own it.</summary>
public interface IClock
{
    /// <summary>Nanoseconds since an arbitrary start; never goes back.</summary>
    long MonotonicNs { get; }

    /// <summary>
    /// As <see cref="MonotonicNs"/> but also counts while the machine sleeps. Promises with an end are measured by it.
    /// </summary>
    long BootNs => MonotonicNs;

    /// <summary>Nanoseconds since 1970-01-01 UTC; may jump.</summary>
    long WallNs { get; }
}

/// <summary>Randomness; cryptographic on Linux, seeded in the simulator.</summary>
public interface IRandom
{
    void Fill(Span<byte> bytes);
}

/// <summary>A piece of work; usually a pooled object, so that handing it over allocates nothing.</summary>
public interface IWork
{
    void Run();
}

/// <summary>One single-threaded loop: what is posted runs later, in order, on its thread.</summary>
public interface IScheduler
{
    bool IsCurrentThread { get; }

    void Post(IWork work);

    void Post(Action action);

    /// <summary>
    /// As <see cref="Post(IWork)"/>, by a thread that holds no lock and may wait: a scheduler that needs no certain
    /// thread may run it on this one.
    /// </summary>
    void Hand(IWork work) => Post(work);

    /// <summary>Runs <paramref name="action"/> once, not earlier than <paramref name="delayMs"/> from now; dispose to cancel.</summary>
    IDisposable Schedule(long delayMs, Action action);
}

/// <summary>Threads for fops that may wait for the disk. Submitted work of one reactor turn is handed over in one batch.</summary>
public interface IWorkers
{
    void Submit(IWork work);

    /// <summary>
    /// As <see cref="Submit"/>, for brief work that follows on what this thread is at: it may run on this thread, after
    /// that, as long as <paramref name="gate"/> finds it brief.
    /// </summary>
    void SubmitNext(IWork work, InlineGate gate) => Submit(work);

    /// <summary>This thread goes on with something long: others take what was left to it.</summary>
    void Spread()
    {
    }
}

/// <summary>Makes listeners and connections; links of one process are spread over its reactors.</summary>
public interface INetwork
{
    /// <summary>
    /// Listens; <paramref name="accept"/> is called on the new link's loop and gives the handler of its frames.
    /// Throws <see cref="System.IO.IOException"/> when the address cannot be bound.
    /// </summary>
    IListener Listen(LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept);

    /// <summary>
    /// Starts connecting and returns at once. The handler hears OnOpen, or OnClosed with the reason; both on the link's loop.
    /// </summary>
    Link Connect(LinkAddress address, LinkOptions options, ILinkHandler handler);
}

public interface IListener : IDisposable
{
    /// <summary>The address in use; the port is the real one when 0 was asked for.</summary>
    LinkAddress Address { get; }

    /// <summary>Takes nobody in any more; answers the socket, which stays its own, or -1 when it has none.</summary>
    int Pause() => -1;

    /// <summary>Takes clients in again.</summary>
    void Resume()
    {
    }
}

/// <summary>The seams a graph or a server is given.</summary>
public sealed record Seams(IClock Clock, IRandom Random, IScheduler Scheduler, IWorkers Workers, INetwork Network)
{
    /// <summary>Files for journals and state; null where there are none.</summary>
    public IDisk? Disk { get; init; }

    /// <summary>Makes <see cref="NewSerialScheduler"/>; null where <see cref="Scheduler"/> does.</summary>
    public Func<IScheduler>? SerialSchedulers { get; init; }

    /// <summary>Gives <see cref="Aside"/>; null where <see cref="Scheduler"/> is never held up.</summary>
    public IScheduler? AsideScheduler { get; init; }

    /// <summary>For what looks after the loops: it gets on when they do not. In no order.</summary>
    public IScheduler Aside => AsideScheduler ?? Scheduler;

    /// <summary>
    /// A scheduler for one thing with a state: in order and one at a time, as <see cref="Scheduler"/>, but not bound to
    /// its thread where that saves waking it.
    /// </summary>
    public IScheduler NewSerialScheduler() => SerialSchedulers?.Invoke() ?? Scheduler;

    /// <summary>A new random (version 4) gfid.</summary>
    public Gfid NewGfid()
    {
        Span<byte> bytes = stackalloc byte[Gfid.Size];
        Random.Fill(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return Gfid.FromBytes(bytes);
    }
}
