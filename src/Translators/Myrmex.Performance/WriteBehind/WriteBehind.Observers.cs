using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// Fops that bring attributes of files by name: which file it is they know only when the answer comes. If writes of that file were
/// pending meanwhile, the attributes may be older than an answered write, and are asked for again or left out.
/// </summary>
public sealed partial class WriteBehind
{
    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call) =>
        Volatile.Read(ref _busyCount) == 0 && _lateErrors.IsEmpty
            ? Next.Lookup(in fop, call) : LookupObserved(fop, call);

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) =>
        Volatile.Read(ref _busyCount) == 0 ? Next.Readdirp(in fop, call) : ReaddirpObserved(fop, call);

    public override ValueTask<RenameReply> Rename(in RenameFop fop, Call call) =>
        Volatile.Read(ref _busyCount) == 0 ? Next.Rename(in fop, call) : RenameObserved(fop, call);

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) =>
        Settings.IsOn && (fop.Flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly && !fop.Fd.IsAnonymous
            ? CreateObserved(fop, call)
            : Next.Create(in fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LookupReply> LookupObserved(LookupFop fop, Call call)
    {
        if (!fop.Gfid.IsNull && FindBusy(fop.Gfid) is { } known && TryWait(known, 0, out var wait))
        {
            await wait;
        }

        var since = _observers.Begin();
        var reply = await Next.Lookup(in fop, call);
        var isStale = reply.IsOk && IsStale(in reply.Iatt.Gfid, since);
        _observers.End();
        var error = Errno.Ok;
        if (!isStale && !(reply.IsOk && _lateErrors.TryTake(reply.Iatt.Gfid, out error)))
        {
            return reply;
        }

        var gfid = reply.Iatt.Gfid;
        reply.Release();
        if (!isStale)
        {
            return LookupReply.Fail(error);
        }

        if (FindBusy(in gfid) is { } file && TryWait(file, 0, out wait))
        {
            await wait;
        }

        return await Next.Lookup(in fop, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReaddirpReply> ReaddirpObserved(ReaddirpFop fop, Call call)
    {
        var since = _observers.Begin();
        var reply = await Next.Readdirp(in fop, call);
        for (var i = 0; reply.IsOk && i < reply.Entries.Count; i++)
        {
            LeaveOutStale(ref reply.Entries[i], since);
        }

        _observers.End();
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<RenameReply> RenameObserved(RenameFop fop, Call call)
    {
        var since = _observers.Begin();
        var reply = await Next.Rename(in fop, call);
        var isStale = reply.IsOk && IsStale(in reply.Iatt.Gfid, since);
        _observers.End();
        if (isStale)
        {
            reply.Iatt = await StatAfter(reply.Iatt.Gfid, call);
        }

        return reply;
    }

    /// <summary>CREATE tells the mode, so that already the first write of a new file may be answered early.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<CreateReply> CreateObserved(CreateFop fop, Call call)
    {
        if ((fop.Flags & (OpenFlags.Truncate | OpenFlags.Exclusive)) == OpenFlags.Truncate
            && Volatile.Read(ref _busyCount) != 0)
        {
            await WaitForName(fop.Parent, fop.Name, call);
        }

        var since = _observers.Begin();
        var reply = await Next.Create(in fop, call);
        var isStale = reply.IsOk && IsStale(in reply.Iatt.Gfid, since);
        _observers.End();
        if (isStale)
        {
            // The file was there already, and somebody writes to it.
            reply.Iatt = await StatAfter(reply.Iatt.Gfid, call);
        }

        if (reply.IsOk && !reply.Iatt.IsNull)
        {
            Learn(_files.HandleOf(in reply.Iatt.Gfid, fop.Fd).File, isOk: true, in reply.Iatt);
        }

        return reply;
    }

    /// <summary>
    /// The file behind a name may have writes pending that must not land after it has been truncated.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> WaitForName(Gfid parent, Name name, Call call)
    {
        var reply = await Next.Lookup(new LookupFop { Parent = parent, Name = name }, call);
        var (error, gfid) = (reply.Error, reply.Iatt.Gfid);
        reply.Release();
        if (error == Errno.Ok && FindBusy(in gfid) is { } file && TryWait(file, 0, out var wait))
        {
            await wait;
        }

        return error;
    }

    private bool IsStale(in Gfid gfid, long since) =>
        FindBusy(in gfid) is not null || _observers.MayHaveSettled(in gfid, since);

    private void LeaveOutStale(ref DirEntry entry, long since)
    {
        if (!entry.Iatt.IsNull && IsStale(in entry.Iatt.Gfid, since))
        {
            entry.Iatt = default;
        }
    }

    /// <summary>The attributes after the writes of a file; null ones when they cannot be had.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Iatt> StatAfter(Gfid gfid, Call call)
    {
        var fop = new StatFop { Gfid = gfid };
        var reply = await AfterWrites<StatFop, StatReply>(in fop, in gfid, call);
        var iatt = reply.IsOk ? reply.Iatt : default;
        reply.Release();
        return iatt;
    }
}
