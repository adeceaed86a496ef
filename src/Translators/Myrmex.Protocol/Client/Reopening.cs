using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// Restores on a new attachment what the server has forgotten with the old connection: open fds, and the POSIX locks
/// that were held through them. An fd is usable again only with all its locks; one whose locks somebody else has got
/// is bad from then on, because its owner believes that nobody else is inside. Runs on the loop of the connection.
/// </summary>
internal sealed class Reopening(string volume, OpenFdList fds, HeldLocks locks)
{
    /// <summary>Fds opened again at the same time.</summary>
    private const int Window = 64;

    /// <summary>
    /// A lock that is not free is asked for again, for 45 seconds: after a break of the network a GlusterFS server
    /// takes the old connection, and the locks of it, for alive until the probes of TCP have failed.
    /// </summary>
    private const int LockTriesMax = 90;

    private const long LockPauseMs = 500;

    /// <summary>
    /// Opens everything again that was open. Returns when all of it is usable, bad, or waiting for a lock.
    /// </summary>
    /// <param name="strict">Do not take locks again: somebody may have had them in between.</param>
    public async Task RunAsync(ClientAttachment attachment, bool strict)
    {
        var open = fds.Snapshot();
        var window = new List<Task>(Window);
        for (var i = 0; i < open.Length && attachment.Connection.IsOpen; i++)
        {
            window.Add(ReopenAsync(attachment, open[i], strict));
            if (window.Count == Window || i == open.Length - 1)
            {
                await Task.WhenAll(window);
                window.Clear();
            }
        }
    }

    private async Task ReopenAsync(ClientAttachment attachment, ClientFd open, bool strict)
    {
        var connection = attachment.Connection;
        open.IsWaitingForLocks = false;
        if (strict && locks.RemoveFd(open.Fd))
        {
            LoseLocks(open, Errno.ENOTCONN);
        }

        if (open.HasLostLocks)
        {
            fds.TryMove(open, new RemoteFd(attachment, RemoteFd.Bad));
            return;
        }

        var number = open.Fd.IsDirectory
            ? await ReopenDirectoryAsync(connection, open)
            : await ReopenFileAsync(connection, open);
        if (number >= 0)
        {
            await LockAsync(attachment, open, number, LockTriesMax);
            return;
        }

        if (connection.IsOpen)
        {
            Log.Warning("client", "a file cannot be opened again", ("volume", volume), ("gfid", open.Fd.Gfid));
            locks.RemoveFd(open.Fd);
            fds.TryMove(open, new RemoteFd(attachment, RemoteFd.Bad));
        }
    }

    /// <summary>Takes the locks of an fd again, now or after some tries, and makes it usable or bad.</summary>
    private async Task LockAsync(ClientAttachment attachment, ClientFd open, long number, int triesLeft)
    {
        var connection = attachment.Connection;
        var error = await LockOnceAsync(attachment, open, number);
        if (!connection.IsOpen)
        {
            return; // The next attachment begins anew.
        }

        if (error is Errno.EAGAIN or Errno.EACCES && triesLeft > 1)
        {
            open.IsWaitingForLocks = true;
            connection.Link.Scheduler.Schedule(
                LockPauseMs, () => _ = LockAsync(attachment, open, number, triesLeft - 1));
            return;
        }

        if (error != Errno.Ok)
        {
            LoseLocks(open, error);
            await ReleaseAsync(connection, open, number);
            number = RemoteFd.Bad;
        }

        var isOpen = fds.TryMove(open, new RemoteFd(attachment, number));
        open.IsWaitingForLocks = false;
        if (!isOpen && number >= 0)
        {
            // Closed meanwhile, by somebody who did not know of this number yet.
            await ReleaseAsync(connection, open, number);
        }
    }

    private void LoseLocks(ClientFd open, Errno error)
    {
        Log.Warning(
            "client", "locks of a file are lost, it is bad until it is closed",
            ("volume", volume), ("gfid", open.Fd.Gfid), ("errno", error));
        locks.RemoveFd(open.Fd);
        open.HasLostLocks = true;
    }

    private async Task<Errno> LockOnceAsync(ClientAttachment attachment, ClientFd open, long number)
    {
        while (locks.FindOlder(open.Fd, attachment) is { } held)
        {
            var error = await SendLockAsync(attachment.Connection, held, number, held.Type);
            if (error != Errno.Ok)
            {
                return error;
            }

            if (!locks.TryRenew(held, attachment))
            {
                // Its owner has given it up meanwhile, or a part of it: what is left is found in the next round.
                await SendLockAsync(attachment.Connection, held, number, LockType.Unlock);
            }
        }

        return Errno.Ok;
    }

    private static async Task<Errno> SendLockAsync(
        RpcConnection connection, HeldLock held, long number, LockType type)
    {
        var xdata = held.Session.RentXData();
        if (type != LockType.Unlock)
        {
            xdata?.SetInt(LockSession.HeldKey, 1);
        }

        var error = Outcome(await CallAsync<LkFop, LkReply, LkCodec>(
            connection, held.ToFop(type, xdata), held.ToCall(), number));
        xdata?.Release();
        return error;
    }

    private static async Task<long> ReopenFileAsync(RpcConnection connection, ClientFd open)
    {
        var flags = open.Fd.Flags & ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate);
        var (leaseId, name) = open.Lease;
        var xdata = leaseId.IsNull ? null : name.RentXData() ?? XData.Rent();
        xdata?.SetBytes(LeaseKeys.Id, leaseId.ToArray());
        var fop = new OpenFop { Gfid = open.Fd.Gfid, Flags = flags, Fd = open.Fd, XData = xdata };
        var reply = await CallAsync<OpenFop, OpenReply, OpenCodec>(connection, fop, Call.Internal());
        xdata?.Release();
        var number = reply.IsOk ? reply.FdNumber : RemoteFd.Bad;
        reply.Release();
        return number;
    }

    private static async Task<long> ReopenDirectoryAsync(RpcConnection connection, ClientFd open)
    {
        var fop = new OpendirFop { Gfid = open.Fd.Gfid, Fd = open.Fd };
        var reply = await CallAsync<OpendirFop, OpendirReply, OpendirCodec>(connection, fop, Call.Internal());
        var number = reply.IsOk ? reply.FdNumber : RemoteFd.Bad;
        reply.Release();
        return number;
    }

    private static async Task<Errno> ReleaseAsync(RpcConnection connection, ClientFd open, long number)
    {
        if (open.Fd.IsDirectory)
        {
            var directory = new ReleasedirFop { Gfid = open.Fd.Gfid, Fd = open.Fd };
            return Outcome(await CallAsync<ReleasedirFop, ReleasedirReply, ReleasedirCodec>(
                connection, directory, Call.Internal(), number));
        }

        var file = new ReleaseFop { Gfid = open.Fd.Gfid, Fd = open.Fd };
        return Outcome(await CallAsync<ReleaseFop, ReleaseReply, ReleaseCodec>(
            connection, file, Call.Internal(), number));
    }

    private static Errno Outcome(Reply reply)
    {
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>Sends a fop on a connection that is not open to others yet; takes the call.</summary>
    private static async Task<TReply> CallAsync<TFop, TReply, TCodec>(
        RpcConnection connection, TFop fop, Call call, long fd = RemoteFd.Bad)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var receiver = ClientCall<TFop, TReply, TCodec>.Rent(connection, in fop);
        var task = receiver.Task;
        var body = new FopRequestBody<TFop, TReply, TCodec>(fop, fd, RemoteFd.Bad);
        var head = new RpcCall(0, Programs.Fop, Programs.FopVersion, (uint)TFop.Code);
        connection.Send(head, call, in body, receiver, version3: true);
        call.Release();
        return await task;
    }
}
