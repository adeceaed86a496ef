using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

// What only clients of ours send, after they have found the program in the list. Source: docs/reference/small-files.md.
public sealed partial class ServerConnection
{
    private void OnExtension(RpcCall head, Payload record, int position)
    {
        if (head.Version != Programs.ExtensionVersion)
        {
            _connection.Refuse(head.Xid, AcceptStatus.ProgramMismatch);
        }
        else if (head.Procedure == 0)
        {
            _connection.Reply(head.Xid, default(EmptyBody));
        }
        else if (head.Procedure is Programs.CacheLease or Programs.CacheHandled)
        {
            OnCacheLease(head, record, position);
        }
        else if (head.Procedure != Programs.ReleaseMany)
        {
            _connection.Refuse(head.Xid, AcceptStatus.ProcedureUnavailable);
        }
        else if (Attachment is not { } attachment)
        {
            _connection.Close(Errno.EPROTO, "release before SETVOLUME");
        }
        else
        {
            OnReleaseMany(attachment, head.Xid, record, position);
        }
    }

    /// <summary>
    /// The numbers are free at once; it is answered when the files are closed. A number that is not open, or by another
    /// gfid, is passed over, as a RELEASE of it would fail and harm nobody.
    /// </summary>
    private void OnReleaseMany(ServerAttachment attachment, uint xid, Payload record, int position)
    {
        var reader = new XdrReader(record, position) { RootAlias = attachment.RootAlias };
        if (ReleaseManyBody.Read(ref reader) is not { } files)
        {
            _connection.Close(Errno.EBADMSG, "malformed release of many files");
            return;
        }

        Interlocked.Increment(ref _underWay);
        Volatile.Write(ref _lastFopNs, _connection.LastHeardNs);
        _gate!.Enter(attachment.Export.Server.Settings.OutstandingLimit); // Set with the attachment.
        var fds = new List<Fd>(files.Count);
        foreach (var (gfid, number) in files)
        {
            if (Fds.Find(number) is { IsDirectory: false } fd && (fd.Gfid == gfid || gfid.IsNull) && Fds.Remove(number))
            {
                fds.Add(fd);
            }
        }

        _ = ReleaseManyAsync(attachment, xid, fds);
    }

    private async Task ReleaseManyAsync(ServerAttachment attachment, uint xid, List<Fd> fds)
    {
        try
        {
            foreach (var fd in fds)
            {
                await ReleaseAsync(attachment, fd);
            }

            _connection.Reply(xid, default(EmptyBody));
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("server", "an answer cannot be sent", ("exception", e));
            _connection.Close(Errno.EIO, "an answer cannot be sent");
        }

        OnAnswered(isLock: false);
    }
}
