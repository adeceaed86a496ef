using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Fuse;

/// <summary>
/// One request of the kernel from the read to the reply: owns the memory it was read into and the reply is built in,
/// lends
/// names and data in it to the fop. Pooled. Runs to completion on the loop that read it when the graph answers at once;
/// otherwise it is parked and goes on where the fop completes.
/// Invariant: from the moment a reply is sent (or the request is handed to a continuation) nobody touches it again.
/// </summary>
internal sealed partial class FuseRequest
{
    /// <summary>An async handler answers this when the reply has been sent by somebody else.</summary>
    private const Errno AlreadyReplied = (Errno)(-1);

    private static readonly Action<FuseRequest, Errno> ReplyWithError =
        static (request, error) => request.Finish(error);

    private static readonly Action<FuseRequest, Errno> StartAgain = static (request, _) => request.Restart();

    private FuseSession _session = null!;
    private FuseTransport _transport = null!;
    private Call? _call;
    private XData? _xdata;
    private FuseFile? _file;
    private OpenFd? _fd;
    private Reply? _reply;
    private ulong _token;
    private long _nowNs;
    private ulong _linkedNode;
    private FuseFile? _opened;
    private int _bodyLength;
    private Payload _data;
    private bool _retried;
    private bool _isListing;

    private Translator Top => _graph.Top;

    private IHostedGraph _graph = null!;

    private InodeTable Inodes => _session.Inodes;

    private Call Call => _call!;

    /// <summary>Called by a waiting fop's continuation.</summary>
    internal void Complete<TReply>(in ValueTask<TReply> task, Action<FuseRequest, TReply> finish)
    {
        try
        {
            finish(this, task.GetAwaiter().GetResult());
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Crashed(e);
        }
    }

    /// <summary>Does what the request asks. The request must not be touched afterwards.</summary>
    internal void Dispatch()
    {
        _session.CountOpcode(Opcode);
        _graph = _session.Graph;
        _token = Inodes.Token;
        _nowNs = _session.Seams.Clock.MonotonicNs;
        try
        {
            if (!StartFast())
            {
                Await(StartSlow(), ReplyWithError);
            }
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Crashed(e);
        }
    }

    /// <summary>Operations that are frequent, or that need no fop: true when the request was one of them.</summary>
    private bool StartFast()
    {
        switch (Opcode)
        {
            case FuseOpcode.Lookup:
                StartLookup();
                return true;
            case FuseOpcode.Getattr:
                StartGetattr();
                return true;
            case FuseOpcode.Read:
                StartRead();
                return true;
            case FuseOpcode.Write:
                StartWrite();
                return true;
            case FuseOpcode.Forget:
                Forget();
                return true;
            case FuseOpcode.BatchForget:
                BatchForget();
                return true;
            case FuseOpcode.Interrupt:
                Interrupt();
                return true;
            case FuseOpcode.NotifyReply:
                Recycle();
                return true;
            case FuseOpcode.Init:
                Init();
                return true;
            default:
                return false;
        }
    }

    private ValueTask<Errno> StartSlow() => Opcode switch
    {
        FuseOpcode.Setattr => SetattrAsync(),
        FuseOpcode.Readlink => ReadlinkAsync(),
        FuseOpcode.Symlink => SymlinkAsync(),
        FuseOpcode.Mknod => MknodAsync(),
        FuseOpcode.Mkdir => MkdirAsync(),
        FuseOpcode.Unlink => UnlinkAsync(),
        FuseOpcode.Rmdir => RmdirAsync(),
        FuseOpcode.Rename => RenameAsync(),
        FuseOpcode.Rename2 => RenameAsync(),
        FuseOpcode.Link => LinkAsync(),
        FuseOpcode.Open => OpenAsync(),
        FuseOpcode.Create => CreateAsync(),
        FuseOpcode.Statfs => StatfsAsync(),
        FuseOpcode.Release => ReleaseAsync(),
        FuseOpcode.Flush => FlushAsync(),
        FuseOpcode.Fsync => FsyncAsync(),
        FuseOpcode.Setxattr => SetxattrAsync(),
        FuseOpcode.Getxattr => GetxattrAsync(),
        FuseOpcode.Listxattr => ListxattrAsync(),
        FuseOpcode.Removexattr => RemovexattrAsync(),
        FuseOpcode.Opendir => OpendirAsync(),
        FuseOpcode.Readdir => ReaddirAsync(),
        FuseOpcode.Readdirplus => ReaddirAsync(),
        FuseOpcode.Releasedir => ReleaseAsync(),
        FuseOpcode.Fsyncdir => FsyncdirAsync(),
        FuseOpcode.Getlk => LockAsync(),
        FuseOpcode.Setlk => LockAsync(),
        FuseOpcode.Setlkw => LockAsync(),
        FuseOpcode.Fallocate => FallocateAsync(),
        FuseOpcode.Lseek => LseekAsync(),
        FuseOpcode.CopyFileRange => CopyFileRangeAsync(),
        FuseOpcode.CopyFileRange64 => CopyFileRangeAsync(),
        FuseOpcode.Statx => StatxAsync(),
        FuseOpcode.Destroy => new ValueTask<Errno>(Errno.Ok),

        // ENOTTY tells isatty() and chattr what they want to know; ENOSYS is remembered by the kernel for the others:
        // access is checked by the kernel (default_permissions), there is no poll, bmap, tmpfile or mapping.
        FuseOpcode.Ioctl => new ValueTask<Errno>(Errno.ENOTTY),
        _ => Unsupported(),
    };

    private ValueTask<Errno> Unsupported()
    {
        ReplyUnsupported();
        return new ValueTask<Errno>(AlreadyReplied);
    }

    /// <summary>Goes on with <paramref name="finish"/> when the fop is done, now or later.</summary>
    private void Await<TReply>(in ValueTask<TReply> task, Action<FuseRequest, TReply> finish)
    {
        if (task.IsCompleted)
        {
            Complete(in task, finish);
        }
        else
        {
            ParkedFop<TReply>.Park(this, in task, finish);
        }
    }

    /// <summary>Begins anew, after the file was moved to another graph.</summary>
    private void Restart()
    {
        DropFile();
        EndCall();
        Rewind();
        Dispatch();
    }

    private void Crashed(Exception e)
    {
        Log.Error("fuse", "a request threw", ("opcode", Opcode), ("exception", e));
        Reply(Errno.EIO);
    }

    /// <summary>Makes the call that accompanies the fops of this request.</summary>
    private Call BeginCall(bool withGroups)
    {
        var call = _call;
        if (call is null)
        {
            call = Call.Rent();
            _call = call;
        }

        SetIdentity(call);
        if (withGroups)
        {
            _session.Groups?.AddTo(call);
        }

        return call;
    }

    private void EndCall()
    {
        _call?.Release();
        _call = null;
    }

    /// <summary>The dictionary of the fop, made when missing; given back with the request.</summary>
    private XData NeedXData() => _xdata ??= XData.Rent();

    /// <summary>The gfid the bricks must give to what is created.</summary>
    private Gfid RequestGfid()
    {
        var gfid = _session.Seams.NewGfid();
        NeedXData().SetGfid("gfid-req"u8, gfid);
        return gfid;
    }

    private bool TryGetGfid(ulong node, out Gfid gfid) => Inodes.TryGetGfid(node, out gfid);

    /// <summary>
    /// Takes the file of a handle for the time of the request. False, with the error, when there is none. When the
    /// graph has
    /// been replaced the file moves first: the request is parked, <paramref name="error"/> is <see
    /// cref="AlreadyReplied"/>,
    /// and it starts again.
    /// </summary>
    private bool UseFile(ulong handle, out Errno error)
    {
        var file = _session.Files.Find(handle);
        var fd = file?.Acquire();
        if (file is null || fd is null)
        {
            error = Errno.EBADF;
            return false;
        }

        _file = file;
        _fd = fd;
        if (!ReferenceEquals(fd.Graph, _graph) && !ReferenceEquals(file.Refused, _graph))
        {
            error = AlreadyReplied;
            Await(_session.MoveAsync(file, _graph), StartAgain);
            return false;
        }

        error = Errno.Ok;
        return true;
    }

    /// <summary>Takes any open file of an inode, for one that has no name any more.</summary>
    private bool UseAnyFile(ulong node)
    {
        var file = _session.Files.AnyOf(node);
        var fd = file?.Acquire();
        if (fd is null)
        {
            return false;
        }

        DropFile();
        _file = file;
        _fd = fd;
        return true;
    }

    private void DropFile()
    {
        _fd?.Drop();
        _fd = null;
        _file = null;
    }

    /// <summary>The end of an async handler: what it has put into the body goes out, or the error.</summary>
    private void Finish(Errno error)
    {
        switch (error)
        {
            case AlreadyReplied:
                break;
            case Errno.Ok:
                SendBody();
                break;
            case Errno.ENOSYS:
                // From a brick it means "not here"; the kernel would never ask again.
                Reply(Errno.EOPNOTSUPP);
                break;
            default:
                Reply(error);
                break;
        }
    }

    /// <summary>Sends an error, or success without a body.</summary>
    private void Reply(Errno error)
    {
        var sent = _transport.SendError(Unique, FuseConversion.ErrorOf(error));
        Sent(sent);
    }

    private void ReplyUnsupported()
    {
        _transport.SendError(Unique, FuseConversion.ErrorOf(Errno.ENOSYS));
        Recycle();
    }

    private void SendBody()
    {
        var sent = _bodyLength == 0 && _data.IsEmpty
            ? _transport.SendError(Unique, 0)
            : _transport.Send(this, _bodyLength, _data.Address, _data.Length);
        Sent(sent);
    }

    private void SendData(nint data, int length) => Sent(_transport.Send(this, _bodyLength, data, length));

    /// <summary>
    /// What the kernel did not take it will not give back: lookups and handles of a lost reply are undone.
    /// </summary>
    private void Sent(Errno error)
    {
        if (error != Errno.Ok)
        {
            if (_linkedNode != 0)
            {
                Inodes.Forget(_linkedNode, 1);
            }

            if (_opened is not null)
            {
                _session.CloseFile(_opened.Handle);
            }

            if (_isListing)
            {
                ForgetListed(Inodes, _data.Span);
            }
        }

        Recycle();
    }

    private void Recycle()
    {
        var transport = _transport;
        EndCall();
        _xdata?.Release();
        _xdata = null;
        DropFile();
        _reply?.Release();
        _reply = null;
        _linkedNode = 0;
        _opened = null;
        _bodyLength = 0;
        _data.Release();
        _data = default;
        _retried = false;
        _isListing = false;
        _graph = null!;
        FreeMemory();
        _transport = null!;
        _session = null!;
        Pool<FuseRequest>.Return(this);
        transport.End();
    }
}
