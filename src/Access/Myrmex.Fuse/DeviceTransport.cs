using System.Threading;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;
using Myrmex.Runtime.Linux;

namespace Myrmex.Fuse;

/// <summary>
/// A loop over one descriptor of /dev/fuse, as a guest of a reactor: the reply to a request goes to the descriptor it
/// was
/// read from, from any thread. Nearly all requests fit into a small buffer; the kernel insists on room for the largest,
/// so
/// each read scatters over a small and a large one, and only a large WRITE uses up the large one.
/// </summary>
internal sealed unsafe class DeviceTransport : FuseTransport, IPollHandler
{
    // The size classes of the pool. The end of the small buffer is a page boundary, which the large one continues.
    private const int SmallBytes = 64 << 10;
    private const int LargeBytes = (1 << 20) + (64 << 10);
    private const int SmallMessageBytes = SmallBytes - FuseRequest.MessageOffset;

    private const uint EpollExclusive = 1u << 28;

    private readonly FuseSession _session;
    private readonly Reactor _reactor;
    private PayloadBuffer? _small;
    private PayloadBuffer? _large;
    private int _device;
    private bool _ended;

    /// <summary>Takes the descriptor.</summary>
    public DeviceTransport(FuseSession session, Reactor reactor, int device)
    {
        _session = session;
        _reactor = reactor;
        _device = device;
    }

    /// <param name="isShared">Several loops read: the kernel shall wake one of them, not all.</param>
    public void Start(bool isShared)
    {
        var result = _reactor.Register(_device, Sys.EpollIn | (isShared ? EpollExclusive : 0), this);
        if (result < 0)
        {
            throw new FuseException($"cannot watch /dev/fuse: {Sys.ErrorOf(result)}");
        }
    }

    public void OnEvents(uint events)
    {
        for (var i = 0; i < FuseLimits.RequestsPerTurn && TakeRequest(); i++)
        {
        }
    }

    public override Errno Send(FuseRequest request, int bodyLength, nint data, int dataLength)
    {
        var header = (FuseOutHeader*)(request.Body - FuseOutHeader.Size);
        header->Length = (uint)(FuseOutHeader.Size + bodyLength + dataLength);
        header->Error = 0;
        header->Unique = request.Unique;
        if (dataLength == 0)
        {
            return Sys.ErrorOf(Sys.Write(_device, (byte*)header, FuseOutHeader.Size + bodyLength));
        }

        var pieces = stackalloc IoVec[2];
        pieces[0] = new IoVec((byte*)header, FuseOutHeader.Size + bodyLength);
        pieces[1] = new IoVec((byte*)data, dataLength);
        return Sys.ErrorOf(Sys.FuseWriteV(_device, pieces, 2));
    }

    public override Errno SendError(ulong unique, int error)
    {
        var header = new FuseOutHeader { Length = FuseOutHeader.Size, Error = error, Unique = unique };
        return Sys.ErrorOf(Sys.Write(_device, (byte*)&header, FuseOutHeader.Size));
    }

    /// <summary>Sends a message that answers nothing. It may wait for requests under way: not from a loop.</summary>
    public Errno Notify(FuseNotifyCode code, void* body, int length)
    {
        var header = new FuseOutHeader { Length = (uint)(FuseOutHeader.Size + length), Error = (int)code };
        var pieces = stackalloc IoVec[2];
        pieces[0] = new IoVec((byte*)&header, FuseOutHeader.Size);
        pieces[1] = new IoVec((byte*)body, length);
        return Sys.ErrorOf(Sys.FuseWriteV(_device, pieces, 2));
    }

    /// <summary>Takes no more requests; replies still go out.</summary>
    public void Stop() => _reactor.Unregister(_device);

    /// <summary>Closes the descriptor. No request may be under way: the number will belong to somebody else.</summary>
    public void Close()
    {
        var device = Interlocked.Exchange(ref _device, -1);
        if (device >= 0)
        {
            Sys.Close(device);
        }

        _small?.Release();
        _large?.Release();
        (_small, _large) = (null, null);
    }

    /// <summary>Reads one request and sets it going; false when there is none.</summary>
    private bool TakeRequest()
    {
        if (_ended)
        {
            return false;
        }

        _small ??= PayloadPool.Shared.Rent(SmallBytes);
        _large ??= PayloadPool.Shared.Rent(LargeBytes);
        var pieces = stackalloc IoVec[2];
        pieces[0] = new IoVec((byte*)_small.Address + FuseRequest.MessageOffset, SmallMessageBytes);
        pieces[1] = new IoVec((byte*)_large.Address + SmallBytes, LargeBytes - SmallBytes);
        var got = Sys.ReadV(_device, pieces, 2);
        if (got < 0)
        {
            return Failed(Sys.ErrorOf(got));
        }

        var buffer = TakeBuffer((int)got);
        Begin();
        var request = Pool<FuseRequest>.Rent();
        if (request.TryAttach(_session, this, buffer, (int)got))
        {
            request.Dispatch();
        }
        else
        {
            request.Discard();
        }

        return true;
    }

    private PayloadBuffer TakeBuffer(int length)
    {
        PayloadBuffer buffer;
        if (length <= SmallMessageBytes)
        {
            buffer = _small!;
            _small = null;
        }
        else
        {
            buffer = _large!;
            _large = null;
            _small!.GetSpan()[FuseRequest.MessageOffset..].CopyTo(buffer.GetSpan()[FuseRequest.MessageOffset..]);
        }

        return buffer;
    }

    private bool Failed(Errno error)
    {
        switch (error)
        {
            case Errno.EAGAIN:
                return false;
            case Errno.EINTR or Errno.ENOENT:
                // The request was taken back by the kernel.
                return true;
            default:
                // ENODEV: unmounted. ECONNABORTED: the connection was aborted by an administrator.
                _ended = true;
                _reactor.Unregister(_device);
                _session.OnDeviceEnded(error);
                return false;
        }
    }
}
