using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// A thread with its own epoll. A turn of its loop: handlers of ready descriptors, posted work, timers that are due, handing
/// the jobs of the turn to the workers, sending what all of them queued. What runs here must not block.
/// All members are safe for all threads.
/// </summary>
public sealed unsafe class Reactor : IScheduler, IDisposable
{
    private const string Room = "runtime";
    private const ulong WakeData = ulong.MaxValue;

    private readonly Thread _thread;
    private readonly int _cpu;
    private readonly int _epoll;
    private readonly int _wakeEvent;
    private readonly Lock _lock = new(); // Guards _posted, _timers, _sleeping, _handlers and _generation; a leaf lock.
    private readonly TimerHeap _timers = new();
    private List<object> _posted = new(64); // IWork or Action
    private List<object> _running = new(64);
    private Registration?[] _handlers = new Registration?[64]; // Index: descriptor.
    private uint _generation;
    private volatile bool _sleeping; // Set under the lock; cleared by whoever wakes the loop and by the loop itself.
    private volatile bool _stopping;
    private bool _closesItself; // Disposed on its own thread.
    private long _turns;

    /// <summary>Starts the thread. <paramref name="cpu"/> -1 leaves it to the kernel where it runs.</summary>
    public Reactor(string name, int cpu = -1)
    {
        Name = name;
        _cpu = cpu;
        _epoll = Checked(Sys.EpollCreate(), "epoll_create1");
        _wakeEvent = Checked(Sys.EventFd(), "eventfd");
        Checked(Sys.EpollCtl(_epoll, Sys.EpollCtlAdd, _wakeEvent, Sys.EpollIn | Sys.EpollEdge, WakeData), "epoll_ctl");
        _thread = new Thread(Loop) { Name = name, IsBackground = true };
        _thread.Start();
    }

    public string Name { get; }

    public bool IsCurrentThread => Thread.CurrentThread == _thread;

    /// <summary>Turns of the loop since the start.</summary>
    public long Turns => Volatile.Read(ref _turns);

    public void Post(IWork work) => PostItem(work);

    public void Post(Action action) => PostItem(action);

    public IDisposable Schedule(long delayMs, Action action)
    {
        var timer = new ReactorTimer(this, action);
        var due = LinuxClock.Shared.MonotonicNs + (Math.Max(0, delayMs) * 1_000_000);
        bool wake;
        lock (_lock)
        {
            _timers.Add(timer, due);
            wake = _sleeping && _timers.FirstDueNs == due;
            _sleeping = _sleeping && !wake;
        }

        if (wake)
        {
            Wake();
        }

        return timer;
    }

    /// <summary>
    /// Watches <paramref name="fd"/> for <paramref name="events"/> (EPOLL* bits; level-triggered unless EpollEdge is among
    /// them) until <see cref="Unregister"/>. Negative errno when the kernel refuses.
    /// </summary>
    public int Register(int fd, uint events, IPollHandler handler)
    {
        lock (_lock)
        {
            if (fd >= _handlers.Length)
            {
                Array.Resize(ref _handlers, Math.Max(fd + 1, _handlers.Length * 2));
            }

            Invariant.Check(_handlers[fd] is null);
            var registration = new Registration(handler, ++_generation);
            _handlers[fd] = registration;
            var result = Sys.EpollCtl(_epoll, Sys.EpollCtlAdd, fd, events, DataOf(fd, registration.Generation));
            if (result < 0)
            {
                _handlers[fd] = null;
            }

            return result;
        }
    }

    /// <summary>Changes what a registered descriptor is watched for.</summary>
    public int Modify(int fd, uint events)
    {
        lock (_lock)
        {
            var registration = fd < _handlers.Length ? _handlers[fd] : null;
            return registration is null
                ? -(int)Errno.ENOENT
                : Sys.EpollCtl(_epoll, Sys.EpollCtlMod, fd, events, DataOf(fd, registration.Generation));
        }
    }

    /// <summary>
    /// Ends the watching; call it before the descriptor is closed. On the reactor's thread the handler is not called again;
    /// from another thread a call may be under way.
    /// </summary>
    public void Unregister(int fd)
    {
        lock (_lock)
        {
            if (fd < _handlers.Length && _handlers[fd] is not null)
            {
                _handlers[fd] = null;
                Sys.EpollCtl(_epoll, Sys.EpollCtlDel, fd, 0, 0);
            }
        }
    }

    /// <summary>
    /// Stops the loop after the turn it is in and waits for it, except on its own thread. Work posted before is still run;
    /// timers are dropped; registered descriptors stay open.
    /// </summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_stopping)
            {
                return;
            }

            _stopping = true;
        }

        if (IsCurrentThread)
        {
            _closesItself = true;
            return;
        }

        // The descriptors are closed behind the last use of them: a number may be reused at once.
        Wake();
        _thread.Join();
        CloseDescriptors();
    }

    private void CloseDescriptors()
    {
        Sys.Close(_epoll);
        Sys.Close(_wakeEvent);
    }

    private static ulong DataOf(int fd, uint generation) => (uint)fd | ((ulong)generation << 32);

    private static int Checked(int result, string call) =>
        result >= 0 ? result : throw new IOException($"{call}: {Sys.ErrorOf(result)}");

    private void PostItem(object item)
    {
        bool wake;
        lock (_lock)
        {
            _posted.Add(item);
            wake = _sleeping;
            _sleeping = false;
        }

        if (wake)
        {
            Wake();
        }
    }

    private void Wake()
    {
        ulong one = 1;
        Sys.Write(_wakeEvent, (byte*)&one, sizeof(ulong));
    }

    private void Loop()
    {
        if (_cpu >= 0 && Sys.PinThread(_cpu) is < 0 and var pinned)
        {
            Log.Warning(Room, "cannot pin a reactor", ("reactor", Name), ("cpu", _cpu), ("errno", Sys.ErrorOf(pinned)));
        }

        SerialScheduler.BecomeLoop();
        var entries = (byte*)NativeMemory.Alloc((nuint)(Limits.EventsPerTurn * Sys.EpollEventSize));
        while (!_stopping)
        {
            Turn(entries);
        }

        RunPosted();
        SerialScheduler.RunDue();
        RunNext();
        WorkerPool.EndCollecting();
        FlushBatch.FlushNow();
        NativeMemory.Free(entries);
        if (_closesItself)
        {
            CloseDescriptors();
        }
    }

    private void Turn(byte* entries)
    {
        var count = Sys.EpollWait(_epoll, entries, Limits.EventsPerTurn, PrepareToSleep());
        _sleeping = false;
        Volatile.Write(ref _turns, _turns + 1);
        FlushBatch.Begin();
        WorkerPool.BeginCollecting();
        for (var i = 0; i < count; i++)
        {
            Dispatch(Sys.EpollEventsAt(entries, i), Sys.EpollDataAt(entries, i));
        }

        RunPosted();
        RunTimers();
        SerialScheduler.RunDue();
        RunNext();
        WorkerPool.EndCollecting();
        EndBatch();
    }

    /// <summary>The time to wait for events: 0 when there is something to run.</summary>
    private int PrepareToSleep()
    {
        lock (_lock)
        {
            if (_posted.Count > 0 || _stopping)
            {
                return 0;
            }

            _sleeping = true;
            if (_timers.Count == 0)
            {
                return WorkerPool.BacklogTimeoutMs();
            }

            // Rounded up: a timer never runs early.
            var waitNs = Math.Max(0, _timers.FirstDueNs - LinuxClock.Shared.MonotonicNs);
            var waitMs = (int)Math.Min((waitNs + 999_999) / 1_000_000, int.MaxValue);
            return WorkerPool.BacklogTimeoutMs() is > 0 and var nudge ? Math.Min(nudge, waitMs) : waitMs;
        }
    }

    private void Dispatch(uint events, ulong data)
    {
        if (data == WakeData)
        {
            // Edge-triggered and never read: each write is a new edge, and the counter cannot overflow in this universe.
            return;
        }

        var handlers = Volatile.Read(ref _handlers);
        var fd = (int)(uint)data;
        var registration = Volatile.Read(ref handlers[fd]);
        if (registration is null || registration.Generation != (uint)(data >> 32))
        {
            return; // Unregistered earlier in this turn, and perhaps reused.
        }

        try
        {
            registration.Handler.OnEvents(events);
        }
        catch (Exception e)
        {
            Crash.Report(e, Name);
        }
    }

    private void RunPosted()
    {
        lock (_lock)
        {
            if (_posted.Count == 0)
            {
                return;
            }

            // What is posted from now on runs in the next turn, so that descriptors get their share.
            (_posted, _running) = (_running, _posted);
        }

        for (var i = 0; i < _running.Count; i++)
        {
            try
            {
                if (_running[i] is IWork work)
                {
                    work.Run();
                }
                else
                {
                    ((Action)_running[i])();
                }
            }
            catch (Exception e)
            {
                Crash.Report(e, Name);
            }
        }

        _running.Clear();
    }

    /// <summary>Brief work that follows on that of the turn, after what others wait for has been sent.</summary>
    private static void RunNext()
    {
        if (WorkerPool.HasNext)
        {
            FlushBatch.FlushNow();
            WorkerPool.RunNext();
            SerialScheduler.RunDue();
        }
    }

    private void RunTimers()
    {
        if (_timers.Count == 0)
        {
            return;
        }

        var now = LinuxClock.Shared.MonotonicNs;
        while (TakeDue(now) is { } timer)
        {
            try
            {
                timer.Run();
            }
            catch (Exception e)
            {
                Crash.Report(e, Name);
            }
        }
    }

    private ReactorTimer? TakeDue(long now)
    {
        lock (_lock)
        {
            return (ReactorTimer?)_timers.TakeDue(now);
        }
    }

    private void EndBatch()
    {
        try
        {
            FlushBatch.End();
        }
        catch (Exception e)
        {
            Crash.Report(e, Name);
        }

        FlushBatch.Reset();
    }

    private void Cancel(ReactorTimer timer)
    {
        lock (_lock)
        {
            _timers.Remove(timer);
        }
    }

    private sealed class Registration(IPollHandler handler, uint generation)
    {
        public IPollHandler Handler => handler;

        public uint Generation => generation;
    }

    private sealed class ReactorTimer(Reactor reactor, Action action) : TimerHeap.Timer
    {
        public void Run() => action();

        public override void Dispose() => reactor.Cancel(this);
    }
}
