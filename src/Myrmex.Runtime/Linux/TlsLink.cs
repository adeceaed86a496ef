using System;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// A link through SslStream. Encryption runs where a flush happens, decryption on threads of the runtime; handler calls come
/// from the loop all the same. It allocates, unlike <see cref="SocketLink"/>: the price of TLS is elsewhere.
/// </summary>
internal sealed class TlsLink(
    LinuxNetwork network, Reactor reactor, LinkOptions options, LinkAddress peer, bool isServer)
    : DescriptorLink(network, reactor, options, peer)
{
    private readonly LinkOptions _options = options;
    private NetworkStream? _transport;
    private SslStream? _ssl;
    private IDisposable? _handshakeTimer;
    private bool _isHandshaking;
    private string _peerName = string.Empty;
    private long _sendFrameLeft; // Bytes of the frame being sent that are not sent yet; touched by the drainer only.
    private bool _isReading; // A read is under way or its result is not yet taken; touched by the loop only.
    private volatile bool _readIsDone;
    private int _readResult; // Bytes, 0 at the end, -1 after an error.
    private string _readError = string.Empty;

    public override string PeerName => _peerName;

    public override bool IsEncrypted => true;

    public override void Start(int fd, Func<Link, ILinkHandler> accept)
    {
        try
        {
            _transport = new NetworkStream(new Socket(new SafeSocketHandle(fd, ownsHandle: true)), ownsSocket: true);
        }
        catch (SocketException e)
        {
            Close(Errno.ENOTCONN, "the socket is gone: " + e.Message);
            return;
        }

        _ssl = new SslStream(_transport, leaveInnerStreamOpen: true);
        _handshakeTimer = Scheduler.Schedule(
            _options.ConnectTimeoutMs, () => Close(Errno.ETIMEDOUT, "the TLS handshake takes too long"));
        _isHandshaking = true;
        _ = HandshakeAsync(_ssl, accept);
    }

    public override void Flush()
    {
        if (Queue.TryStartDrain())
        {
            _ = DrainAsync(_ssl!); // An open link has its stream.
        }
    }

    protected override void ReceiveTurn()
    {
        if (_isReading && (!_readIsDone || !TakeRead()))
        {
            return;
        }

        if (!CutFrames())
        {
            return;
        }

        var budget = Limits.ReceiveBytesPerTurn;
        while (!WaitsForMemory())
        {
            if (budget <= 0)
            {
                PostReceive();
                return;
            }

            Cutter.Room(out var room, out _);
            _isReading = true;
            _readIsDone = false;
            var read = _ssl!.ReadAsync(room.Memory); // An open link has its stream.
            if (!read.IsCompletedSuccessfully)
            {
                _ = FinishReadAsync(read);
                return;
            }

            _readResult = read.Result;
            budget -= _readResult;
            if (!TakeRead() || !CutFrames())
            {
                return;
            }
        }
    }

    /// <summary>Disposing the socket ends the handshake, the read and the write that are under way.</summary>
    protected override bool TryStopTransport()
    {
        _handshakeTimer?.Dispose();
        _transport?.Dispose();
        return !_isHandshaking && (!_isReading || _readIsDone);
    }

    protected override void ReleaseTransport()
    {
        _ssl?.Dispose();
        base.ReleaseTransport();
    }

    private async Task HandshakeAsync(SslStream ssl, Func<Link, ILinkHandler> accept)
    {
        var failure = string.Empty;
        try
        {
            // Reading certificate files and the mathematics are nothing for a loop.
            await Task.Yield();
            var material = TlsMaterial.Of(_options.Tls!); // The network makes TLS links only with options.
            if (isServer)
            {
                await ssl.AuthenticateAsServerAsync(material.ForServer()).ConfigureAwait(false);
            }
            else
            {
                await ssl.AuthenticateAsClientAsync(material.ForClient()).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is not InvariantException)
        {
            failure = (e.InnerException ?? e).Message;
        }

        Scheduler.Post(() => FinishHandshake(ssl, accept, failure));
    }

    private void FinishHandshake(SslStream ssl, Func<Link, ILinkHandler> accept, string failure)
    {
        _isHandshaking = false;
        _handshakeTimer?.Dispose();
        if (IsClosing)
        {
            PostClose();
            return;
        }

        if (failure.Length > 0)
        {
            Log.Warning("runtime", "TLS handshake failed", ("peer", Peer), ("why", failure));
            Close(Errno.EACCES, "TLS handshake failed: " + failure);
            return;
        }

        if (ssl.RemoteCertificate is X509Certificate2 certificate)
        {
            _peerName = TlsMaterial.CommonNameOf(certificate);
        }

        Open(accept);
        Receive();
    }

    private async Task FinishReadAsync(ValueTask<int> read)
    {
        try
        {
            _readResult = await read.ConfigureAwait(false);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            _readError = e.Message;
            _readResult = -1;
        }

        _readIsDone = true;
        if (IsClosing)
        {
            PostClose();
        }

        PostReceive();
    }

    /// <summary>Takes the result of a finished read; false when the stream is over.</summary>
    private bool TakeRead()
    {
        _isReading = false;
        if (_readResult > 0)
        {
            Cutter.Received(_readResult);
            return true;
        }

        if (_readResult == 0)
        {
            Close(Errno.ENOTCONN, "closed by the peer");
        }
        else
        {
            Close(Errno.ECONNRESET, "receive failed: " + _readError);
        }

        return false;
    }

    private async Task DrainAsync(SslStream ssl)
    {
        var staging = PayloadPool.Shared.Rent(Limits.ChunkBytes);
        try
        {
            for (var round = 1; ; round++)
            {
                var copied = Queue.Copy(staging.GetSpan()[..Limits.ChunkBytes]);
                var count = 0;
                while (count < copied
                    && NextPiece(staging.GetSpan()[count..copied], isFirst: count == 0) is > 0 and var piece)
                {
                    await ssl.WriteAsync(staging.Memory.Slice(count, piece)).ConfigureAwait(false);
                    count += piece;
                    _sendFrameLeft -= piece;
                }

                var next = Queue.Sent(count, isBlocked: false);
                if (next != SendQueue.Next.Continue)
                {
                    PostCloseIf(next);
                    return;
                }

                if (round % Limits.SendRoundsMax == 0)
                {
                    await Task.Yield(); // The thread that flushed has other work.
                }
            }
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Close(Errno.ECONNRESET, "send failed: " + e.Message);
            PostCloseIf(Queue.StopDrain());
        }
        finally
        {
            staging.Release();
        }
    }

    /// <summary>
    /// Bytes of the frame at the start of <paramref name="queued"/>, or of the rest of one; 0 to look again when more
    /// is there. No TLS record may hold the end of one frame and the start of another: a GlusterFS peer takes one
    /// frame out of a record and then waits for the socket, not knowing that OpenSSL holds the next one.
    /// </summary>
    private int NextPiece(ReadOnlySpan<byte> queued, bool isFirst)
    {
        if (_sendFrameLeft == 0)
        {
            _sendFrameLeft = _options.FrameLength(queued);
            if (_sendFrameLeft <= 0)
            {
                // The start of a frame is cut by the end of the staging room: it comes first in the next one.
                _sendFrameLeft = isFirst ? queued.Length : 0;
            }
        }

        return (int)Math.Min(_sendFrameLeft, queued.Length);
    }

    private void PostCloseIf(SendQueue.Next next)
    {
        if (next == SendQueue.Next.Closed)
        {
            PostClose();
        }
    }
}
