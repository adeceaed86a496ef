using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Rpc;

/// <summary>Hears the answer to one call; pooled by its maker. Exactly one of the two methods is called, once.</summary>
public interface IReplyReceiver
{
    /// <summary>The reply's body starts at <paramref name="position"/> of the borrowed record. Comes on the link's loop.</summary>
    void OnReply(Payload record, int position);

    /// <summary>No answer will come: the connection is gone, the call timed out or the peer refused it.</summary>
    void OnFailed(Errno error);
}

/// <summary>Hears what comes in on a connection besides replies. Calls come on the link's loop.</summary>
public interface IRpcHandler
{
    void OnOpen(RpcConnection connection);

    /// <summary>
    /// A call; its body starts at <paramref name="position"/> of the borrowed record. The handler owns
    /// <paramref name="call"/>, which has the credential.
    /// </summary>
    void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position);

    void OnClosed(RpcConnection connection, Errno error, string reason);
}

/// <summary>
/// ONC RPC on a link, both directions: record marks, calls and replies matched by xid, a time limit for calls, and a check
/// that a silent peer with calls outstanding is still there. Any thread may send.
/// </summary>
public sealed class RpcConnection : ILinkHandler
{
    /// <summary>Most calls that may be waiting for an answer.</summary>
    public const int OutstandingMax = 65536;

    private const int SlotBits = 16;
    private const long LateCheckNs = 10_000_000_000;

    private readonly Seams _seams;
    private readonly IRpcHandler _handler;
    private readonly Action _onTimer;
    private readonly Lock _lock = new(); // Guards what follows to _isClosed; below the link's queue lock.
    private readonly Stack<int> _freeSlots = new();
    private Slot[] _slots = new Slot[64];
    private int _slotCount;
    private int _outstanding;
    private long _queuedTotal; // Bytes of all calls so far.
    private bool _isWatched; // The timer runs, or is being set: there are calls, or there were at its last look.
    private long _watchedSinceNs;
    private bool _isClosed;
    private Link? _link;
    private long _sentBytes; // Written while the link's queue is locked.
    private FragmentBuffer? _fragments;

    // The rest belongs to the link's loop.
    private IDisposable? _timer;
    private long _lastHeardNs;
    private long _receivedBytes;
    private long _waitingSinceNs; // When the timer first saw calls outstanding; 0 while it sees none.
    private long _sentSeen;
    private long _queuedSeen;
    private long _nextLateCheckNs;
    private long _periodMs; // Of the timer.
    private long _lookedNs; // When the timer looked last.
    private long _idleSeenNs; // When the timer last saw nothing outstanding.
    private long _idleTotal; // _queuedTotal when the timer last saw nothing outstanding.
    private int _pingUnderWay; // Any thread.

    public RpcConnection(Seams seams, IRpcHandler handler)
    {
        _seams = seams;
        _handler = handler;
        _onTimer = OnTimer;
    }

    /// <summary>The link; present from <see cref="Connect"/> or OnOpen on.</summary>
    public Link Link => _link ?? throw new InvariantException("the connection is not open yet");

    public bool IsOpen => _link is { IsOpen: true };

    /// <summary>No record has begun of which fragments are still to come; on the link's loop.</summary>
    public bool IsBetweenRecords => _fragments is null;

    /// <summary>Calls waiting for an answer.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Bytes of the records that have come, marks included.</summary>
    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    /// <summary>Bytes of the records that were queued for the peer, marks included.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>
    /// Monotonic time of the last record from the peer; of the one being handled, on the link's loop.
    /// </summary>
    public long LastHeardNs => Volatile.Read(ref _lastHeardNs);

    /// <summary>The clock of its times.</summary>
    public IClock Clock => _seams.Clock;

    /// <summary>
    /// Milliseconds after which a peer is taken for dead that owes answers, sends nothing and takes nothing; 0 = never. Time
    /// without calls outstanding does not count.
    /// </summary>
    public long PingTimeoutMs { get; set; }

    /// <summary>Milliseconds after which a call is given up; 0 = never.</summary>
    public long FrameTimeoutMs { get; set; }

    /// <summary>Calls carry the supplementary groups; off when the server finds them by itself.</summary>
    public bool SendGroups { get; set; } = true;

    /// <summary>Free for the owner.</summary>
    public object? State { get; set; }

    /// <summary>The options of every link that carries RPC.</summary>
    public static LinkOptions LinkOptions(TlsOptions? tls = null, int frameBytesMax = 128 << 20) =>
        new(RpcHeader.FrameLength) { Tls = tls, FrameBytesMax = frameBytesMax };

    /// <summary>Connects; the link can be closed from here on, although it opens later.</summary>
    public void Connect(LinkAddress address, LinkOptions options)
    {
        var link = _seams.Network.Connect(address, options, this);
        Interlocked.CompareExchange(ref _link, link, null);
    }

    /// <summary>
    /// Sends a call whose body <typeparamref name="TBody"/> encodes; the receiver hears the answer. It may hear a failure before
    /// this returns: ENOTCONN when the connection is not open, ENOBUFS when <see cref="OutstandingMax"/> calls wait for answers, EINVAL
    /// when the lock owner is longer than the wire allows. Call and body are not touched after the return.
    /// </summary>
    public void Send<TBody>(RpcCall head, Call? call, in TBody body, IReplyReceiver receiver, bool version3)
        where TBody : struct, IRpcBody, allows ref struct
    {
        var error = TrySend(head, call, in body, receiver, version3);
        if (error != Errno.Ok)
        {
            receiver.OnFailed(error);
        }
    }

    /// <summary>
    /// As <see cref="Send"/>, but after an error, which it answers, nothing was sent and the receiver hears nothing.
    /// </summary>
    public Errno TrySend<TBody>(RpcCall head, Call? call, in TBody body, IReplyReceiver receiver, bool version3)
        where TBody : struct, IRpcBody, allows ref struct
    {
        if (call is not null && call.LockOwner.Length > RpcHeader.LockOwnerMax)
        {
            return Errno.EINVAL;
        }

        var link = Volatile.Read(ref _link);
        var room = link is null ? default : link.BeginSend(RpcHeader.MarkSize + RpcHeader.CallSizeMax + body.SizeMax);
        if (room.IsEmpty)
        {
            return Errno.ENOTCONN;
        }

        Errno error;
        var used = 0;
        var tailBytes = 0;
        var watches = false;
        Payload payload = default;
        try
        {
            var writer = new XdrWriter(room[RpcHeader.MarkSize..]);
            RpcHeader.WriteCall(ref writer, head, call, version3, SendGroups);
            body.Encode(ref writer);
            payload = body.Payload;
            payload.Retain();
            tailBytes = payload.Length + LengthOf(body.Payloads);

            // The xid comes last: once it is given out an answer may come, even a forged one, and take the caller's data away.
            error = TryTakeSlot(receiver, writer.Position + tailBytes, out var xid, out watches);
            if (error == Errno.Ok)
            {
                BinaryPrimitives.WriteUInt32BigEndian(room[RpcHeader.MarkSize..], xid);
                RpcHeader.WriteMark(room, writer.Position + tailBytes);
                used = RpcHeader.MarkSize + writer.Position;
            }
        }
        finally
        {
            _sentBytes += used > 0 ? used + tailBytes : 0;
            End(link!, used, payload, body.Payloads); // There was room, so there is a link.
            payload.Release();
        }

        if (watches)
        {
            ArmTimer();
        }

        return error;
    }

    /// <summary>Sends a call that has no answer (callbacks). False when the connection is closed.</summary>
    public bool SendOneWay<TBody>(RpcCall head, in TBody body)
        where TBody : struct, IRpcBody
    {
        var link = _link;
        var room = link is null ? default : link.BeginSend(RpcHeader.MarkSize + RpcHeader.CallSizeMax + body.SizeMax);
        if (room.IsEmpty)
        {
            return false;
        }

        var used = 0;
        try
        {
            var writer = new XdrWriter(room[RpcHeader.MarkSize..]);
            RpcHeader.WriteCall(ref writer, head, null, version3: false);
            body.Encode(ref writer);
            RpcHeader.WriteMark(room, writer.Position);
            used = RpcHeader.MarkSize + writer.Position;
        }
        finally
        {
            _sentBytes += used;
            link!.EndSend(used, default); // There was room, so there is a link.
        }

        return true;
    }

    /// <summary>Answers a call. False when the connection is closed and the answer is lost.</summary>
    public bool Reply<TBody>(uint xid, in TBody body, Gfid rootAlias = default)
        where TBody : struct, IRpcBody
    {
        var link = Link;
        var room = link.BeginSend(RpcHeader.MarkSize + RpcHeader.ReplySize + body.SizeMax);
        if (room.IsEmpty)
        {
            return false;
        }

        var used = 0;
        Payload payload = default;
        try
        {
            var writer = new XdrWriter(room[RpcHeader.MarkSize..]) { RootAlias = rootAlias };
            RpcHeader.WriteReply(ref writer, xid, AcceptStatus.Success);
            body.Encode(ref writer);
            payload = body.Payload;
            RpcHeader.WriteMark(room, writer.Position + payload.Length);
            used = RpcHeader.MarkSize + writer.Position;
        }
        finally
        {
            // BeginSend has locked the link's queue: it must be unlocked, whatever the encoder did.
            _sentBytes += used > 0 ? used + payload.Length : 0;
            link.EndSend(used, used > 0 ? payload : default);
        }

        return true;
    }

    /// <summary>Answers a call with an RPC-level failure.</summary>
    public void Refuse(uint xid, AcceptStatus status)
    {
        var link = Link;
        var room = link.BeginSend(RpcHeader.MarkSize + RpcHeader.ReplySize + 8);
        if (room.IsEmpty)
        {
            return;
        }

        var writer = new XdrWriter(room[RpcHeader.MarkSize..]);
        RpcHeader.WriteReply(ref writer, xid, status);
        RpcHeader.WriteMark(room, writer.Position);
        _sentBytes += RpcHeader.MarkSize + writer.Position;
        link.EndSend(RpcHeader.MarkSize + writer.Position, default);
    }

    /// <summary>Handles a record once more that has come before; on the link's loop.</summary>
    public void HandleAgain(Payload record) => OnRecord(Link, record);

    public void Close(Errno error, string reason) => _link?.Close(error, reason);

    void ILinkHandler.OnOpen(Link link)
    {
        _link = link;
        _lastHeardNs = _seams.Clock.MonotonicNs;
        _handler.OnOpen(this);
    }

    void ILinkHandler.OnFrame(Link link, Payload frame)
    {
        _lastHeardNs = _seams.Clock.MonotonicNs;
        _receivedBytes += frame.Length;
        if (_fragments is null && RpcHeader.IsLastFragment(frame.Span))
        {
            OnRecord(link, frame.Slice(RpcHeader.MarkSize, frame.Length - RpcHeader.MarkSize));
            return;
        }

        _fragments ??= new FragmentBuffer();
        if (!_fragments.TryAdd(frame.Span[RpcHeader.MarkSize..]))
        {
            link.Close(Errno.EBADMSG, "fragmented record is too long");
            return;
        }

        if (RpcHeader.IsLastFragment(frame.Span))
        {
            var record = _fragments.Take();
            _fragments = null;
            try
            {
                OnRecord(link, record);
            }
            finally
            {
                record.Release();
            }
        }
    }

    void ILinkHandler.OnClosed(Link link, Errno error, string reason)
    {
        _link ??= link;
        _timer?.Dispose();
        _fragments?.Dispose();
        _fragments = null;
        try
        {
            // First, so that who sends a failed call again finds the connection gone.
            _handler.OnClosed(this, error, reason);
        }
        finally
        {
            FailAll();
        }
    }

    private static int LengthOf(ReadOnlySpan<Payload> payloads)
    {
        var length = 0;
        foreach (ref readonly var payload in payloads)
        {
            length = checked(length + payload.Length);
        }

        return length;
    }

    /// <summary>Queues what was encoded, or takes the send back when that is nothing.</summary>
    private static void End(Link link, int used, Payload payload, ReadOnlySpan<Payload> several)
    {
        Invariant.Check(payload.IsEmpty || several.IsEmpty);
        if (used == 0)
        {
            link.EndSend(0, default);
        }
        else if (several.IsEmpty)
        {
            link.EndSend(used, payload);
        }
        else
        {
            link.EndSendGathered(used, several);
        }
    }

    private void OnRecord(Link link, Payload record)
    {
        var reader = new XdrReader(record);
        if (RpcHeader.IsReply(record.Span))
        {
            OnReply(link, ref reader, record);
            return;
        }

        var call = Call.Rent();
        if (!RpcHeader.TryReadCall(ref reader, call, out var head))
        {
            call.Release();
            link.Close(Errno.EBADMSG, "malformed RPC call");
            return;
        }

        _handler.OnCall(this, head, call, record, reader.Position);
    }

    private void OnReply(Link link, ref XdrReader reader, Payload record)
    {
        if (!RpcHeader.TryReadReply(ref reader, out var xid, out var status))
        {
            link.Close(Errno.EBADMSG, "malformed RPC reply");
            return;
        }

        var receiver = ReleaseSlot(xid);
        if (receiver is null)
        {
            Log.Debug("rpc", "reply to nothing dropped", ("peer", link.Peer), ("xid", xid));
        }
        else if (status == AcceptStatus.Success)
        {
            receiver.OnReply(record, reader.Position);
        }
        else
        {
            Log.Debug("rpc", "call refused", ("peer", link.Peer), ("status", status));
            receiver.OnFailed(status == AcceptStatus.ProcedureUnavailable ? Errno.EOPNOTSUPP : Errno.EREMOTEIO);
        }
    }

    /// <param name="watches">Nobody looks after the calls of the connection: the caller sets the timer.</param>
    private Errno TryTakeSlot(IReplyReceiver receiver, int bytes, out uint xid, out bool watches)
    {
        xid = 0;
        watches = false;
        lock (_lock)
        {
            if (_isClosed)
            {
                return Errno.ENOTCONN;
            }

            if (!_freeSlots.TryPop(out var index))
            {
                if (_slotCount == OutstandingMax)
                {
                    return Errno.ENOBUFS;
                }

                if (_slotCount == _slots.Length)
                {
                    Array.Resize(ref _slots, _slots.Length * 2);
                }

                index = _slotCount++;
            }

            ref var slot = ref _slots[index];
            slot.Receiver = receiver;
            slot.Sequence++;
            slot.StartNs = FrameTimeoutMs > 0 ? _seams.Clock.MonotonicNs : 0;
            _outstanding++;
            _queuedTotal += bytes;
            watches = !_isWatched;
            if (watches)
            {
                _isWatched = true;
                _watchedSinceNs = _seams.Clock.MonotonicNs;
            }

            xid = ((uint)slot.Sequence << SlotBits) | (uint)index;
            return Errno.Ok;
        }
    }

    private IReplyReceiver? ReleaseSlot(uint xid)
    {
        lock (_lock)
        {
            var index = (int)(xid & ((1 << SlotBits) - 1));
            if (index >= _slotCount || _slots[index].Sequence != (ushort)(xid >> SlotBits))
            {
                return null;
            }

            ref var slot = ref _slots[index];
            var receiver = slot.Receiver;
            if (receiver is not null)
            {
                slot.Receiver = null;
                _outstanding--;
                _freeSlots.Push(index);
            }
            else if (slot.IsGivenUp)
            {
                slot.IsGivenUp = false;
                _freeSlots.Push(index);
            }

            return receiver;
        }
    }

    private void FailAll()
    {
        var lost = new List<IReplyReceiver>();
        lock (_lock)
        {
            _isClosed = true;
            for (var i = 0; i < _slotCount; i++)
            {
                if (_slots[i].Receiver is { } receiver)
                {
                    lost.Add(receiver);
                    _slots[i].Receiver = null;
                }
            }

            _outstanding = 0;
        }

        foreach (var receiver in lost)
        {
            receiver.OnFailed(Errno.ENOTCONN);
        }
    }

    /// <summary>
    /// Also without any limit: they may be set while the connection is open. A connection without calls has no timer:
    /// thousands of idle ones cost nothing.
    /// </summary>
    private void ArmTimer()
    {
        var shortest = PingTimeoutMs > 0 && FrameTimeoutMs > 0 ? Math.Min(PingTimeoutMs, FrameTimeoutMs) : PingTimeoutMs + FrameTimeoutMs;
        var periodMs = shortest > 0 ? Math.Clamp(shortest / 16, 10, 2000) : 2000;
        _periodMs = periodMs;
        _timer = Link.Scheduler.Schedule(periodMs, _onTimer);
    }

    private void OnTimer()
    {
        if (!IsOpen)
        {
            return;
        }

        var now = _seams.Clock.MonotonicNs;
        if (FrameTimeoutMs > 0 && now >= _nextLateCheckNs)
        {
            _nextLateCheckNs = now + Math.Min(LateCheckNs, FrameTimeoutMs * 1_000_000 / 16);
            FailLateCalls(now);
        }

        if (PingTimeoutMs > 0)
        {
            CheckPeer(now);
        }

        if (IsOpen && !TryRest())
        {
            ArmTimer();
        }
    }

    /// <summary>Nothing was outstanding at or between two looks: the next call sets the timer again.</summary>
    private bool TryRest()
    {
        lock (_lock)
        {
            if (_outstanding == 0 && _idleTotal == _queuedTotal)
            {
                _isWatched = false;
                return true;
            }

            _idleTotal = _outstanding == 0 ? _queuedTotal : -1;
            return false;
        }
    }

    /// <summary>A peer is silent while it owes answers, sends nothing and takes none of what is queued for it.</summary>
    private void CheckPeer(long now)
    {
        if (Outstanding == 0)
        {
            _waitingSinceNs = 0;
            _idleSeenNs = _lookedNs = now;
            return;
        }

        // Only what had to queue proves anything: the kernel takes it when the peer has taken something before.
        var queued = Link.QueuedBytes;
        var sent = Interlocked.Read(ref _queuedTotal) - queued;
        if (_queuedSeen > 0 && sent > _sentSeen)
        {
            _waitingSinceNs = now;
        }
        else if (_waitingSinceNs == 0)
        {
            var watchedNs = Interlocked.Read(ref _watchedSinceNs); // The call that has set the timer was the first one.
            _waitingSinceNs = watchedNs > _idleSeenNs ? watchedNs : now;
        }

        _queuedSeen = queued;
        _sentSeen = sent;
        Excuse(now);

        var silentMs = (now - Math.Max(_lastHeardNs, _waitingSinceNs)) / 1_000_000;
        if (silentMs >= PingTimeoutMs)
        {
            Link.Close(Errno.ETIMEDOUT, "peer has not answered for the ping timeout");
        }
        else if (silentMs >= PingTimeoutMs / 4)
        {
            Ping();
        }
    }

    /// <summary>
    /// A look that comes far too late says that this loop has been busy, or stopped: what the peer has sent meanwhile
    /// may not have been read yet. That time does not count against the peer.
    /// </summary>
    private void Excuse(long now)
    {
        var lateNs = now - Math.Max(_lookedNs, Interlocked.Read(ref _watchedSinceNs)) - (_periodMs * 1_000_000);
        if (lateNs > PingTimeoutMs * 1_000_000 / 4)
        {
            _waitingSinceNs = Math.Min(now, Math.Max(_waitingSinceNs, _lastHeardNs) + lateNs);
        }

        _lookedNs = now;
    }

    /// <summary>
    /// Asks the peer whether it is there, unless that is under way: it is missed after the ping timeout, also when
    /// nothing else is asked of it. Any thread.
    /// </summary>
    public void Ping()
    {
        if (!IsOpen || Interlocked.Exchange(ref _pingUnderWay, 1) != 0)
        {
            return;
        }

        var head = new RpcCall(0, Programs.Dump, Programs.DumpVersion, Programs.DumpPing);
        Send(head, null, default(EmptyBody), new PingReceiver(this), version3: false);
    }

    /// <summary>
    /// Gives up calls that are too old. Their slots rest until the late answer comes, so that it never meets another call.
    /// </summary>
    private void FailLateCalls(long now)
    {
        var oldestNs = now - (FrameTimeoutMs * 1_000_000);
        List<IReplyReceiver>? late = null;
        lock (_lock)
        {
            for (var i = 0; i < _slotCount; i++)
            {
                ref var slot = ref _slots[i];
                if (slot.Receiver is { } receiver && slot.StartNs <= oldestNs)
                {
                    (late ??= []).Add(receiver);
                    slot.Receiver = null;
                    slot.IsGivenUp = true;
                    _outstanding--;
                }
            }
        }

        if (late is null)
        {
            return;
        }

        Log.Warning("rpc", "calls given up after the frame timeout", ("peer", Link.Peer), ("count", late.Count));
        foreach (var receiver in late)
        {
            receiver.OnFailed(Errno.ENOTCONN);
        }
    }

    private struct Slot
    {
        public IReplyReceiver? Receiver;
        public long StartNs;
        public ushort Sequence;

        /// <summary>No receiver waits any more, but the answer may still come.</summary>
        public bool IsGivenUp;
    }

    private sealed class PingReceiver(RpcConnection connection) : IReplyReceiver
    {
        public void OnReply(Payload record, int position) => Volatile.Write(ref connection._pingUnderWay, 0);

        public void OnFailed(Errno error) => Volatile.Write(ref connection._pingUnderWay, 0);
    }
}
