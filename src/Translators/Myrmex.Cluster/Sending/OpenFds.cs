using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// The fds that were opened through this translator: remembers where each is open, opens it at a new server once for
/// all who wait, with the POSIX locks that are held through it, and closes it everywhere. An fd that cannot be had
/// again, or not with its locks, is bad from then on: its owner believes that nobody else is inside.
/// </summary>
internal sealed class OpenFds(
    string volume, int slot, Seams seams, ServerFinder finder, Server[] servers, SendingRules rules)
{
    private readonly Lock _lock = new(); // Guards the list and the places in it; a leaf lock.
    private readonly List<OpenFd> _all = [];
    private readonly Gfid _lockSession = rules.NamesLocks ? seams.NewGfid() : Gfid.Null;
    private long _moves;

    /// <summary>POSIX locks held through the fds.</summary>
    public HeldLocks Locks { get; } = new();

    /// <summary>The session that the servers keep locks for, where they do.</summary>
    public Func<UInt128>? SessionId { get; set; }

    /// <summary>
    /// An fd is closed or has gone bad, and locks that the servers keep may have come by it; true when its client has
    /// left without a word.
    /// </summary>
    public Action<Fd, bool>? Closing { get; set; }

    /// <summary>An fd was closed by its owner.</summary>
    public Action<OpenFd>? Closed { get; set; }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _all.Count;
            }
        }
    }

    /// <summary>How often an fd was made usable at another server.</summary>
    public long Moves => Volatile.Read(ref _moves);

    /// <summary>Whose a lock is that is asked for at a server; none when only the connection counts.</summary>
    public LockSession SessionOf(Choice choice, LkOwner owner) =>
        _lockSession.IsNull
            ? default
            : new LockSession(new UInt128(_lockSession.High, _lockSession.Low), (uint)choice.Number, owner);

    /// <summary>What is kept on an fd; null for one that was not opened here.</summary>
    public OpenFd? Find(Fd? fd) => fd is null or { IsAnonymous: true } ? null : fd.Get(slot) as OpenFd;

    /// <summary>An OPEN, OPENDIR or CREATE has succeeded.</summary>
    /// <param name="request">The xdata that it was opened with.</param>
    public void Add(Fd fd, Choice choice, XData? request)
    {
        var leaseId = LeaseKeys.IdOf(request);
        var open = new OpenFd(fd, new FdPlace(choice), leaseId)
        {
            LeaseName = leaseId.IsNull ? default : LockSession.Of(request),
        };
        fd.Set(slot, open);
        lock (_lock)
        {
            open.Index = _all.Count;
            _all.Add(open);
        }
    }

    /// <summary>
    /// Waits until an fd may be used at the server. Ok: look again, for much may have changed; EBADFD: never again;
    /// ENOTCONN: not in time.
    /// </summary>
    public async ValueTask<Errno> WaitAsync(OpenFd open, Choice choice, long waitMs, bool mayBlock)
    {
        if (waitMs <= 0)
        {
            return Errno.ENOTCONN;
        }

        var waiter = new Waiter(seams, mayBlock);
        if (!open.TryWait(waiter, choice, out var move, out var isFull))
        {
            return isFull ? Errno.ENOTCONN : open.IsBad || open.IsClosed ? Errno.EBADFD : Errno.Ok;
        }

        waiter.EndAfter(waitMs);
        if (move is not null)
        {
            _ = MoveAsync(open, move);
        }

        return await waiter.Task ? Errno.Ok : Errno.ENOTCONN;
    }

    /// <summary>
    /// Closes an fd wherever it is open. Answers as the server where it was used does, and Ok for the others, which are
    /// not waited for.
    /// </summary>
    public ValueTask<TReply> CloseAsync<TFop, TReply>(in TFop fop, Fd fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (fd.Take(slot) is not OpenFd open)
        {
            return new ValueTask<TReply>(TReply.Rent());
        }

        Remove(open);
        var place = open.Place;
        var openAt = open.Close();
        LeaveLocks(fd, hasLeft: LockSession.HasLeft(TFop.XDataOf(in fop)));
        Closed?.Invoke(open);
        foreach (var server in servers)
        {
            if ((openAt & server.Bit) != 0 && server != place?.Choice.Server)
            {
                _ = CloseAtAsync(server, fd);
            }
        }

        return place is null
            ? new ValueTask<TReply>(TReply.Rent())
            : rules.TellsOpens && typeof(TFop) == typeof(ReleaseFop) && call.Client is { IsGone: true }
            ? LeaveAsync<TFop, TReply>(fop, place.Choice.Server, call)
            : CloseAsync<TFop, TReply>(fop, place.Choice.Server, call);
    }

    /// <summary>Its client has gone without a word, and may come back for it: the server is told.</summary>
    private static async ValueTask<TReply> LeaveAsync<TFop, TReply>(TFop fop, Server server, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var xdata = TFop.XDataOf(in fop)?.Clone() ?? XData.Rent();
        xdata.SetInt(LockSession.LeftKey, 1);
        var reply = await CloseAsync<TFop, TReply>(TFop.WithXData(in fop, xdata), server, call);
        xdata.Release();
        return reply;
    }

    /// <summary>A server that goes away, or sends elsewhere, has closed it.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<TReply> CloseAsync<TFop, TReply>(TFop fop, Server server, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var reply = await TFop.Invoke(server.Translator, in fop, call);
        if (reply.Error is not (Errno.ENOTCONN or Errno.EREMOTE))
        {
            return reply;
        }

        reply.Release();
        return TReply.Rent();
    }

    /// <summary>A change of a file was given up after it may have taken effect: all its fds hear of it.</summary>
    public void LoseChange(in Gfid gfid)
    {
        foreach (var open in Snapshot())
        {
            if (open.Fd.Gfid == gfid)
            {
                open.LoseChange();
            }
        }
    }

    /// <summary>
    /// Closes everything at all servers but one. At those that are gone nothing is left to close, but what speaks to
    /// them would open and lock it all again when they come back. What is locked by our name stays: it is asked for at
    /// that one.
    /// </summary>
    public async Task LeaveAsync(Server except)
    {
        var closing = new List<Task>();
        foreach (var open in Snapshot())
        {
            foreach (var server in servers)
            {
                if (server != except && open.Leave(server)
                    && CloseAtAsync(server, open.Fd, staysLocked: rules.NamesLocks) is { IsCompleted: false } one)
                {
                    await AddAsync(closing, one);
                }
            }
        }

        await Task.WhenAll(closing);
    }

    /// <summary>
    /// Opens the fds with locks at a server and takes their locks there. Returns when that is done, or after so many
    /// milliseconds: it then goes on for those that are left, and their fops wait for it.
    /// </summary>
    public async Task RelockAsync(Choice choice, long limitMs)
    {
        var endNs = seams.Clock.MonotonicNs + (limitMs * 1_000_000);
        var moving = new List<Task>();
        foreach (var fd in Locks.Fds())
        {
            if (Find(fd) is { } open)
            {
                var leftMs = Math.Max(1, (endNs - seams.Clock.MonotonicNs) / 1_000_000);
                await AddAsync(moving, WaitAsync(open, choice, leftMs, mayBlock: false).AsTask());
            }
        }

        await Task.WhenAll(moving);
    }

    /// <summary>A file is open by a lease id.</summary>
    public bool HasLeased(Gfid gfid, Gfid leaseId) =>
        Array.Exists(Snapshot(), open => open.LeaseId == leaseId && open.Fd.Gfid == gfid);

    /// <summary>Opens a file at a server where it is open by a lease id.</summary>
    public async Task OpenLeasedAsync(Choice choice, Gfid gfid, Gfid leaseId)
    {
        foreach (var open in Snapshot())
        {
            if (open.LeaseId == leaseId && open.Fd.Gfid == gfid && !open.IsBad
                && !(open.Place is { } place && place.IsAt(choice)))
            {
                await WaitAsync(open, choice, SendingLimits.ReopenMs, mayBlock: false);
            }
        }
    }

    /// <summary>Opens all files at a server, as long as that is the one to ask.</summary>
    public async Task ReopenAsync(Choice choice)
    {
        var moving = new List<Task>();
        foreach (var open in Snapshot())
        {
            if (!ReferenceEquals(finder.Choice, choice))
            {
                break; // There will be another one.
            }

            if (open is { Fd.IsDirectory: false, IsBad: false } && !(open.Place is { } place && place.IsAt(choice)))
            {
                await AddAsync(moving, WaitAsync(open, choice, SendingLimits.ReopenMs, mayBlock: false).AsTask());
            }
        }

        await Task.WhenAll(moving);
    }

    /// <summary>One more of those that are under way; when the window is full all of them are waited for.</summary>
    public static async ValueTask AddAsync(List<Task> under, Task next)
    {
        under.Add(next);
        if (under.Count == SendingLimits.FdWindow)
        {
            await Task.WhenAll(under);
            under.Clear();
        }
    }

    /// <summary>The locks that came by an fd are lost: it answers EBADFD until it is closed.</summary>
    public void Spoil(Fd fd)
    {
        Locks.RemoveFd(fd);
        if (Find(fd) is { } open)
        {
            Log.Warning(rules.Name, "the locks of a file are lost: it is bad until it is closed", ("volume", volume),
                ("gfid", fd.Gfid));
            open.Spoil();
        }
    }

    private void LeaveLocks(Fd fd, bool hasLeft)
    {
        if (Closing is { } closing)
        {
            closing(fd, hasLeft);
        }
        else
        {
            Locks.RemoveFd(fd);
        }
    }

    private OpenFd[] Snapshot()
    {
        lock (_lock)
        {
            return [.. _all];
        }
    }

    private void Remove(OpenFd open)
    {
        lock (_lock)
        {
            var last = _all[^1];
            _all[open.Index] = last;
            last.Index = open.Index;
            _all.RemoveAt(_all.Count - 1);
            open.Index = -1;
        }
    }

    private async Task MoveAsync(OpenFd open, FdPlace move)
    {
        var error = Errno.Ok;
        try
        {
            error = await OpenAsync(open, move.Choice);
            if (error == Errno.Ok)
            {
                error = await LockAsync(open, move);
            }
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error(rules.Name, "an fd cannot be moved", ("volume", volume), ("exception", e));
            error = Errno.EIO;
        }

        if (error == Errno.Ok)
        {
            Interlocked.Increment(ref _moves);
            open.EndMove(move, isThere: true);
        }
        else if (error is Errno.EBADFD or Errno.ENOENT or Errno.ESTALE or Errno.EACCES or Errno.EPERM)
        {
            Log.Warning(
                rules.Name, "a file cannot be opened again, or not with its locks: it is bad until it is closed",
                ("volume", volume), ("gfid", open.Fd.Gfid), ("server", move.Choice.Server.Number), ("errno", error));
            LeaveLocks(open.Fd, hasLeft: false);
            open.EndMove(move, isThere: false, isBad: true);
        }
        else
        {
            // It may be otherwise the next time, here or at another server: those who wait decide how long.
            await PauseAsync(SendingLimits.PauseMsMin);
            open.EndMove(move, isThere: false);
        }
    }

    private async ValueTask<Errno> OpenAsync(OpenFd open, Choice choice)
    {
        var server = choice.Server;
        var (opens, closes) = open.NeedsAt(server);
        if (closes)
        {
            await CloseAtAsync(server, open.Fd);
        }

        if (!opens)
        {
            return Errno.Ok;
        }

        var directory = new OpendirFop { Gfid = open.Fd.Gfid, Fd = open.Fd };
        var error = open.Fd.IsDirectory
            ? await DoAsync<OpendirFop, OpendirReply>(choice, directory, Call.Internal())
            : await OpenFileAsync(choice, open);
        if (error == Errno.Ok && !open.TryOpened(server))
        {
            await CloseAtAsync(server, open.Fd);
            return Errno.EBADFD;
        }

        return error;
    }

    private async ValueTask<Errno> OpenFileAsync(Choice choice, OpenFd open)
    {
        var xdata = open.LeaseId.IsNull ? null : XData.Rent();
        xdata?.SetBytes(LeaseKeys.Id, open.LeaseId.ToArray());
        var name = rules.NamesLocks ? SessionOf(choice, default) : open.LeaseName;
        if (xdata is not null && !name.IsNone)
        {
            name.WriteTo(xdata);
        }

        var fop = new OpenFop
        {
            Gfid = open.Fd.Gfid,
            Flags = open.Fd.Flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate),
            Fd = open.Fd,
            XData = xdata,
        };
        var error = await DoAsync<OpenFop, OpenReply>(choice, fop, Call.Internal());
        xdata?.Release();
        return error;
    }

    /// <summary>Takes the locks of an fd at its new place; EBADFD when somebody else has one.</summary>
    private async ValueTask<Errno> LockAsync(OpenFd open, FdPlace move)
    {
        var tries = 0;
        var waitedMs = 0L;
        while (Locks.FindOlder(open.Fd, move) is { } held)
        {
            var error = SessionId is { } session
                ? await CheckAsync(move, held, session())
                : await LockAsync(move.Choice, held, held.Type);
            if ((error == Errno.ENOLCK && (SessionId is not null || rules.NamesLocks))
                || (error == Errno.ECANCELED && SessionId is not null))
            {
                return Errno.EBADFD; // It was revoked, or is held through another proxy.
            }

            if (error is Errno.EAGAIN or Errno.EACCES)
            {
                waitedMs += rules.LockPauseMs(tries);
                tries++;
                if (waitedMs >= SendingLimits.LockWaitMs)
                {
                    return Errno.EBADFD;
                }

                await PauseAsync(rules.LockPauseMs(tries - 1));
            }
            else if (error == Errno.EBADFD)
            {
                open.Stale(move); // It was open here once, and is not any more: the next move opens it.
                return Errno.EAGAIN;
            }
            else if (error != Errno.Ok)
            {
                return error;
            }
            else if (!Locks.TryRenew(held, move) && SessionId is null)
            {
                // Its owner has given it up meanwhile, or a part of it: what is left is found in the next round.
                await LockAsync(move.Choice, held, LockType.Unlock);
            }
        }

        return Errno.Ok;
    }

    private async ValueTask<Errno> LockAsync(Choice choice, HeldLock held, LockType type)
    {
        var session = SessionOf(choice, held.Owner);
        var xdata = (session.IsNone ? held.Session : session).RentXData();
        if (type != LockType.Unlock)
        {
            xdata?.SetInt(LockSession.HeldKey, 1);
        }

        var error = await DoAsync<LkFop, LkReply>(choice, held.ToFop(type, xdata), held.ToCall());
        xdata?.Release();
        return error;
    }

    /// <summary>Whether a lock is still held.</summary>
    private async ValueTask<Errno> CheckAsync(FdPlace move, HeldLock held, UInt128 session)
    {
        var xdata = held.Session.RentXData() ?? XData.Rent();
        new LockClaim(session, LockAsk.Check, 0, 0).Write(xdata);
        var error = await DoAsync<LkFop, LkReply>(
            move.Choice, held.ToFop(held.Type, xdata), held.ToCall());
        xdata.Release();
        return error;
    }

    private async Task CloseAtAsync(Server server, Fd fd, bool staysLocked = false)
    {
        var call = Call.Internal();
        var xdata = staysLocked ? XData.Rent() : null;
        xdata?.SetInt(LockSession.LeftKey, 1);
        Reply reply = fd.IsDirectory
            ? await server.Translator.Releasedir(new ReleasedirFop { Gfid = fd.Gfid, Fd = fd }, call)
            : await server.Translator.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd, XData = xdata }, call);
        xdata?.Release();
        reply.Release();
        call.Release();
    }

    /// <summary>Sends a fop of our own to a server, once; takes the call.</summary>
    private async ValueTask<Errno> DoAsync<TFop, TReply>(Choice choice, TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var reply = await TFop.Invoke(choice.Server.Translator, in fop, call);
        call.Release();
        var error = reply.Error;
        if (error == Errno.EREMOTE || (error == Errno.ENOTCONN && !rules.StaysWithoutConnection))
        {
            finder.Lost(choice, finder.HintOf(reply));
        }

        reply.Release();
        return error;
    }

    private async ValueTask PauseAsync(long ms)
    {
        var pause = new Waiter(seams);
        pause.EndAfter(ms);
        await pause.Task;
    }
}
