using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Performance;

/// <summary>
/// Answers an open for reading at once and opens on the subvolume only when a fop needs it, which for most small files
/// is never. See
/// README.md.
/// </summary>
public sealed partial class OpenBehind : Translator
{
    // O_DIRECT and O_NOATIME are properties of the real fd; an open that truncates or creates is more than an open.
    private const uint GoThrough = OpenFlags.Truncate | OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Direct
        | OpenFlags.NoAtime | OpenFlags.Directory;

    private readonly UnopenedTable _table = new();
    private OpenBehindSettings _settings;
    private long _answeredCount;
    private long _openedCount;
    private long _neverOpenedCount;

    public OpenBehind(TranslatorPlace place)
        : base(place)
    {
        _settings = OpenBehindSettings.From(place.Options);
    }

    public static TranslatorRegistration Registration { get; } =
        new("performance/open-behind", place => new OpenBehind(place), OpenBehindOptions.All, Maturity.Experimental);

    private OpenBehindSettings Settings => Volatile.Read(ref _settings);

    public override bool Reconfigure(OptionValues options)
    {
        Volatile.Write(ref _settings, OpenBehindSettings.From(options));
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        dump.Put("answered", Volatile.Read(ref _answeredCount));
        dump.Put("opened-later", Volatile.Read(ref _openedCount));
        dump.Put("never-opened", Volatile.Read(ref _neverOpenedCount));
        dump.Put("unopened", _table.Count);
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call)
    {
        var settings = Settings;
        if (!settings.IsOn || !IsDeferrable(in fop))
        {
            return Next.Open(in fop, call);
        }

        var opener = Call.Rent();
        opener.CopyIdentityFrom(call);
        var fd = new UnopenedFd(fop.Fd, fop.Gfid, fop.Flags, opener);
        fop.Fd.Set(Slot, fd);
        if (!_table.TryAdd(fd))
        {
            fop.Fd.Set(Slot, null);
            opener.Release();
            return Next.Open(in fop, call);
        }

        Interlocked.Increment(ref _answeredCount);
        if (!settings.IsLazy)
        {
            OpenInBackground(fd);
        }

        return new ValueTask<OpenReply>(OpenReply.Rent());
    }

    /// <summary>The fd of a file that nobody has opened stays here.</summary>
    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        if (fop.Fd.Get(Slot) is not UnopenedFd fd)
        {
            return Next.Release(in fop, call);
        }

        if (!_table.TryClose(fd, out var waiter))
        {
            return waiter is null ? Next.Release(in fop, call) : ReleaseAfterOpen(waiter, fd, fop, call);
        }

        Interlocked.Increment(ref _neverOpenedCount);
        return new ValueTask<ReleaseReply>(ReleaseReply.Rent());
    }

    /// <summary>Without an fd as long as there is none: the answer does not wait for an OPEN.</summary>
    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        if (fop.Fd.Get(Slot) is not UnopenedFd { IsOpen: false } fd)
        {
            return Next.Read(in fop, call);
        }

        var size = fop.Size;
        var task = Next.Read(fop with { Fd = call.AnonymousFd(fd.Gfid, fd.Flags) }, call);
        if (!task.IsCompletedSuccessfully)
        {
            return ReadWithoutFd(task, fd, size);
        }

#pragma warning disable VSTHRD103 // The task is complete.
        var reply = task.Result;
#pragma warning restore VSTHRD103
        OpenForTheNext(fd, reply, size);
        return new ValueTask<ReadReply>(reply);
    }

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        fop.Fd.Get(Slot) is not UnopenedFd { IsOpen: false } fd
            ? Next.Fstat(in fop, call)
            : Next.Fstat(fop with { Fd = call.AnonymousFd(fd.Gfid, fd.Flags) }, call);

    private static bool IsDeferrable(in OpenFop fop) =>
        fop.XData is null && !fop.Fd.IsAnonymous && !fop.Gfid.IsNull
        && (fop.Flags & OpenFlags.AccessMode) == OpenFlags.ReadOnly && (fop.Flags & GoThrough) == 0;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadReply> ReadWithoutFd(ValueTask<ReadReply> task, UnopenedFd fd, uint size)
    {
        var reply = await task;
        OpenForTheNext(fd, reply, size);
        return reply;
    }

    /// <summary>
    /// A file that was not read to its end by one read will be read on: from now on through an fd, so that it stays
    /// readable whatever
    /// others do to its name.
    /// </summary>
    private void OpenForTheNext(UnopenedFd fd, ReadReply reply, uint size)
    {
        var isAtEnd = reply.OpRet < size || reply.Hint == Errno.ENOENT;
        if (reply.IsOk && !isAtEnd && Settings.ReadOpens && _table.IsWorthOpening(fd))
        {
            OpenInBackground(fd);
        }
    }

    /// <summary>Release waits for it, and the graph lives as long as the fd.</summary>
    private void OpenInBackground(UnopenedFd fd) => LeaveAlone(OpenNow(fd));

    private static void LeaveAlone(ValueTask<Errno> task)
    {
        var awaiter = task.GetAwaiter();
        if (awaiter.IsCompleted)
        {
            awaiter.GetResult();
        }
        else
        {
            awaiter.UnsafeOnCompleted(() => awaiter.GetResult());
        }
    }

    /// <summary>
    /// Opens an fd if it is not open; the error is that of the OPEN. A closed fd is fine: nobody uses it.
    /// </summary>
    private ValueTask<Errno> OpenNow(UnopenedFd fd) =>
        _table.TryBeginOpen(fd, out var waiter) ? SendOpen(fd) : waiter?.Task ?? new ValueTask<Errno>(Errno.Ok);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> SendOpen(UnopenedFd fd)
    {
        Errno error;
        try
        {
            var fop = new OpenFop { Gfid = fd.Gfid, Flags = fd.Flags, Fd = fd.Fd };
            var reply = await Next.Open(in fop, fd.Opener!); // There is one while the OPEN is under way.
            error = reply.Error;
            reply.Release();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("open-behind", "open failed unexpectedly", ("at", Name), ("exception", e));
            error = Errno.EIO;
        }

        var waiters = _table.Opened(fd, error);
        if (error == Errno.Ok)
        {
            Interlocked.Increment(ref _openedCount);
            fd.Fd.Set(Slot, null); // From here on it is an fd like any other.
        }

        foreach (var waiter in waiters)
        {
            waiter.Signal(error);
        }

        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReleaseReply> ReleaseAfterOpen(OpenWaiter waiter, UnopenedFd fd, ReleaseFop fop, Call call)
    {
        await waiter.Task;
        while (!_table.TryClose(fd, out var again))
        {
            if (again is null)
            {
                return await Next.Release(in fop, call);
            }

            await again.Task;
        }

        return ReleaseReply.Rent();
    }

    /// <summary>Opens fds side by side. What cannot be opened is lost already: the caller goes on.</summary>
    private async ValueTask OpenAll(List<UnopenedFd> fds)
    {
        var tasks = new ValueTask<Errno>[fds.Count];
        for (var i = 0; i < tasks.Length; i++)
        {
#pragma warning disable CA2012 // Each is awaited once, below.
            tasks[i] = OpenNow(fds[i]);
#pragma warning restore CA2012
        }

        foreach (var task in tasks)
        {
            await task;
        }
    }
}
