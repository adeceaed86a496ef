using System;
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

    private readonly Seams _seams;
    private readonly IRpcHandler _handler;
    private readonly Lock _lock = new(); // Guards slots and free list; a leaf lock.
    private readonly Stack<int> _freeSlots = new();
    private Slot[] _slots = new Slot[64];
    private int _slotCount;
    private int _outstanding;
    private Link? _link;
    private FragmentBuffer? _fragments;
    private IDisposable? _timer;
    private long _lastHeardNs;
    private bool _pingUnderWay;

    public RpcConnection(Seams seams, IRpcHandler handler)
    {
        _seams = seams;
        _handler = handler;
    }

    /// <summary>The link; present from OnOpen on.</summary>
    public Link Link => _link ?? throw new InvariantException("the connection is not open yet");

    public bool IsOpen => _link is { IsOpen: true };

    /// <summary>Calls waiting for an answer.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    /// <summary>Milliseconds of silence, with calls outstanding, after which the peer is taken for dead; 0 = never.</summary>
    public long PingTimeoutMs { get; set; }

    /// <summary>Milliseconds after which a call is given up; 0 = never.</summary>
    public long FrameTimeoutMs { get; set; }

    /// <summary>Free for the owner.</summary>
    public object? State { get; set; }

    /// <summary>The options of every link that carries RPC.</summary>
    public static LinkOptions LinkOptions(TlsOptions? tls = null, int frameBytesMax = 128 << 20) =>
        new(RpcHeader.FrameLength) { Tls = tls, FrameBytesMax = frameBytesMax };

    /// <summary>
    /// Sends a call whose body <typeparamref name="TBody"/> encodes; the receiver hears the answer. When the connection is closed it
    /// hears ENOTCONN before this returns.
    /// </summary>
    public void Send<TBody>(RpcCall head, Call? call, in TBody body, IReplyReceiver receiver, bool version3)
        where TBody : struct, IRpcBody
    {
        var xid = TakeSlot(receiver);
        var link = _link;
        var sizeMax = RpcHeader.MarkSize + RpcHeader.CallSizeMax + body.SizeMax;
        var room = link is null ? default : link.BeginSend(sizeMax);
        if (room.IsEmpty)
        {
            FailSlot(xid, Errno.ENOTCONN);
            return;
        }

        var writer = new XdrWriter(room[RpcHeader.MarkSize..]);
        RpcHeader.WriteCall(ref writer, head with { Xid = xid }, call, version3);
        body.Encode(ref writer);
        var payload = body.Payload;
        RpcHeader.WriteMark(room, writer.Position + payload.Length);
        link!.EndSend(RpcHeader.MarkSize + writer.Position, payload);
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

        var writer = new XdrWriter(room[RpcHeader.MarkSize..]);
        RpcHeader.WriteCall(ref writer, head, null, version3: false);
        body.Encode(ref writer);
        RpcHeader.WriteMark(room, writer.Position);
        link!.EndSend(RpcHeader.MarkSize + writer.Position, default);
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

        var writer = new XdrWriter(room[RpcHeader.MarkSize..]) { RootAlias = rootAlias };
        RpcHeader.WriteReply(ref writer, xid, AcceptStatus.Success);
        body.Encode(ref writer);
        var payload = body.Payload;
        RpcHeader.WriteMark(room, writer.Position + payload.Length);
        link.EndSend(RpcHeader.MarkSize + writer.Position, payload);
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
        link.EndSend(RpcHeader.MarkSize + writer.Position, default);
    }

    public void Close(Errno error, string reason) => _link?.Close(error, reason);

    void ILinkHandler.OnOpen(Link link)
    {
        _link = link;
        _lastHeardNs = _seams.Clock.MonotonicNs;
        _handler.OnOpen(this);
        ArmTimer();
    }

    void ILinkHandler.OnFrame(Link link, Payload frame)
    {
        _lastHeardNs = _seams.Clock.MonotonicNs;
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
            OnRecord(link, record);
            record.Release();
        }
    }

    void ILinkHandler.OnClosed(Link link, Errno error, string reason)
    {
        _link ??= link;
        _timer?.Dispose();
        _fragments?.Dispose();
        _fragments = null;
        FailAll();
        _handler.OnClosed(this, error, reason);
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

    private uint TakeSlot(IReplyReceiver receiver)
    {
        lock (_lock)
        {
            if (!_freeSlots.TryPop(out var index))
            {
                Invariant.Check(_slotCount < OutstandingMax);
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
            return ((uint)slot.Sequence << SlotBits) | (uint)index;
        }
    }

    private IReplyReceiver? ReleaseSlot(uint xid)
    {
        lock (_lock)
        {
            var index = (int)(xid & ((1 << SlotBits) - 1));
            if (index >= _slotCount || _slots[index].Receiver is not { } receiver
                || _slots[index].Sequence != (ushort)(xid >> SlotBits))
            {
                return null;
            }

            _slots[index].Receiver = null;
            _freeSlots.Push(index);
            _outstanding--;
            return receiver;
        }
    }

    private void FailSlot(uint xid, Errno error) => ReleaseSlot(xid)?.OnFailed(error);

    private void FailAll()
    {
        var lost = new List<IReplyReceiver>();
        lock (_lock)
        {
            for (var i = 0; i < _slotCount; i++)
            {
                if (_slots[i].Receiver is { } receiver)
                {
                    lost.Add(receiver);
                    _slots[i].Receiver = null;
                    _freeSlots.Push(i);
                    _outstanding--;
                }
            }
        }

        foreach (var receiver in lost)
        {
            receiver.OnFailed(Errno.ENOTCONN);
        }
    }

    private void ArmTimer()
    {
        if (PingTimeoutMs > 0 || FrameTimeoutMs > 0)
        {
            var periodMs = PingTimeoutMs > 0 ? Math.Clamp(PingTimeoutMs / 4, 10, 10_000) : 10_000;
            _timer = Link.Scheduler.Schedule(periodMs, OnTimer);
        }
    }

    private void OnTimer()
    {
        if (!IsOpen)
        {
            return;
        }

        if (FrameTimeoutMs > 0)
        {
            FailLateCalls();
        }

        if (PingTimeoutMs > 0 && Outstanding > 0)
        {
            var silentMs = (_seams.Clock.MonotonicNs - _lastHeardNs) / 1_000_000;
            if (silentMs > PingTimeoutMs)
            {
                Link.Close(Errno.ETIMEDOUT, "peer has not answered for the ping timeout");
                return;
            }

            if (silentMs > PingTimeoutMs / 4 && !_pingUnderWay)
            {
                SendPing();
            }
        }

        ArmTimer();
    }

    private void SendPing()
    {
        _pingUnderWay = true;
        var head = new RpcCall(0, Programs.Dump, Programs.DumpVersion, Programs.DumpPing);
        Send(head, null, default(EmptyBody), new PingReceiver(this), version3: false);
    }

    private void FailLateCalls()
    {
        var oldestNs = _seams.Clock.MonotonicNs - (FrameTimeoutMs * 1_000_000);
        List<uint>? late = null;
        lock (_lock)
        {
            for (var i = 0; i < _slotCount; i++)
            {
                if (_slots[i].Receiver is not null && _slots[i].StartNs < oldestNs)
                {
                    (late ??= []).Add(((uint)_slots[i].Sequence << SlotBits) | (uint)i);
                }
            }
        }

        foreach (var xid in late ?? [])
        {
            Log.Warning("rpc", "call given up after the frame timeout", ("peer", Link.Peer), ("xid", xid));
            FailSlot(xid, Errno.ENOTCONN);
        }
    }

    private struct Slot
    {
        public IReplyReceiver? Receiver;
        public long StartNs;
        public ushort Sequence;
    }

    private sealed class PingReceiver(RpcConnection connection) : IReplyReceiver
    {
        public void OnReply(Payload record, int position) => connection._pingUnderWay = false;

        public void OnFailed(Errno error) => connection._pingUnderWay = false;
    }
}
