using System.Threading;
using Myrmex.Base;

namespace Myrmex.Fuse;

/// <summary>
/// A way that requests come from the kernel and replies go back. A reply leaves through the transport its request came
/// by.
/// Replies come from any thread; requests from the transport's own loop.
/// </summary>
internal abstract class FuseTransport
{
    private long _started;
    private long _finished;

    /// <summary>Requests taken and not yet finished.</summary>
    public long InFlight => Volatile.Read(ref _started) - Volatile.Read(ref _finished);

    /// <summary>Requests taken since the start.</summary>
    public long Started => Volatile.Read(ref _started);

    /// <summary>
    /// Sends a reply: a body of <paramref name="bodyLength"/> bytes that lies in the request's reply area, then
    /// <paramref name="dataLength"/> bytes at address <paramref name="data"/>. ENOENT: the kernel has given the request
    /// up.
    /// </summary>
    public abstract Errno Send(FuseRequest request, int bodyLength, nint data, int dataLength);

    /// <summary>Sends a reply without a body: 0 or a negative errno.</summary>
    public abstract Errno SendError(ulong unique, int error);

    /// <summary>Called by the loop for each request it takes.</summary>
    public void Begin() => Volatile.Write(ref _started, _started + 1);

    /// <summary>Called once by each request when it is over.</summary>
    public void End() => Interlocked.Increment(ref _finished);
}
