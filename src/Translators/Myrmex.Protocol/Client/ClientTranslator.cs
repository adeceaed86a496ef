using System.Runtime.CompilerServices;
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
        dump.Put("attachments_made", _session.AttachmentsMade);
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => OpenAsync(fop, call);

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call) => OpendirAsync(fop, call);

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) => CreateAsync(fop, call);

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) => Send<LkFop, LkReply, LkCodec>(in fop, call);

    /// <summary>Nothing is left to release when the connection of the fd is gone: its server has dropped it.</summary>
    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) =>
        Forget(fop.Fd) is { Number: >= 0, Attachment.Connection.IsOpen: true } remote
            ? SendOn<ReleaseFop, ReleaseReply, ReleaseCodec>(remote.Attachment, in fop, call, remote.Number, BadFd)
            : new ValueTask<ReleaseReply>(ReleaseReply.Rent());

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call) =>
        Forget(fop.Fd) is { Number: >= 0, Attachment.Connection.IsOpen: true } remote
            ? SendOn<ReleasedirFop, ReleasedirReply, ReleasedirCodec>(remote.Attachment, in fop, call, remote.Number, BadFd)
            : new ValueTask<ReleasedirReply>(ReleasedirReply.Rent());

    private ValueTask<TReply> Send<TFop, TReply, TCodec>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        // Numbers are looked up for the attachment that is then used, so that a reconnect in between cannot mix them up.
        var attachment = _session.Up;
        if (attachment is null)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.ENOTCONN));
        }

        var number = BadFd;
        var secondNumber = BadFd;
        if (TCodec.FdOf(in fop) is { } fd)
        {
            number = NumberOf(fd, attachment);
            secondNumber = TCodec.SecondFdOf(in fop) is { } second ? NumberOf(second, attachment) : AnonymousFd;
            if (number == BadFd || secondNumber == BadFd)
            {
                return new ValueTask<TReply>(TReply.Fail(Errno.EBADFD));
            }
        }

        return SendOn<TFop, TReply, TCodec>(attachment, in fop, call, number, secondNumber);
    }

    private static ValueTask<TReply> SendOn<TFop, TReply, TCodec>(
        ClientAttachment attachment, in TFop fop, Call call, long number, long secondNumber)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var pending = ClientCall<TFop, TReply, TCodec>.Rent(attachment.Connection, in fop);
        var task = pending.Task;
        var body = new FopRequestBody<TFop, TReply, TCodec>(fop, number, secondNumber);
        attachment.Connection.Send(Head with { Procedure = (uint)TFop.Code }, call, in body, pending, version3: true);
        return task;
    }

    /// <summary>The server's number of an fd; -1 when it is not open on this attachment.</summary>
    private long NumberOf(Fd fd, ClientAttachment attachment)
    {
        if (fd.IsAnonymous)
        {
            return AnonymousFd;
        }

        return fd.Get(Slot) is ClientFd { Remote: var remote } && ReferenceEquals(remote.Attachment, attachment)
            ? remote.Number
            : BadFd;
    }

    private RemoteFd? Forget(Fd fd) => fd.Take(Slot) is ClientFd open ? _fds.Remove(open) : null;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<OpenReply> OpenAsync(OpenFop fop, Call call)
    {
        if (_session.Up is not { } attachment)
        {
            return OpenReply.Fail(Errno.ENOTCONN);
        }

        var reply = await SendOn<OpenFop, OpenReply, OpenCodec>(attachment, in fop, call, BadFd, BadFd);
        if (reply.IsOk)
        {
            Remember(fop.Fd, reply.FdNumber, attachment);
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<OpendirReply> OpendirAsync(OpendirFop fop, Call call)
    {
        if (_session.Up is not { } attachment)
        {
            return OpendirReply.Fail(Errno.ENOTCONN);
        }

        var reply = await SendOn<OpendirFop, OpendirReply, OpendirCodec>(attachment, in fop, call, BadFd, BadFd);
        if (reply.IsOk)
        {
            Remember(fop.Fd, reply.FdNumber, attachment);
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<CreateReply> CreateAsync(CreateFop fop, Call call)
    {
        if (_session.Up is not { } attachment)
        {
            return CreateReply.Fail(Errno.ENOTCONN);
        }

        var reply = await SendOn<CreateFop, CreateReply, CreateCodec>(attachment, in fop, call, BadFd, BadFd);
        if (reply.IsOk)
        {
            fop.Fd.Gfid = reply.Iatt.Gfid;
            Remember(fop.Fd, reply.FdNumber, attachment);
        }

        return reply;
    }

    private void Remember(Fd fd, long number, ClientAttachment attachment)
    {
        var open = new ClientFd(fd, new RemoteFd(attachment, number));
        fd.Set(Slot, open);
        _fds.Add(open);
    }

    private void OnSessionEvent(GraphEvent graphEvent) => Notify(in graphEvent, this);
}
