using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// protocol/client: sends every fop to a brick or proxy, stock or ours. While there is no connection fops fail with ENOTCONN;
/// it reconnects for ever, reopens the fds that were open and then reports ChildUp.
/// </summary>
public sealed partial class ClientTranslator : Translator
{
    private const long AnonymousFd = -2;
    private const long BadFd = -1;

    private static readonly RpcCall Head = new(0, Programs.Fop, Programs.FopVersion, 0);

    private readonly ClientSession _session;
    private readonly OpenFdList _fds = new();

    public ClientTranslator(TranslatorPlace place)
        : base(place)
    {
        _session = new ClientSession(place, _fds, OnSessionEvent);
    }

    public static TranslatorRegistration Registration { get; } =
        new("protocol/client", place => new ClientTranslator(place), ClientOptions.Table, Maturity.Preview)
        {
            SubvolumesMin = 0,
            SubvolumesMax = 0,
        };

    public override void Start() => _session.Start();

    public override void Stop() => _session.Stop();

    public override bool Reconfigure(OptionValues options) => _session.TryReconfigure(options);

    public override void DumpState(StateDump dump)
    {
        dump.Put("state", _session.StateText);
        dump.Put("remote", _session.Remote);
        dump.Put("open_fds", _fds.Count);
        dump.Put("outstanding", _session.Connection?.Outstanding ?? 0);
        dump.Put("connections_made", _session.Epoch);
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => OpenAsync(fop, call);

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call) => OpendirAsync(fop, call);

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) => CreateAsync(fop, call);

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) => Send<LkFop, LkReply, LkCodec>(in fop, call);

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        var number = Forget(fop.Fd);
        return number < 0
            ? new ValueTask<ReleaseReply>(ReleaseReply.Rent())
            : SendNumbered<ReleaseFop, ReleaseReply, ReleaseCodec>(in fop, call, number, BadFd);
    }

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call)
    {
        var number = Forget(fop.Fd);
        return number < 0
            ? new ValueTask<ReleasedirReply>(ReleasedirReply.Rent())
            : SendNumbered<ReleasedirFop, ReleasedirReply, ReleasedirCodec>(in fop, call, number, BadFd);
    }

    internal void DropConnection(Errno error, string reason) => _session.Connection?.Close(error, reason);

    private ValueTask<TReply> Send<TFop, TReply, TCodec>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var number = BadFd;
        var secondNumber = BadFd;
        if (TCodec.FdOf(in fop) is { } fd)
        {
            number = NumberOf(fd);
            if (TCodec.SecondFdOf(in fop) is { } second)
            {
                secondNumber = NumberOf(second);
            }
            else
            {
                secondNumber = AnonymousFd;
            }

            if (number == BadFd || secondNumber == BadFd)
            {
                return new ValueTask<TReply>(TReply.Fail(_session.IsUp ? Errno.EBADFD : Errno.ENOTCONN));
            }
        }

        return SendNumbered<TFop, TReply, TCodec>(in fop, call, number, secondNumber);
    }

    private ValueTask<TReply> SendNumbered<TFop, TReply, TCodec>(in TFop fop, Call call, long number, long secondNumber)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var connection = _session.UpConnection;
        if (connection is null)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.ENOTCONN));
        }

        var pending = ClientCall<TFop, TReply, TCodec>.Rent(this);
        var task = pending.Task;
        var body = new FopRequestBody<TFop, TReply, TCodec>(fop, number, secondNumber);
        connection.Send(Head with { Procedure = (uint)TFop.Code }, call, in body, pending, version3: true);
        return task;
    }

    /// <summary>The server's number of an fd; -1 when it is not open on this connection.</summary>
    private long NumberOf(Fd fd)
    {
        if (fd.IsAnonymous)
        {
            return AnonymousFd;
        }

        return fd.Get(Slot) is ClientFd open && open.Epoch == _session.Epoch ? open.Number : BadFd;
    }

    private long Forget(Fd fd)
    {
        if (fd.Get(Slot) is not ClientFd open)
        {
            return BadFd;
        }

        fd.Set(Slot, null);
        _fds.Remove(open);
        return open.Epoch == _session.Epoch ? open.Number : BadFd;
    }

    private async ValueTask<OpenReply> OpenAsync(OpenFop fop, Call call)
    {
        var epoch = _session.Epoch;
        var reply = await SendNumbered<OpenFop, OpenReply, OpenCodec>(in fop, call, BadFd, BadFd);
        if (reply.IsOk)
        {
            Remember(fop.Fd, reply.FdNumber, epoch);
        }

        return reply;
    }

    private async ValueTask<OpendirReply> OpendirAsync(OpendirFop fop, Call call)
    {
        var epoch = _session.Epoch;
        var reply = await SendNumbered<OpendirFop, OpendirReply, OpendirCodec>(in fop, call, BadFd, BadFd);
        if (reply.IsOk)
        {
            Remember(fop.Fd, reply.FdNumber, epoch);
        }

        return reply;
    }

    private async ValueTask<CreateReply> CreateAsync(CreateFop fop, Call call)
    {
        var epoch = _session.Epoch;
        var reply = await SendNumbered<CreateFop, CreateReply, CreateCodec>(in fop, call, BadFd, BadFd);
        if (reply.IsOk)
        {
            fop.Fd.Gfid = reply.Iatt.Gfid;
            Remember(fop.Fd, reply.FdNumber, epoch);
        }

        return reply;
    }

    private void Remember(Fd fd, long number, int epoch)
    {
        var open = new ClientFd(fd, number, epoch);
        fd.Set(Slot, open);
        _fds.Add(open);
    }

    private void OnSessionEvent(GraphEvent graphEvent) => Notify(in graphEvent, this);
}
