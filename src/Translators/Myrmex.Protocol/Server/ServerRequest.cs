using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// One fop call from its arrival to its answer. Decoded and run on the reactor that received it, or on a worker when the fop may
/// block. Holds the record for as long as the fop borrows from it. Pooled.
/// </summary>
internal sealed partial class ServerRequest : IStandsInLine, IFdSource
{
    private ServerConnection _connection = null!;
    private ServerAttachment _attachment = null!;
    private RpcCall _head;
    private Call _call = null!;
    private Payload _record;
    private int _position;
    private Fd? _newFd;
    private bool _isLock;
    private long _startNs;

    public ServerRequest()
    {
        RequestBook.Add(this);
    }

    /// <summary>Answer this instead of running the fop.</summary>
    public Errno Refusal { get; set; }

    /// <summary>The groups of the caller are still to be found; set for a worker only.</summary>
    public bool MustIdentify { get; set; }

    /// <param name="isLock">The fop may wait for ever: it gets a copy of its record, or it would hold the link's memory.</param>
    public static ServerRequest Rent(
        ServerConnection connection, ServerAttachment attachment, RpcCall head, Call call, Payload record, int position, bool isLock)
    {
        var request = Pool<ServerRequest>.Rent();
        if (isLock)
        {
            record = Payload.CopyOf(record.Span);
        }
        else
        {
            record.Retain();
        }

        request._isLock = isLock;
        request._connection = connection;
        request._attachment = attachment;
        request._head = head;
        request._call = call;
        request._record = record;
        request._position = position;
        request._startNs = connection.Rpc.LastHeardNs;
        return request;
    }

    /// <summary>
    /// The call, if this object has one of the export now. Any thread; what it tells may be of two calls.
    /// </summary>
    public CallView? View(string export)
    {
        var attachment = Volatile.Read(ref _attachment);
        var call = Volatile.Read(ref _call);
        return attachment is null || call is null || attachment.Export.Name != export
            ? null
            : new CallView(
                _head.Xid, (FopCode)_head.Procedure, call.Uid, call.Gid, call.Pid,
                Math.Max(0, attachment.Export.Seams.Clock.MonotonicNs - Volatile.Read(ref _startNs)),
                attachment.Identity.Uid);
    }

    public void StandInLine()
    {
        if (!_isLock && _record.Length <= ServerLimits.LineCopyBytesMax)
        {
            var copy = Payload.CopyOf(_record.Span);
            _record.Release();
            _record = copy;
        }
    }

    public void RunUnlessGone()
    {
        if (_connection.IsClosed)
        {
            Finish();
        }
        else
        {
            Run();
        }
    }

    public void Run()
    {
        if (MustIdentify)
        {
            _attachment.Export.Server.Settings.Identify(_call, _attachment.IsTrusted);
        }

        Dispatch((FopCode)_head.Procedure);
    }

    Fd? IFdSource.Resolve(long number, in Gfid gfid, int index)
    {
        if (number == -2)
        {
            return index == 0 ? _call.AnonymousFd(gfid) : _call.SecondAnonymousFd(gfid);
        }

        // Some translators go by the fd and some by the gfid: a request in which the two differ would be two fops at once.
        return _connection.Fds.Find(number) is { } fd && (fd.Gfid == gfid || fd.Gfid.IsNull || gfid.IsNull) ? fd : null;
    }

    /// <summary>The server is the last translator of its graph, so every slot is below its own.</summary>
    Fd IFdSource.New(in Gfid gfid, uint flags, bool isDirectory) =>
        _newFd = new Fd(gfid, flags, isDirectory, _attachment.Export.Server.Slot) { Client = _attachment.Identity };

    private void Run<TFop, TReply, TCodec>()
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var reader = new XdrReader(_record, _position) { RootAlias = _attachment.RootAlias };
        if (!TCodec.TryDecodeRequest(ref reader, this, out var fop))
        {
            TCodec.ReleaseRequest(in fop);
            _connection.Rpc.Close(Errno.EBADMSG, $"malformed {TFop.Code} request");
            Finish();
            return;
        }

        var problem = Check<TFop, TReply, TCodec>(ref fop);
        var isAnswered = false;
        if (problem == Errno.Ok && _attachment.Export.Server.Settings.TakesChanges
            && TFop.XDataOf(in fop) is { Count: > 0 } xdata && xdata.Contains(ChangeRecord.Key))
        {
            problem = TakeChange<TFop, TReply>(ref fop, xdata, out isAnswered);
        }

        if (problem != Errno.Ok || isAnswered)
        {
            Answer<TFop, TReply, TCodec>(in fop, problem == Errno.Ok ? TReply.Rent() : TReply.Fail(problem));
            return;
        }

        ValueTask<TReply> task;
        try
        {
            task = TFop.Invoke(_attachment.Export.Top, in fop, _call);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Answer<TFop, TReply, TCodec>(in fop, Failure<TReply>(TFop.Code, e));
            return;
        }

        if (task.IsCompletedSuccessfully)
        {
#pragma warning disable VSTHRD002 // The task is complete.
            Answer<TFop, TReply, TCodec>(in fop, task.Result);
#pragma warning restore VSTHRD002
        }
        else
        {
            WaitingRequest<TFop, TReply, TCodec>.Park(this, in fop, task);
        }
    }

    /// <summary>
    /// At a proxy: what identifies a change of the client goes into the call. A session begins at bricks and replica
    /// sets with the first change that reaches them.
    /// </summary>
    private Errno TakeChange<TFop, TReply>(ref TFop fop, XData xdata, out bool isAnswered)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        isAnswered = false;
        if (typeof(TFop) == typeof(IpcFop))
        {
            ref var ipc = ref Unsafe.As<TFop, IpcFop>(ref fop);
            isAnswered = ipc.Operation == ChangeRecord.BeginSession;
            ipc = ipc.Operation == ChangeRecord.EndSession ? ipc with { Operation = ChangeRecord.LeaveSession } : ipc;
            return ipc.Operation is ChangeRecord.BeginSession or ChangeRecord.LeaveSession
                && ChangeRecord.SessionOf(xdata) != 0 ? Errno.Ok : Errno.EINVAL;
        }

        ChangeRecord.TryRead(xdata, _attachment.Export.Seams.Clock.MonotonicNs, out var change);
        if (change.IsNone || change.Label != Change.NoLabel || change.Run != 0)
        {
            return Errno.EINVAL;
        }

        _call.Change = change with { Note = null };
        xdata.Remove(ChangeRecord.Key);
        return Errno.Ok;
    }

    /// <summary>What no translator need look at again: open fds, names that can be names, sizes that can be answered.</summary>
    private Errno Check<TFop, TReply, TCodec>(ref TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        if (Refusal != Errno.Ok)
        {
            return Refusal;
        }

        if (TFop.Code.Has(FopTraits.OnFd) && (TFop.FdOf(in fop) is null
            || (TFop.Code == FopCode.CopyFileRange && TFop.SecondFdOf(in fop) is null)))
        {
            return Errno.EBADF;
        }

        if (TCodec.CheckNames(in fop) is not Errno.Ok and var bad)
        {
            return bad;
        }

        return typeof(TFop) == typeof(ReleaseFop) ? TakeFd(TFop.FdOf(in fop)!, isDirectory: false) // On an fd, so it is there.
            : typeof(TFop) == typeof(ReleasedirFop) ? TakeFd(TFop.FdOf(in fop)!, isDirectory: true)
            : CheckSizes(ref fop);
    }

    private Errno CheckSizes<TFop>(ref TFop fop)
        where TFop : struct
    {
        if (typeof(TFop) == typeof(ReadFop))
        {
            return Unsafe.As<TFop, ReadFop>(ref fop).Size > ServerLimits.ReadBytesMax ? Errno.EINVAL : Errno.Ok;
        }

        if (typeof(TFop) == typeof(RchecksumFop))
        {
            return Unsafe.As<TFop, RchecksumFop>(ref fop).Length > ServerLimits.ReadBytesMax ? Errno.EINVAL : Errno.Ok;
        }

        if (typeof(TFop) == typeof(ReaddirFop))
        {
            ref var list = ref Unsafe.As<TFop, ReaddirFop>(ref fop);
            list = list with { Size = Math.Min(list.Size, ServerLimits.ListBytesMax) };
        }
        else if (typeof(TFop) == typeof(ReaddirpFop))
        {
            ref var list = ref Unsafe.As<TFop, ReaddirpFop>(ref fop);
            list = list with { Size = Math.Min(list.Size, ServerLimits.ListBytesMax) };
        }
        else if (typeof(TFop) == typeof(LookupFop) && !_attachment.RootAlias.IsNull)
        {
            // Nothing is above the root of a sub-directory mount.
            ref var lookup = ref Unsafe.As<TFop, LookupFop>(ref fop);
            return lookup.Parent == _attachment.RootAlias && lookup.Name.Equals(".."u8) ? Errno.ENOENT : Errno.Ok;
        }

        return Errno.Ok;
    }

    /// <summary>RELEASE takes the number out of the table, so that a second one finds nothing.</summary>
    private Errno TakeFd(Fd fd, bool isDirectory)
    {
        var reader = new XdrReader(_record, _position + Gfid.Size);
        return fd.IsDirectory == isDirectory && _connection.Fds.Remove(reader.ReadLong()) ? Errno.Ok : Errno.EBADF;
    }

    private static TReply Failure<TReply>(FopCode code, Exception e)
        where TReply : Reply, IReply<TReply>
    {
        Log.Error("server", "fop failed unexpectedly", ("fop", code), ("exception", e));
        return TReply.Fail(Errno.EIO);
    }

    private void Answer<TFop, TReply, TCodec>(in TFop fop, TReply reply)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        if (_isLock && reply.Error == Errno.EINTR && _connection.IsHeld)
        {
            _connection.KeepUnanswered(_record.Span);
            reply.Release();
            TCodec.ReleaseRequest(in fop);
            Finish();
            return;
        }

        try
        {
            if (_newFd is not null && reply.IsOk)
            {
                GiveNumber(reply);
            }

            if (reply.Error == Errno.ECANCELED && !_call.Change.IsNone)
            {
                // Another run of the change has taken over. If the client still waits here, it has to ask again.
                reply.Error = Errno.ENOTCONN;
            }

            _connection.Rpc.Reply(_head.Xid, new FopReplyBody<TFop, TReply, TCodec>(reply), _attachment.RootAlias);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            // The client must not wait for an answer that cannot be encoded, and the connection must not wait for this request.
            Log.Error("server", "an answer cannot be sent", ("fop", TFop.Code), ("exception", e));
            _connection.Rpc.Close(Errno.EIO, "an answer cannot be sent");
        }

        reply?.Release();
        TCodec.ReleaseRequest(in fop);
        Finish();
    }

    private void GiveNumber(Reply reply)
    {
        var number = _connection.Fds.Add(_newFd!);
        if (number < 0)
        {
            reply.Error = Errno.EMFILE;
            _ = _connection.ReleaseAsync(_attachment, _newFd!); // The caller has looked.
            return;
        }

        switch (reply)
        {
            case OpenReply open:
                open.FdNumber = number;
                break;
            case OpendirReply opendir:
                opendir.FdNumber = number;
                break;
            case CreateReply create:
                _newFd!.Gfid = create.Iatt.Gfid;
                create.FdNumber = number;
                break;
        }
    }

    private void RejectProcedure()
    {
        _connection.Rpc.Refuse(_head.Xid, AcceptStatus.ProcedureUnavailable);
        Finish();
    }

    private void Finish()
    {
        var connection = _connection;
        var isLock = _isLock;
        _record.Release();
        _call.Release();
        _record = default;
        _call = null!;
        _newFd = null;
        _connection = null!;
        _attachment = null!;
        Refusal = Errno.Ok;
        MustIdentify = false;
        Pool<ServerRequest>.Return(this);
        connection.OnAnswered(isLock);
    }

    /// <summary>A request whose fop has not completed at once; pooled with its continuation.</summary>
    private sealed class WaitingRequest<TFop, TReply, TCodec>
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        private readonly Action _continue;
        private ServerRequest? _request;
        private TFop _fop;
        private ValueTaskAwaiter<TReply> _awaiter;

        public WaitingRequest()
        {
            _continue = Continue;
        }

        public static void Park(ServerRequest request, in TFop fop, ValueTask<TReply> task)
        {
            var waiting = Pool<WaitingRequest<TFop, TReply, TCodec>>.Rent();
            waiting._request = request;
            waiting._fop = fop;
            waiting._awaiter = task.GetAwaiter();
            waiting._awaiter.UnsafeOnCompleted(waiting._continue);
        }

        private void Continue()
        {
            var request = _request!;
            var fop = _fop;
            var awaiter = _awaiter;
            _request = null;
            _fop = default;
            _awaiter = default;
            Pool<WaitingRequest<TFop, TReply, TCodec>>.Return(this);
            TReply reply;
            try
            {
                reply = awaiter.GetResult();
            }
            catch (Exception e) when (e is not InvariantException)
            {
                reply = Failure<TReply>(TFop.Code, e);
            }

            request.Answer<TFop, TReply, TCodec>(in fop, reply);
        }
    }
}
