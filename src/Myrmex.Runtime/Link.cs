using System;
using System.Globalization;
using Myrmex.Base;

namespace Myrmex.Runtime;

/// <summary>Where to connect or listen: host and port, or the path of a unix socket.</summary>
public readonly record struct LinkAddress(string Host, int Port, string? UnixPath = null)
{
    public static LinkAddress Unix(string path) => new(string.Empty, 0, path);

    public override string ToString() =>
        UnixPath ?? (Host.Contains(':') ? $"[{Host}]" : Host) + ":" + Port.ToString(CultureInfo.InvariantCulture);
}

/// <summary>
/// Length of the frame that starts at <paramref name="received"/>, header included: 0 when more bytes are needed to tell,
/// negative when the bytes cannot start a frame (the link is closed).
/// </summary>
public delegate long FrameLength(ReadOnlySpan<byte> received);

/// <summary>TLS of a link; certificate files are PEM.</summary>
public sealed record TlsOptions(string CertificatePath, string KeyPath, string CaPath)
{
    /// <summary>A server demands a client certificate signed by the CA.</summary>
    public bool RequireClientCertificate { get; init; } = true;
}

public sealed record LinkOptions(FrameLength FrameLength)
{
    /// <summary>A longer frame closes the link.</summary>
    public int FrameBytesMax { get; init; } = 128 << 20;

    public long ConnectTimeoutMs { get; init; } = 10_000;

    /// <summary>
    /// While the pool of payloads is more than half used up, a link that <see cref="Link.YieldsToMemoryLimit"/> and has
    /// brought nothing of a long frame for so long is closed: the frame holds memory that others wait for.
    /// </summary>
    public int StalledFrameMs { get; init; } = 30_000;

    public TlsOptions? Tls { get; init; }

    /// <summary>
    /// For a listener without <see cref="Tls"/>: a client that begins with a TLS handshake is served with what this
    /// answers at that moment, or not at all when it answers null; all others are served without TLS.
    /// </summary>
    public Func<TlsOptions?>? OfferedTls { get; init; }
}

/// <summary>What happens on a link; all calls come from the link's loop.</summary>
public interface ILinkHandler
{
    void OnOpen(Link link);

    /// <summary>A whole frame, header included. Borrowed: retain the payload to keep it after the return.</summary>
    void OnFrame(Link link, Payload frame);

    /// <summary>Called once, last; also when connecting failed.</summary>
    void OnClosed(Link link, Errno error, string reason);
}

/// <summary>
/// A byte stream with frames inward and corked, gathered sends outward. Any thread may send. What is queued within one
/// reactor turn or worker batch goes out in one system call (see <see cref="FlushBatch"/>).
/// </summary>
public abstract class Link
{
    /// <summary>The managed thread whose <see cref="FlushBatch"/> has this link noted; a hint that avoids doubles.</summary>
    internal int NotedBy;

    public abstract LinkAddress Peer { get; }

    /// <summary>Common name of the peer's certificate; empty without TLS.</summary>
    public virtual string PeerName => string.Empty;

    /// <summary>The peer is on this machine; known of links that were made from here, once they are open.</summary>
    public virtual bool IsLocal => false;

    /// <summary>The bytes travel under TLS.</summary>
    public virtual bool IsEncrypted => false;

    /// <summary>The loop all its handler calls come from.</summary>
    public abstract IScheduler Scheduler { get; }

    public abstract bool IsOpen { get; }

    /// <summary>Bytes accepted for sending that the kernel has not taken yet.</summary>
    public abstract long QueuedBytes { get; }

    /// <summary>
    /// Reading stops while the payload pool is over its limit. Only for links that bring new work: one that brings
    /// answers must be read, or what they would free is never freed. Set before the link opens, later on its loop.
    /// </summary>
    public bool YieldsToMemoryLimit { get; set; }

    /// <summary>
    /// Locks the send queue and lends room for <paramref name="sizeMax"/> (at least 1) contiguous bytes, or an empty span (nothing locked)
    /// when the link is closed. Encode, then call <see cref="EndSend"/> on the same thread; no other call in between.
    /// </summary>
    public abstract Span<byte> BeginSend(int sizeMax);

    /// <summary>
    /// Queues the first <paramref name="used"/> bytes of the lent room, then the bytes of <paramref name="tail"/>, which the
    /// link retains until they are sent; unlocks. <paramref name="used"/> 0 with no tail takes the send back.
    /// </summary>
    public void EndSend(int used, Payload tail) => EndSendGathered(used, new ReadOnlySpan<Payload>(in tail));

    /// <summary><see cref="EndSend"/> with several tails, in order; empty ones count for nothing.</summary>
    public abstract void EndSendGathered(int used, ReadOnlySpan<Payload> tails);

    /// <summary>Sends what is queued; called by <see cref="FlushBatch"/>.</summary>
    public abstract void Flush();

    /// <summary>Stops reading frames, for back-pressure; a frame or two already read may still arrive.</summary>
    public abstract void PauseReading();

    public abstract void ResumeReading();

    /// <summary>
    /// Takes a link whose reading is paused out of use, for another process that goes on with it: nothing is sent or
    /// received here any more. Null when that cannot be: bytes are being sent just now (try again), the link is closed,
    /// or it has a state that is nowhere but here (TLS). On the loop.
    /// </summary>
    public virtual LinkRemains? Freeze() => null;

    /// <summary>The other process does not go on with it after all. On the loop.</summary>
    public virtual void Thaw()
    {
    }

    /// <summary>Closes from any thread; the handler hears OnClosed once, on the loop. Queued bytes are dropped.</summary>
    public abstract void Close(Errno error, string reason);
}
