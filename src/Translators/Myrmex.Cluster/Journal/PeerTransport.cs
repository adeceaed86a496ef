using System;
using System.Buffers;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The way between the replica of a brick and the other members of its set: sends over the subvolumes that lead to
/// them, and brings what comes in to the replica's scheduler. What is lost on the way is counted; the protocol sends
/// again what matters.
/// </summary>
/// <remarks>
/// Invariants: a message is lent to the replica together with its data, which is held until the replica has returned;
/// what the replica keeps of the entries it retains itself (<see cref="JournalEntry"/>). At most
/// <see cref="JournalLimits.MessageBytesWaitingMax"/> bytes wait for the scheduler.
/// </remarks>
/// <param name="replicaSet">Messages of other replica sets are not taken.</param>
/// <param name="links">The other members.</param>
/// <param name="scheduler">The replica's.</param>
public sealed class PeerTransport(
    UInt128 replicaSet, IReadOnlyDictionary<MemberId, IPeerLink> links, IScheduler scheduler)
    : IReplicaTransport, IPeerReceiver
{
    // These two belong to the replica's scheduler.
    private readonly Payload[] _data = new Payload[IPeerLink.PiecesMax];
    private ArrayBufferWriter<byte> _head = new();

    // What is sent on belongs to the thread that received it.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _relayHead;

    [ThreadStatic]
    private static Payload[]? _relayData;

    private volatile Replica? _replica;
    private long _waitingBytes;
    private long _lostOut;
    private long _lostIn;
    private long _refusedIn;
    private long _receivedBytes;
    private long _relayed;

    /// <summary>Messages that a link did not take.</summary>
    public long LostOut => Volatile.Read(ref _lostOut);

    /// <summary>Messages that came while too many waited, or while there was no replica.</summary>
    public long LostIn => Volatile.Read(ref _lostIn);

    /// <summary>Messages that were malformed or of another replica set.</summary>
    public long RefusedIn => Volatile.Read(ref _refusedIn);

    /// <summary>Messages of the leader that were sent on to another member.</summary>
    public long Relayed => Volatile.Read(ref _relayed);

    /// <summary>Bytes of all messages that came, lost ones too.</summary>
    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    /// <summary>Bytes of messages that wait for the replica's scheduler.</summary>
    public long WaitingBytes => Volatile.Read(ref _waitingBytes);

    /// <summary>Messages go to this replica from now on. Any thread.</summary>
    public void Begin(Replica replica) => _replica = replica;

    /// <summary>No message goes to the replica any more; those that wait are dropped. Any thread.</summary>
    public void End() => _replica = null;

    /// <summary>On the replica's scheduler. A member that nothing leads to hears nothing.</summary>
    public void Send(MemberId to, ReplicaMessage message)
    {
        if (!links.TryGetValue(to, out var link))
        {
            _ = Interlocked.Increment(ref _lostOut);
            return;
        }

        if (!TrySend(link, message, ref _head, _data))
        {
            _ = Interlocked.Increment(ref _lostOut);
        }
    }

    private bool TrySend(
        IPeerLink link, ReplicaMessage message, ref ArrayBufferWriter<byte> head, Payload[] data)
    {
        MessageCodec.EncodeHead(replicaSet, message, head);
        var entries = MessageCodec.EntriesOf(message);
        var count = 0;
        for (var i = 0; i < entries.Count; i++)
        {
            if (!entries[i].Data.IsEmpty)
            {
                data[count++] = entries[i].Data;
            }
        }

        var isSent = link.TrySend(head.WrittenSpan, data.AsSpan(0, count));
        data.AsSpan(0, count).Clear();
        if (head.Capacity > JournalLimits.MessageHeadBytesKept)
        {
            head = new ArrayBufferWriter<byte>();
        }

        head.ResetWrittenCount();
        return isSent;
    }

    /// <summary>
    /// A message of another member, from any thread: decoded here, handled on the replica's scheduler.
    /// </summary>
    public void Receive(ReadOnlySpan<byte> head, Payload data)
    {
        _ = Interlocked.Add(ref _receivedBytes, head.Length + (long)data.Length);
        if (_replica is null || !TryReserve(head.Length + (long)data.Length))
        {
            _ = Interlocked.Increment(ref _lostIn);
            return;
        }

        var bytes = head.Length + (long)data.Length;
        if (data.Length <= JournalLimits.MessageDataCopyBytesMax)
        {
            data = data.IsEmpty ? default : Payload.CopyOf(data.Span);
        }
        else
        {
            data.Retain();
        }

        var message = MessageCodec.Decode(head, data, out var set);
        if (message is null || set != replicaSet)
        {
            data.Release();
            _ = Interlocked.Add(ref _waitingBytes, -bytes);
            Refuse(message is null, set);
            return;
        }

        if (message is ReplicaMessage.Append { RelayTo: { } next } append)
        {
            Relay(next, append);
        }

        scheduler.Post(Arrival.Rent(this, message, data, bytes));
    }

    /// <summary>
    /// Sends a message of the leader on to another member, on the thread that received it: before our own replica is
    /// at it, so a slow disk here delays nobody. What the link does not take is lost; the leader notices.
    /// </summary>
    private void Relay(MemberId to, ReplicaMessage.Append append)
    {
        var head = _relayHead ??= new ArrayBufferWriter<byte>();
        var data = _relayData ??= new Payload[IPeerLink.PiecesMax];
        if (links.TryGetValue(to, out var link) && TrySend(link, append.Relayed(), ref head, data))
        {
            _ = Interlocked.Increment(ref _relayed);
        }
        else
        {
            _ = Interlocked.Increment(ref _lostOut);
        }

        _relayHead = head;
    }

    private bool TryReserve(long bytes)
    {
        var now = Interlocked.Add(ref _waitingBytes, bytes);
        if (now <= JournalLimits.MessageBytesWaitingMax || now == bytes)
        {
            return true;
        }

        _ = Interlocked.Add(ref _waitingBytes, -bytes);
        return false;
    }

    private void Refuse(bool isMalformed, UInt128 set)
    {
        if (Interlocked.Increment(ref _refusedIn) == 1)
        {
            Log.Warning(
                "journal", isMalformed
                    ? "messages of a member are not understood: do all members run the same version?"
                    : "messages of another replica set arrive: a peer's remote-subvolume names the wrong brick",
                ("set", replicaSet), ("of", set));
        }
    }

    /// <summary>A message on its way to the replica's scheduler. Pooled.</summary>
    private sealed class Arrival : IWork
    {
        private PeerTransport _transport = null!;
        private ReplicaMessage _message = null!;
        private Payload _data;
        private long _bytes;

        public static Arrival Rent(PeerTransport transport, ReplicaMessage message, Payload data, long bytes)
        {
            var arrival = Pool<Arrival>.Rent();
            (arrival._transport, arrival._message, arrival._data, arrival._bytes) = (transport, message, data, bytes);
            return arrival;
        }

        public void Run()
        {
            var (transport, message, data, bytes) = (_transport, _message, _data, _bytes);
            (_transport, _message, _data) = (null!, null!, default);
            Pool<Arrival>.Return(this);
            try
            {
                transport._replica?.Receive(message);
            }
            finally
            {
                data.Release();
                _ = Interlocked.Add(ref transport._waitingBytes, -bytes);
            }
        }
    }
}
