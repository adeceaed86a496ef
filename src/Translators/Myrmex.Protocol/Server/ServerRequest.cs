using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// One fop call from its arrival to its answer. Decoded and run on the reactor that received it, or on a worker when the fop may
/// block. Holds the record for as long as the fop borrows from it. Pooled.
/// </summary>
internal sealed partial class ServerRequest : IWork, IFdSource
{
    private ServerConnection _connection = null!;
    private RpcCall _head;
    private Call _call = null!;
    private Payload _record;
    private int _position;
    private Fd? _newFd;

    private ExportFops Top => new(_connection.Export!);

    public static ServerRequest Rent(ServerConnection connection, RpcCall head, Call call, Payload record, int position)
    {
        var request = Pool<ServerRequest>.Rent();
        record.Retain();
        request._connection = connection;
        request._head = head;
        request._call = call;
        request._record = record;
        request._position = position;
        return request;
    }

    public void Run() => Dispatch((FopCode)_head.Procedure);

    Fd? IFdSource.Resolve(long number, in Gfid gfid, int index)
    {
        if (number == -2)
        {
            return index == 0 ? _call.AnonymousFd(gfid) : _call.SecondAnonymousFd(gfid);
        }

        return _connection.Fds.Find(number);
    }

    Fd IFdSource.New(in Gfid gfid, uint flags, bool isDirectory) =>
        _newFd = new Fd(gfid, flags, isDirectory, Top.SlotCount) { Client = _connection.Identity };

    private void Run<TFop, TReply, TCodec>()
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var reader = new XdrReader(_record, _position) { RootAlias = _connection.RootAlias };
        if (!TCodec.TryDecodeRequest(ref reader, this, out var fop))
        {
            TCodec.ReleaseRequest(in fop);
            _connection.Rpc.Close(Errno.EBADMSG, $"malformed {TFop.Code} request");
            Finish();
            return;
        }

        if (TFop.Code.Has(FopTraits.OnFd) && (TCodec.FdOf(in fop) is null
            || (TFop.Code == FopCode.CopyFileRange && TCodec.SecondFdOf(in fop) is null)))
        {
            Answer<TFop, TReply, TCodec>(in fop, TReply.Fail(Errno.EBADF));
            return;
        }

        ValueTask<TReply> task;
        if (TFop.Code is FopCode.Release or FopCode.Releasedir && !TakeFd())
        {
            Answer<TFop, TReply, TCodec>(in fop, TReply.Fail(Errno.EBADF));
            return;
        }

        try
        {
            task = TFop.Invoke(Top.Translator, in fop, _call);
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

    /// <summary>RELEASE takes the number out of the table, so that a second one finds nothing.</summary>
    private bool TakeFd()
    {
        var reader = new XdrReader(_record, _position + Gfid.Size);
        return _connection.Fds.Remove(reader.ReadLong());
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
        if (_newFd is not null && reply.IsOk)
        {
            GiveNumber(reply);
        }

        _connection.Rpc.Reply(_head.Xid, new FopReplyBody<TFop, TReply, TCodec>(reply), _connection.RootAlias);
        reply.Release();
        TCodec.ReleaseRequest(in fop);
        Finish();
    }

    private void GiveNumber(Reply reply)
    {
        var number = _connection.Fds.Add(_newFd!);
        if (number < 0)
        {
            reply.Error = Errno.EMFILE;
            _ = _connection.ReleaseAsync(_newFd!);
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
        _record.Release();
        _call.Release();
        _record = default;
        _call = null!;
        _newFd = null;
        _connection = null!;
        Pool<ServerRequest>.Return(this);
        connection.OnAnswered();
    }

    /// <summary>What a request needs to know of its export.</summary>
    private readonly struct ExportFops(Export export)
    {
        public Graph.Translator Translator => export.Top;

        /// <summary>The server is the last translator of its graph, so every slot is below its own.</summary>
        public int SlotCount => export.Server.Slot;
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
