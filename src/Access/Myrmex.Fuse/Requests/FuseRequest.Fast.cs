using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>LOOKUP, GETATTR, READ and WRITE: no garbage whether the graph answers at once or later.</summary>
internal sealed partial class FuseRequest
{
    private static readonly Action<FuseRequest, LookupReply> AfterLookup = static (r, reply) => r.FinishLookup(reply);
    private static readonly Action<FuseRequest, StatReply> AfterStat = static (r, reply) => r.FinishStat(reply);
    private static readonly Action<FuseRequest, FstatReply> AfterFstat = static (r, reply) => r.FinishFstat(reply);
    private static readonly Action<FuseRequest, ReadReply> AfterRead = static (r, reply) => r.FinishRead(reply);
    private static readonly Action<FuseRequest, WriteReply> AfterWrite = static (r, reply) => r.FinishWrite(reply);

    /// <summary>Takes the name of an entry, checked: no slash, not empty, not a dot, not too long.</summary>
    private bool TryTakeEntryName(out Name name, out Errno error)
    {
        error = TryTakeName(out name) ? name.CheckEntry() : Errno.EIO;
        return error == Errno.Ok;
    }

    private void StartLookup()
    {
        if (!TryGetGfid(Node, out var parent))
        {
            Reply(Errno.ESTALE);
            return;
        }

        LookupFop fop;
        if (TryTakeEntryName(out var name, out var error))
        {
            fop = new LookupFop { Parent = parent, Name = name, XData = _xdata };
        }
        else if (name.Equals("."u8))
        {
            fop = new LookupFop { Gfid = parent, XData = _xdata };
        }
        else
        {
            Reply(error);
            return;
        }

        BeginCall(withGroups: true);
        Await(Top.Lookup(in fop, Call), AfterLookup);
    }

    private void FinishLookup(LookupReply reply)
    {
        _reply = reply;
        if (!_retried && IsWorthAnotherLookup(reply))
        {
            _retried = true;
            reply.Release();
            _reply = null;
            Rewind();
            StartLookup();
            return;
        }

        if (!reply.PostParent.IsNull)
        {
            Inodes.Observed(Node, in reply.PostParent, _token, _nowNs);
        }

        if (reply.IsOk)
        {
            Finish(PutEntry(in reply.Iatt));
        }
        else if (reply.Error == Errno.ENOENT && _session.Options.NegativeTimeoutNs > 0)
        {
            ref var entry = ref NewBody<FuseEntryOut>();
            FuseConversion.SetTimeout(
                _session.Options.NegativeTimeoutNs, out entry.EntryValid, out entry.EntryValidNsec);
            SendBody();
        }
        else
        {
            Finish(reply.Error);
        }
    }

    /// <summary>
    /// ESTALE may be the graph's knowledge of the name, and a file without a gfid (put on a brick by hand) is given one
    /// only
    /// when the client brings it: both deserve a second try.
    /// </summary>
    private bool IsWorthAnotherLookup(LookupReply reply)
    {
        if (reply.Error is Errno.ENODATA || (reply.IsOk && reply.Iatt.Gfid.IsNull))
        {
            RequestGfid();
            return true;
        }

        return reply.Error == Errno.ESTALE;
    }

    private void StartGetattr()
    {
        if (!TryTake(out FuseGetattrIn argument))
        {
            Reply(Errno.EIO);
            return;
        }

        if (Inodes.TryGetAttributes(Node, _nowNs, out var iatt, out var validNs))
        {
            _session.CountLocalGetattr();
            Finish(PutAttr(in iatt, validNs));
            return;
        }

        if (!TryGetGfid(Node, out var gfid))
        {
            Reply(Errno.ESTALE);
            return;
        }

        if ((argument.Flags & FuseBits.GetattrHandle) != 0)
        {
            if (UseFile(argument.Handle, out var error))
            {
                StartFstat(gfid);
            }
            else if (error != AlreadyReplied)
            {
                Reply(error);
            }
        }
        else if (Inodes.TestFlag(Node, Graph.InodeFlags.Unlinked) && UseAnyFile(Node))
        {
            StartFstat(gfid);
        }
        else
        {
            StartStat(gfid);
        }
    }

    private void StartStat(Gfid gfid)
    {
        var fop = new StatFop { Gfid = gfid };
        Await(Top.Stat(in fop, BeginCall(withGroups: false)), AfterStat);
    }

    private void StartFstat(Gfid gfid)
    {
        var fop = new FstatFop { Gfid = gfid, Fd = _fd!.Fd };
        Await(_fd.Graph.Top.Fstat(in fop, BeginCall(withGroups: false)), AfterFstat);
    }

    private void FinishStat(StatReply reply)
    {
        if (IsNameless(reply.Error) && UseAnyFile(Node))
        {
            reply.Release();
            Inodes.SetFlag(Node, Graph.InodeFlags.Unlinked);
            StartFstat(_file!.Gfid);
            return;
        }

        _reply = reply;
        FinishGetattr(reply.Error, in reply.Iatt);
    }

    private void FinishFstat(FstatReply reply)
    {
        _reply = reply;
        FinishGetattr(reply.Error, in reply.Iatt);
    }

    private void FinishGetattr(Errno error, in Iatt iatt)
    {
        if (error != Errno.Ok)
        {
            Finish(error);
            return;
        }

        Inodes.Observed(Node, in iatt, _token, _nowNs);
        Finish(PutAttr(in iatt, _session.Options.AttributeTimeoutNs));
    }

    /// <summary>What a brick answers for a gfid that has no name any more.</summary>
    private static bool IsNameless(Errno error) => error is Errno.ENOENT or Errno.ESTALE;

    private void StartRead()
    {
        if (!TryTake(out FuseReadIn argument) || argument.Offset > long.MaxValue)
        {
            Reply(Errno.EIO);
            return;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            if (error != AlreadyReplied)
            {
                Reply(error);
            }

            return;
        }

        var fop = new ReadFop
        {
            Gfid = _file!.Gfid,
            Fd = _fd!.Fd,
            Offset = (long)argument.Offset,
            Size = Math.Min(argument.Size, FuseLimits.IOBytesMax),
            Flags = _file.Flags,
        };
        Await(_fd.Graph.Top.Read(in fop, BeginCall(withGroups: false)), AfterRead);
    }

    private void FinishRead(ReadReply reply)
    {
        _reply = reply;
        if (!reply.IsOk)
        {
            Finish(reply.Error);
            return;
        }

        if (!reply.Iatt.IsNull)
        {
            Inodes.Observed(_file!.Node, in reply.Iatt, _token, _nowNs);
        }

        var length = Math.Min(reply.Data.Length, WantedLength());
        if (length == 0)
        {
            SendBody();
        }
        else
        {
            SendData(reply.Data.Address, length);
        }
    }

    /// <summary>Bytes the kernel has room for.</summary>
    private int WantedLength()
    {
        Rewind();
        return TryTake(out FuseReadIn argument) ? (int)Math.Min(argument.Size, FuseLimits.IOBytesMax) : 0;
    }

    private void StartWrite()
    {
        if (!TryTake(out FuseWriteIn argument) || argument.Size > (uint)_tailLength
            || argument.Offset > (ulong)long.MaxValue - argument.Size)
        {
            Reply(Errno.EIO);
            return;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            if (error != AlreadyReplied)
            {
                Reply(error);
            }

            return;
        }

        var call = BeginCall(withGroups: false);
        var (fd, flags) = (_fd!.Fd, FuseConversion.OpenFlagsOf(argument.Flags));
        if ((argument.WriteFlags & FuseBits.WriteCache) != 0)
        {
            // Pages that the kernel writes back come through whatever handle it finds, with no flags of their own.
            // They have their place in the file, so they must not meet an fd that appends.
            flags = _file!.Flags & ~OpenFlags.Append;
            fd = _file.Appends ? call.AnonymousFd(_file.Gfid) : fd;
        }

        var fop = new WriteFop
        {
            Gfid = _file!.Gfid,
            Fd = fd,
            Offset = (long)argument.Offset,
            Flags = flags,
            Data = TailPayload((int)argument.Size),
        };
        _file.IsDirty = true;
        Await(_fd.Graph.Top.Write(in fop, call), AfterWrite);
    }

    private void FinishWrite(WriteReply reply)
    {
        _reply = reply;
        Inodes.Changed(_file!.Node, in reply.Post, _token, _nowNs);
        if (!reply.IsOk)
        {
            Finish(reply.Error);
            return;
        }

        PutWritten(reply.OpRet);
        if (_file.Appends)
        {
            CheckPlace(reply);
        }

        if (MustKillPrivileges() && FuseConversion.HasPrivilegeBits(in reply.Post))
        {
            Await(KillPrivilegesAsync(reply.Post), ReplyWithError);
            return;
        }

        SendBody();
    }

    /// <summary>
    /// The brick has appended somewhere else than the kernel thought, behind what another client has written: the
    /// pages that the kernel has filled are wrong. It fills none of a handle that bypasses its cache.
    /// </summary>
    private void CheckPlace(WriteReply reply)
    {
        Rewind();
        if (!reply.Post.IsNull && TryTake(out FuseWriteIn argument)
            && (argument.WriteFlags & FuseBits.WriteCache) == 0
            && reply.Post.Size != argument.Offset + (ulong)reply.OpRet
            && (OpenReplyFlagsOf(_file!.Flags) & FuseOpenReplyFlags.DirectIO) == 0)
        {
            _session.InvalidateData(_file.Node);
        }
    }

    private bool MustKillPrivileges()
    {
        Rewind();
        return TryTake(out FuseWriteIn argument) && (argument.WriteFlags & FuseBits.WriteKillSuidSgid) != 0;
    }

    /// <summary>
    /// Takes away suid (and sgid of a group-executable file) after a change by somebody who may not keep them. With
    /// HANDLE_KILLPRIV_V2 this is the server's duty.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> KillPrivilegesAsync(Iatt iatt)
    {
        var gfid = _file?.Gfid ?? iatt.Gfid;
        var node = _file?.Node ?? Node;
        var values = new Iatt { Mode = FuseConversion.WithoutPrivilegeBits(iatt.Mode), Flags = IattFlags.Mode };
        var token = Inodes.Token;

        // By the process itself: the writer may not own the file.
        var call = Call.Internal(pid: 0);
        Errno error;
        if (_fd is not null)
        {
            var fop = new FsetattrFop { Gfid = gfid, Fd = _fd.Fd, Iatt = values, Valid = SetattrValid.Mode };
            var reply = await _fd.Graph.Top.Fsetattr(in fop, call);
            error = reply.Error;
            Inodes.Changed(node, in reply.Post, token, _nowNs);
            reply.Release();
        }
        else
        {
            var fop = new SetattrFop { Gfid = gfid, Iatt = values, Valid = SetattrValid.Mode };
            var reply = await Top.Setattr(in fop, call);
            error = reply.Error;
            Inodes.Changed(node, in reply.Post, token, _nowNs);
            reply.Release();
        }

        call.Release();
        return error;
    }
}
