using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// The fds that were opened through this translator: remembers where each is open, opens it at a new leader once for
/// all who wait, with the POSIX locks that are held through it, and closes it everywhere. An fd that cannot be had
/// again, or not with its locks, is bad from then on: its owner believes that nobody else is inside.
/// </summary>
internal sealed class OpenFds(string volume, int slot, Seams seams, LeaderFinder finder, Member[] members)
{
    private int _count;
    private long _moves;

    /// <summary>POSIX locks held through the fds.</summary>
    public HeldLocks Locks { get; } = new();

    public int Count => Volatile.Read(ref _count);

    /// <summary>How often an fd was made usable at another member.</summary>
    public long Moves => Volatile.Read(ref _moves);

    /// <summary>What is kept on an fd; null for one that was not opened here.</summary>
    public OpenFd? Find(Fd? fd) => fd is null or { IsAnonymous: true } ? null : fd.Get(slot) as OpenFd;

    /// <summary>An OPEN, OPENDIR or CREATE has succeeded.</summary>
    public void Add(Fd fd, Lead lead)
    {
        fd.Set(slot, new OpenFd(fd, new FdPlace(lead)));
        Interlocked.Increment(ref _count);
    }

    /// <summary>
    /// Waits until an fd may be used at the leader. Ok: look again, for much may have changed; EBADFD: never again;
    /// ENOTCONN: not in time.
    /// </summary>
    public async ValueTask<Errno> WaitAsync(OpenFd open, Lead lead, long waitMs, bool mayBlock)
    {
        if (waitMs <= 0)
        {
            return Errno.ENOTCONN;
        }

        var waiter = new Waiter(seams, mayBlock);
        if (!open.TryWait(waiter, lead, out var move, out var isFull))
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
    /// Closes an fd wherever it is open. Answers as the member where it was used does, and Ok for the others, which are
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

        Interlocked.Decrement(ref _count);
        var place = open.Place;
        var openAt = open.Close();
        Locks.RemoveFd(fd);
        foreach (var member in members)
        {
            if ((openAt & member.Bit) != 0 && member != place?.Lead.Member)
            {
                _ = CloseAtAsync(member, fd);
            }
        }

        return place is null
            ? new ValueTask<TReply>(TReply.Rent())
            : TFop.Invoke(place.Lead.Member.Translator, in fop, call);
    }

    private async Task MoveAsync(OpenFd open, FdPlace move)
    {
        var error = Errno.Ok;
        try
        {
            error = await OpenAsync(open, move.Lead);
            if (error == Errno.Ok)
            {
                error = await LockAsync(open, move);
            }
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("journal-client", "an fd cannot be moved", ("volume", volume), ("exception", e));
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
                "journal-client", "a file cannot be opened again, or not with its locks: it is bad until it is closed",
                ("volume", volume), ("gfid", open.Fd.Gfid), ("member", move.Lead.Member.Number), ("errno", error));
            Locks.RemoveFd(open.Fd);
            open.EndMove(move, isThere: false, isBad: true);
        }
        else
        {
            // It may be otherwise the next time, here or at another leader: those who wait decide how long.
            await PauseAsync(ClientLimits.PauseMsMin);
            open.EndMove(move, isThere: false);
        }
    }

    private async ValueTask<Errno> OpenAsync(OpenFd open, Lead lead)
    {
        var member = lead.Member;
        var (opens, closes) = open.NeedsAt(member);
        if (closes)
        {
            await CloseAtAsync(member, open.Fd);
        }

        if (!opens)
        {
            return Errno.Ok;
        }

        var directory = new OpendirFop { Gfid = open.Fd.Gfid, Fd = open.Fd };
        var error = open.Fd.IsDirectory
            ? await DoAsync<OpendirFop, OpendirReply>(lead, directory, Call.Internal())
            : await DoAsync<OpenFop, OpenReply>(lead, FileOf(open.Fd), Call.Internal());
        if (error == Errno.Ok && !open.TryOpened(member))
        {
            await CloseAtAsync(member, open.Fd);
            return Errno.EBADFD;
        }

        return error;
    }

    private static OpenFop FileOf(Fd fd) => new()
    {
        Gfid = fd.Gfid,
        Flags = fd.Flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate),
        Fd = fd,
    };

    /// <summary>Takes the locks of an fd at its new place; EBADFD when somebody else has one.</summary>
    private async ValueTask<Errno> LockAsync(OpenFd open, FdPlace move)
    {
        var tries = 0;
        while (Locks.FindOlder(open.Fd, move) is { } held)
        {
            var error = await DoAsync<LkFop, LkReply>(move.Lead, held.ToFop(held.Type), held.ToCall());
            if (error is Errno.EAGAIN or Errno.EACCES)
            {
                if (++tries >= ClientLimits.LockTriesMax)
                {
                    return Errno.EBADFD;
                }

                await PauseAsync(ClientLimits.LockPauseMs);
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
            else if (!Locks.TryRenew(held, move))
            {
                // Its owner has given it up meanwhile, or a part of it: what is left is found in the next round.
                await DoAsync<LkFop, LkReply>(move.Lead, held.ToFop(LockType.Unlock), held.ToCall());
            }
        }

        return Errno.Ok;
    }

    private async Task CloseAtAsync(Member member, Fd fd)
    {
        var call = Call.Internal();
        Reply reply = fd.IsDirectory
            ? await member.Translator.Releasedir(new ReleasedirFop { Gfid = fd.Gfid, Fd = fd }, call)
            : await member.Translator.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call);
        reply.Release();
        call.Release();
    }

    /// <summary>Sends a fop of our own to the leader, once; takes the call.</summary>
    private async ValueTask<Errno> DoAsync<TFop, TReply>(Lead lead, TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var reply = await TFop.Invoke(lead.Member.Translator, in fop, call);
        call.Release();
        var error = reply.Error;
        if (error is Errno.EREMOTE or Errno.ENOTCONN)
        {
            finder.Lost(lead, finder.HintOf(reply));
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
