using System;
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
public sealed partial class ClientTranslator : Translator, IPeerLink, IServerCheck, IServerPlace, ILateStarter,
    ICacheLease
{
    private static readonly RpcCall Head = new(0, Programs.Fop, Programs.FopVersion, 0);

    private readonly ClientSession _session;
    private readonly OpenFdList _fds = new();
    private readonly HeldLocks _locks = new();
    private readonly PeerSender _messages;
    private readonly ReleaseQueue _releases;
    private readonly CacheLeaseKeeper _lease;

    public ClientTranslator(TranslatorPlace place)
        : base(place)
    {
        _lease = new CacheLeaseKeeper(this);
        _session = new ClientSession(place, new Reopening(place.Name, _fds, _locks), OnSessionEvent) { Lease = _lease };
        _messages = new PeerSender(place);
        _releases = new ReleaseQueue(place.Seams.Scheduler);
    }

    public static TranslatorRegistration Registration { get; } =
        new("protocol/client", place => new ClientTranslator(place), ClientOptions.Table, Maturity.Preview)
        {
            SubvolumesMin = 0,
            SubvolumesMax = 0,
        };

    public override void Start() => _session.Start();

    public override void Stop()
    {
        _session.Stop();
        _messages.Stop();
    }

    public override bool Reconfigure(OptionValues options) =>
        _session.TryReconfigure(options) && _messages.TryReconfigure(options);

    public bool TrySend(ReadOnlySpan<byte> head, ReadOnlySpan<Payload> data) => _messages.TrySend(head, data);

    public void WatchLease(ICacheLeaseWatcher? watcher) => _lease.Watch(watcher);

    public bool IsOnThisMachine => _session.Up?.Connection.Link.IsLocal == true;

    public void Check() => _session.Up?.Connection.Ping();

    public override void DumpState(StateDump dump)
    {
        dump.Put("state", _session.StateText);
        dump.Put("remote", _session.Remote);
        dump.Put("open_fds", _fds.Count);
        dump.Put("held_locks", _locks.Count);
        dump.Put("outstanding", _session.Connection?.Outstanding ?? 0);
        dump.Put("attachments_made", _session.AttachmentsMade);
        var (released, calls) = _releases.Figures;
        dump.Put("released_together", released);
        dump.Put("release_calls", calls);
        dump.Put("cache_lease", _lease.StateText);
        dump.Put("messages", _messages.StateText);
        dump.Put("message_bytes_on_the_way", _messages.OnTheWayBytes);
    }

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
        OpenAsync<OpenFop, OpenReply, OpenCodec, OpenOpening>(fop, call);

    public override ValueTask<OpendirReply> Opendir(in OpendirFop fop, Call call) =>
        OpenAsync<OpendirFop, OpendirReply, OpendirCodec, OpendirOpening>(fop, call);

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call) =>
        OpenAsync<CreateFop, CreateReply, CreateCodec, CreateOpening>(fop, call);

    /// <summary>
    /// What is granted is remembered, to be taken again after a reconnect. An unlock is forgotten before it is sent:
    /// whatever becomes of it, its owner does not want the lock back. What belongs to a session does not go with the
    /// connection.
    /// </summary>
    public override ValueTask<LkReply> Lk(in LkFop fop, Call call)
    {
        if (LockClaim.IsIn(fop.XData) || fop.Fd.IsAnonymous
            || fop.Command is not (LockCommand.SetLock or LockCommand.SetLockWait)
            || !HeldLock.TryGetEnd(fop.Flock, out var end))
        {
            return Send<LkFop, LkReply, LkCodec>(in fop, call);
        }

        if (fop.Type == LockType.Unlock)
        {
            _locks.Remove(fop.Fd.Gfid, call.LockOwner, fop.Flock.Start, end);
            return Send<LkFop, LkReply, LkCodec>(in fop, call);
        }

        return LockAsync(fop, call, end);
    }

    /// <summary>
    /// The server drops the locks of the owner with it, and does nothing else. Who is above us and names no owner has
    /// none; a client behind a server of this process may well have locks that are nobody's.
    /// </summary>
    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call)
    {
        if (call.LockOwner.Length == 0 && call.Client is null && fop.XData is not { Count: > 0 })
        {
            return new ValueTask<FlushReply>(FlushReply.Rent());
        }

        if (!_locks.IsEmpty)
        {
            _locks.RemoveOwner(fop.Fd.Gfid, call.LockOwner);
        }

        return Send<FlushFop, FlushReply, FlushCodec>(in fop, call);
    }

    /// <summary>Contents are asked for of servers that know about it.</summary>
    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call)
    {
        var attachment = _session.Up;
        if (attachment is not { IsExtended: false } || fop.XData is not { Count: > 0 } xdata
            || !xdata.Contains(ListedContents.Key))
        {
            return SendTo<ReaddirpFop, ReaddirpReply, ReaddirpCodec>(attachment, in fop, call);
        }

        var plain = xdata.Clone();
        plain.Remove(ListedContents.Key);
        var task = SendTo<ReaddirpFop, ReaddirpReply, ReaddirpCodec>(attachment, fop with { XData = plain }, call);
        plain.Release(); // It is encoded.
        return task;
    }

    /// <summary>
    /// Nothing is left to release when the connection of the fd is gone: its server has dropped it. A file that has had
    /// locks is released at once, any other one together with those that follow.
    /// </summary>
    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        var gfid = fop.Fd.FileOf(fop.Gfid);
        if (fop.XData is { Count: > 0 } || !_locks.IsEmpty
            || fop.Fd.Get(Slot) is not ClientFd { Remote: { Number: >= 0, Attachment: var attachment } }
            || !attachment.IsExtended)
        {
            return ReleaseFd<ReleaseFop, ReleaseReply, ReleaseCodec>(in fop, fop.Fd, call);
        }

        if (Forget(fop.Fd) is { Number: >= 0 and var number } remote && ReferenceEquals(remote.Attachment, attachment))
        {
            _releases.Add(attachment, new OpenNumber(gfid, number));
        }

        return new ValueTask<ReleaseReply>(ReleaseReply.Rent());
    }

    public override ValueTask<ReleasedirReply> Releasedir(in ReleasedirFop fop, Call call) =>
        ReleaseFd<ReleasedirFop, ReleasedirReply, ReleasedirCodec>(in fop, fop.Fd, call);

    private ValueTask<TReply> ReleaseFd<TFop, TReply, TCodec>(in TFop fop, Fd fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply> =>
        Forget(fd) is { Number: >= 0, Attachment.Connection.IsOpen: true } remote
            ? SendOn<TFop, TReply, TCodec>(remote.Attachment, in fop, call, remote.Number, RemoteFd.Bad)
            : new ValueTask<TReply>(TReply.Rent());

    private ValueTask<TReply> Send<TFop, TReply, TCodec>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply> =>
        SendTo<TFop, TReply, TCodec>(_session.Up, in fop, call);

    private ValueTask<TReply> SendTo<TFop, TReply, TCodec>(ClientAttachment? attachment, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        // Numbers are looked up for the attachment that is then used, so that a reconnect in between cannot mix them up.
        if (attachment is null)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.ENOTCONN));
        }

        var number = RemoteFd.Bad;
        var secondNumber = RemoteFd.Bad;
        if (TFop.FdOf(in fop) is { } fd)
        {
            number = NumberOf(fd, attachment);
            var second = TFop.SecondFdOf(in fop);
            secondNumber = second is not null ? NumberOf(second, attachment) : RemoteFd.Anonymous;
            if (number == RemoteFd.Bad || secondNumber == RemoteFd.Bad)
            {
                var bad = number == RemoteFd.Bad ? fd : second!; // One of them is bad.
                return new ValueTask<TReply>(TReply.Fail(ErrorOf(bad)));
            }
        }

        if (typeof(TFop) == typeof(UnlinkFop) || typeof(TFop) == typeof(RenameFop))
        {
            _releases.SendAll();
        }

        return ChangeSteps.IsForOutcomes<TFop>(in fop) && !attachment.KeepsOutcomes
            ? new ValueTask<TReply>(TReply.Fail(Errno.EOPNOTSUPP))
            : SendOn<TFop, TReply, TCodec>(attachment, in fop, call, number, secondNumber);
    }

    private static ValueTask<TReply> SendOn<TFop, TReply, TCodec>(
        ClientAttachment attachment, in TFop fop, Call call, long number, long secondNumber)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        if (call.Change.Session != 0 && ChangeSteps.Belongs<TFop, TReply>(in fop, attachment))
        {
            return SendStepOn<TFop, TReply, TCodec>(attachment, in fop, call, number, secondNumber);
        }

        var pending = ClientCall<TFop, TReply, TCodec>.Rent(attachment.Connection, in fop);
        var task = pending.Task;
        var body = new FopRequestBody<TFop, TReply, TCodec>(fop, number, secondNumber);
        attachment.Connection.Send(Head with { Procedure = (uint)TFop.Code }, call, in body, pending, version3: true);
        return task;
    }

    /// <summary>The fop is a step of a change: with what identifies it, in a dictionary of its own.</summary>
    private static ValueTask<TReply> SendStepOn<TFop, TReply, TCodec>(
        ClientAttachment attachment, in TFop fop, Call call, long number, long secondNumber)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
    {
        var xdata = TFop.XDataOf(in fop) is { } request ? request.Clone() : XData.Rent();
        ChangeRecord.Write(xdata, call.Change, attachment.Connection.Clock.MonotonicNs);
        var step = TFop.WithXData(in fop, xdata);
        var pending = ClientCall<TFop, TReply, TCodec>.Rent(attachment.Connection, in fop);
        var task = pending.Task;
        var body = new FopRequestBody<TFop, TReply, TCodec>(step, number, secondNumber);
        attachment.Connection.Send(Head with { Procedure = (uint)TFop.Code }, call, in body, pending, version3: true);
        xdata.Release(); // It is encoded.
        return task;
    }

    /// <summary>The server's number of an fd; -1 when it is not open on this attachment.</summary>
    private long NumberOf(Fd fd, ClientAttachment attachment)
    {
        if (fd.IsAnonymous)
        {
            return RemoteFd.Anonymous;
        }

        return fd.Get(Slot) is ClientFd { Remote: var remote } && ReferenceEquals(remote.Attachment, attachment)
            ? remote.Number
            : RemoteFd.Bad;
    }

    /// <summary>Why an fd has no number: for good, or until its locks are held again.</summary>
    private Errno ErrorOf(Fd fd) =>
        fd.Get(Slot) is ClientFd { IsWaitingForLocks: true } ? Errno.ENOTCONN : Errno.EBADFD;

    private RemoteFd? Forget(Fd fd)
    {
        if (fd.Take(Slot) is not ClientFd open)
        {
            return null;
        }

        _locks.RemoveFd(fd);
        return _fds.Remove(open);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> OpenAsync<TFop, TReply, TCodec, TOpening>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TCodec : struct, IFopCodec<TFop, TReply>
        where TOpening : struct, IOpening<TFop, TReply>
    {
        if (_session.Up is not { } attachment)
        {
            return TReply.Fail(Errno.ENOTCONN);
        }

        var reply = await SendOn<TFop, TReply, TCodec>(attachment, in fop, call, RemoteFd.Bad, RemoteFd.Bad);
        if (reply.IsOk)
        {
            Remember(TOpening.Opened(in fop, reply, out var number), number, attachment, TFop.XDataOf(in fop));
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<LkReply> LockAsync(LkFop fop, Call call, long end)
    {
        if (_session.Up is not { } attachment)
        {
            return LkReply.Fail(Errno.ENOTCONN);
        }

        var number = NumberOf(fop.Fd, attachment);
        if (number == RemoteFd.Bad || fop.Fd.Get(Slot) is not ClientFd open)
        {
            return LkReply.Fail(ErrorOf(fop.Fd));
        }

        var reply = await SendOn<LkFop, LkReply, LkCodec>(attachment, in fop, call, number, RemoteFd.Bad);
        if (reply.IsOk)
        {
            var held = new HeldLock(
                fop.Fd, attachment, call.LockOwner, call.Pid, fop.Flock.Pid, fop.Type, fop.Flock.Start, end)
            {
                Session = LockSession.Of(fop.XData),
            };
            _locks.Add(held);
            if (!attachment.Connection.IsOpen || open.Index < 0)
            {
                // The server has dropped it already, and it may be too late to take it again.
                _locks.Remove(fop.Fd.Gfid, held.Owner, held.Start, end);
                reply.Release();
                return LkReply.Fail(Errno.ENOTCONN);
            }
        }

        return reply;
    }

    private void Remember(Fd fd, long number, ClientAttachment attachment, XData? request)
    {
        var leaseId = LeaseKeys.IdOf(request);
        var open = new ClientFd(fd, new RemoteFd(attachment, number))
        {
            Lease = leaseId.IsNull ? default : (leaseId, LockSession.Of(request)),
        };
        fd.Set(Slot, open);
        _fds.Add(open);
    }

    private void OnSessionEvent(GraphEvent graphEvent) => Notify(in graphEvent, this);

    /// <summary>
    /// What OPEN, OPENDIR and CREATE differ in: the fd that is open now, and its number at the server.
    /// </summary>
    private interface IOpening<TFop, TReply>
    {
        static abstract Fd Opened(in TFop fop, TReply reply, out long number);
    }

    private readonly struct OpenOpening : IOpening<OpenFop, OpenReply>
    {
        public static Fd Opened(in OpenFop fop, OpenReply reply, out long number)
        {
            number = reply.FdNumber;
            return fop.Fd;
        }
    }

    private readonly struct OpendirOpening : IOpening<OpendirFop, OpendirReply>
    {
        public static Fd Opened(in OpendirFop fop, OpendirReply reply, out long number)
        {
            number = reply.FdNumber;
            return fop.Fd;
        }
    }

    private readonly struct CreateOpening : IOpening<CreateFop, CreateReply>
    {
        public static Fd Opened(in CreateFop fop, CreateReply reply, out long number)
        {
            number = reply.FdNumber;
            fop.Fd.Gfid = reply.Iatt.Gfid;
            return fop.Fd;
        }
    }
}
