using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Performance;

/// <summary>
/// Answers writes before they are done, joins small adjacent ones, and keeps everybody else of this graph from seeing it: whatever
/// depends on a file's content or attributes waits for the writes answered before. See README.md.
/// </summary>
public sealed partial class WriteBehind : Translator, IPendingFileOwner
{
    private const uint SyncFlags = OpenFlags.Sync | OpenFlags.DataSync | OpenFlags.Direct;

    private readonly FileTable _files;
    private readonly Observers _observers = new();
    private readonly LateErrors _lateErrors = new();
    private readonly HeldFiles _held = new();
    private WriteBehindSettings _settings;
    private int _busyCount; // Files with pending writes: while it is 0, all other fops pass.
    private long _answeredBytes;
    private volatile bool _sawLocks; // Somebody locks: FLUSH, which gives locks up, must not overtake writes.
    private long _earlyCount;
    private long _lateCount;
    private long _sentCount;

    public WriteBehind(TranslatorPlace place)
        : base(place)
    {
        _files = new FileTable(this, place.Slot);
        _settings = WriteBehindSettings.From(place.Options);
    }

    public static TranslatorRegistration Registration { get; } =
        new("performance/write-behind", place => new WriteBehind(place), WriteBehindOptions.All, Maturity.Experimental);

    public override bool DefersWrites => Settings.IsOn || Volatile.Read(ref _earlyCount) != 0;

    private WriteBehindSettings Settings => Volatile.Read(ref _settings);

    public override bool Reconfigure(OptionValues options)
    {
        Volatile.Write(ref _settings, WriteBehindSettings.From(options));
        return true;
    }

    public override void Stop()
    {
        if (Volatile.Read(ref _busyCount) != 0)
        {
            Log.Error("write-behind", "stopped with writes pending", ("at", Name), ("files", _busyCount));
        }
    }

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        dump.Put("answered-early", Volatile.Read(ref _earlyCount));
        dump.Put("answered-late", Volatile.Read(ref _lateCount));
        dump.Put("sent", Volatile.Read(ref _sentCount));
        dump.Put("answered-bytes", Volatile.Read(ref _answeredBytes));
        foreach (var file in _files.List())
        {
            lock (file.Guard)
            {
                var (answered, count, sent) = file.Figures;
                dump.Put($"file.{file.Gfid}", $"answered-bytes:{answered} pending:{count} sent:{sent}");
            }
        }
    }

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        var settings = Settings;
        var gfid = fop.Fd.FileOf(fop.Gfid);
        if (!IsQueueable(in fop, settings))
        {
            return WriteThrough(in fop, gfid, call);
        }

        var handle = _files.HandleOf(in gfid, fop.Fd);
        if (handle.TryTakeError(out var error) || _lateErrors.TryTake(in gfid, out error))
        {
            return new ValueTask<WriteReply>(WriteReply.Fail(error));
        }

        var effects = WriteEffects.Rent();
        bool isEarly;
        ValueTask<WriteReply> task;
        lock (handle.File.Guard)
        {
            isEarly = handle.File.Accept(in fop, call, settings, effects, out task);
        }

        Interlocked.Increment(ref isEarly ? ref _earlyCount : ref _lateCount);
        CarryOut(effects);
        return isEarly ? new ValueTask<WriteReply>(PendingFile.Accepted(fop.Data.Length)) : task;
    }

    bool IPendingFileOwner.TryReserve(int bytes)
    {
        if (Interlocked.Add(ref _answeredBytes, bytes) <= WriteBehindLimits.AnsweredBytesMax
            && !PayloadPool.Shared.IsOverLimit)
        {
            return true;
        }

        Interlocked.Add(ref _answeredBytes, -bytes);
        return false;
    }

    void IPendingFileOwner.GiveBack(int bytes) => Interlocked.Add(ref _answeredBytes, -bytes);

    bool IPendingFileOwner.TryHold(PendingFile file) => _held.TryAdd(file);

    void IPendingFileOwner.BecameBusy() => Interlocked.Increment(ref _busyCount);

    void IPendingFileOwner.BecameIdle(in Gfid gfid)
    {
        _observers.Settled(in gfid);
        Interlocked.Decrement(ref _busyCount);
    }

    /// <summary>A write under way has come back; runs on the thread that brought the answer.</summary>
    internal void Finish(PendingWrite write, ValueTaskAwaiter<WriteReply> awaiter)
    {
        WriteReply reply;
        try
        {
            reply = awaiter.GetResult();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            reply = Failure(e);
        }

        var effects = WriteEffects.Rent();
        Complete(write, reply, effects);
        CarryOut(effects);
    }

    /// <summary>The file a fop on an fd means: callers inside a process may leave the gfid out.</summary>
    /// <summary>
    /// What must be on the disk before the answer, what must fail by itself, and what asks questions in its xdata goes
    /// through. So does an append: only the brick knows where it lands, and its writer wants to know that with the answer.
    /// </summary>
    private static bool IsQueueable(in WriteFop fop, WriteBehindSettings settings) =>
        settings.IsOn && fop.XData is null && !fop.Fd.IsAnonymous && ((fop.Flags | fop.Fd.Flags) & SyncFlags) == 0
        && (fop.Fd.Flags & OpenFlags.Append) == 0
        && (fop.Fd.Flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly
        && fop.Data.Length > 0 && fop.Offset >= 0 && fop.Offset <= long.MaxValue - fop.Data.Length;

    private static WriteReply Failure(Exception e)
    {
        Log.Error("write-behind", "write failed unexpectedly", ("exception", e));
        return WriteReply.Fail(Errno.EIO);
    }

    private ValueTask<WriteReply> WriteThrough(in WriteFop fop, Gfid gfid, Call call)
    {
        if (_files.TryHandleOf(fop.Fd) is { } handle && handle.TryTakeError(out var error))
        {
            return new ValueTask<WriteReply>(WriteReply.Fail(error));
        }

        return AfterWrites<WriteFop, WriteReply>(in fop, in gfid, call);
    }

    private void Complete(PendingWrite write, WriteReply reply, WriteEffects effects)
    {
        bool isOver;
        lock (write.File.Guard)
        {
            isOver = write.File.Complete(write, reply, Settings, effects);
        }

        reply.Release();
        if (isOver)
        {
            write.Release();
        }
    }

    /// <summary>
    /// Sends writes, answers writers and wakes waiters; holds no lock, because all of it runs foreign code. A write that is done at
    /// once makes further effects, which are carried out in the same loop instead of a deeper call.
    /// </summary>
    private void CarryOut(WriteEffects effects)
    {
        while (effects.Sends.TryDequeue(out var write))
        {
            Interlocked.Increment(ref _sentCount);
            WriteReply reply;
            try
            {
                if (!write.SendOn(this, Next, out reply))
                {
                    continue;
                }
            }
            catch (Exception e) when (e is not InvariantException)
            {
                reply = Failure(e);
            }

            Complete(write, reply, effects);
        }

        foreach (var (writer, reply) in effects.Answers)
        {
            writer.Complete(reply);
        }

        foreach (var waiter in effects.Wakes)
        {
            waiter.Signal();
        }

        var mustEndHolds = effects.Holds && _held.TryBeginWait();
        effects.Release();
        if (mustEndHolds)
        {
            Seams.Scheduler.Schedule(Math.Max(1, Settings.HoldMs), EndHolds);
        }
    }

    /// <summary>What was held back goes, if it has not gone by itself.</summary>
    private void EndHolds()
    {
        foreach (var file in _held.TakeAll())
        {
            var effects = WriteEffects.Rent();
            lock (file.Guard)
            {
                file.Hurry(Settings, effects);
            }

            CarryOut(effects);
        }
    }
}
