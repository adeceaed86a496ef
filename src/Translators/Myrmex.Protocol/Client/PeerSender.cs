using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>
/// The messages of one protocol/client to what is behind its other end. They have an attachment of their own, made with
/// the first message: heartbeats do not stand behind the data of fops, and the answers that fops over there wait for do
/// not stand behind a server that has stopped reading because these fops are too many. Any thread.
/// </summary>
internal sealed class PeerSender
{
    /// <summary>
    /// Bytes on the way without an answer, above which messages with data are lost. One message always goes.
    /// </summary>
    public const long OnTheWayBytesMax = 64 << 20;

    /// <summary>
    /// What messages without data may have beyond, so that a full window does not silence heartbeats.
    /// </summary>
    public const long OnTheWayBytesReserve = 1 << 20;

    private static readonly RpcCall Head = new(0, Programs.Peer, Programs.PeerVersion, Programs.PeerMessage);

    private readonly ClientSession _session;
    private readonly string _name;
    private int _isStarted;
    private long _onTheWay;
    private volatile ClientAttachment? _refusing; // Its other end does not take messages from us.

    public PeerSender(TranslatorPlace place)
    {
        _name = place.Name;
        _session = new ClientSession(
            place, new Reopening(place.Name, new OpenFdList(), new HeldLocks()), _ => { }, purpose: "-messages");
    }

    /// <summary>Bytes of messages that are not answered yet.</summary>
    public long OnTheWayBytes => Volatile.Read(ref _onTheWay);

    public string StateText =>
        Volatile.Read(ref _isStarted) == 0 ? "not used"
        : _refusing is { } refusing && ReferenceEquals(refusing, _session.Up) ? "attached, refused"
        : _session.StateText;

    /// <summary>No message is sent any more.</summary>
    public void Stop() => _session.Stop();

    public bool TryReconfigure(OptionValues options) => _session.TryReconfigure(options);

    /// <summary>See <see cref="IPeerLink.TrySend"/>.</summary>
    public bool TrySend(ReadOnlySpan<byte> head, ReadOnlySpan<Payload> data)
    {
        Invariant.Check(head.Length <= IPeerLink.HeadBytesMax && data.Length <= IPeerLink.PiecesMax);
        long dataBytes = 0;
        foreach (ref readonly var piece in data)
        {
            dataBytes += piece.Length;
        }

        Invariant.Check(dataBytes <= IPeerLink.DataBytesMax);
        if (Attachment() is not { } attachment || !TryReserve(head.Length, dataBytes))
        {
            return false;
        }

        var answer = Answer.Rent(this, attachment, head.Length + dataBytes);
        var body = new PeerMessageBody(head, data, (int)dataBytes);
        if (attachment.Connection.TrySend(Head, null, in body, answer, version3: false) == Errno.Ok)
        {
            return true;
        }

        answer.Return();
        return false;
    }

    private ClientAttachment? Attachment()
    {
        if (Volatile.Read(ref _isStarted) == 0 && Interlocked.Exchange(ref _isStarted, 1) == 0)
        {
            _session.Start();
        }

        var attachment = _session.Up;
        return ReferenceEquals(attachment, _refusing) ? null : attachment;
    }

    private bool TryReserve(int headBytes, long dataBytes)
    {
        var bytes = headBytes + dataBytes;
        var max = dataBytes > 0 ? OnTheWayBytesMax : OnTheWayBytesMax + OnTheWayBytesReserve;
        var now = Interlocked.Add(ref _onTheWay, bytes);
        if (now <= max || now == bytes)
        {
            return true;
        }

        _ = Interlocked.Add(ref _onTheWay, -bytes);
        return false;
    }

    private void OnRefused(ClientAttachment attachment)
    {
        if (!ReferenceEquals(_refusing, attachment))
        {
            _refusing = attachment;
            Log.Warning(
                "client", "the other end takes no messages: it is no member of a replica set, or we did not log in "
                + "with the volume's user name and password", ("volume", _name), ("remote", _session.Remote));
        }
    }

    /// <summary>Waits for the answer to one message. Pooled.</summary>
    private sealed class Answer : IReplyReceiver
    {
        private PeerSender _sender = null!;
        private ClientAttachment _attachment = null!;
        private long _bytes;

        public static Answer Rent(PeerSender sender, ClientAttachment attachment, long bytes)
        {
            var answer = Pool<Answer>.Rent();
            (answer._sender, answer._attachment, answer._bytes) = (sender, attachment, bytes);
            return answer;
        }

        public void OnReply(Payload record, int position) => Return();

        public void OnFailed(Errno error)
        {
            // Anything else than a lost connection or a call given up is the other end's refusal.
            if (error is Errno.EREMOTEIO or Errno.EOPNOTSUPP)
            {
                _sender.OnRefused(_attachment);
            }

            Return();
        }

        public void Return()
        {
            _ = Interlocked.Add(ref _sender._onTheWay, -_bytes);
            (_sender, _attachment) = (null!, null!);
            Pool<Answer>.Return(this);
        }
    }
}
