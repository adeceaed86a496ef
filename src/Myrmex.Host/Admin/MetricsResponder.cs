using System;
using System.Net;
using System.Text;
using Myrmex.Base;
using Myrmex.Management.Metrics;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// Answers <c>GET /metrics</c> and nothing else, over our own links: HTTP/1.1 with one request a connection, at most
/// <see cref="RequestBytesMax"/> bytes of it, and ten seconds for all.
/// </summary>
internal sealed class MetricsResponder : IDisposable
{
    private const int RequestBytesMax = 8192;
    private const int ConnectionMs = 10_000;

    private readonly Seams _seams;
    private readonly Func<string> _page;
    private readonly IListener _listener;

    /// <summary>Throws IOException when it cannot listen.</summary>
    /// <param name="page">Makes the page; called on a worker.</param>
    public MetricsResponder(Seams seams, LinkAddress address, Func<string> page)
    {
        _seams = seams;
        _page = page;
        var options = new LinkOptions(RequestLength) { FrameBytesMax = RequestBytesMax };
        _listener = seams.Network.Listen(address, options, _ => new Session(this));
    }

    /// <summary>The address in use.</summary>
    public LinkAddress Address => _listener.Address;

    /// <summary>PATH (with a slash), HOST:PORT, or PORT on the loopback address; null for anything else.</summary>
    public static LinkAddress? ParseAddress(string text)
    {
        if (text.Contains('/'))
        {
            return LinkAddress.Unix(text);
        }

        if (ushort.TryParse(text, out var port))
        {
            return new LinkAddress("127.0.0.1", port);
        }

        return IPEndPoint.TryParse(text, out var point) && text.Contains(':')
            ? new LinkAddress(point.Address.ToString(), point.Port) : null;
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>The head of a request up to its empty line; a body is not expected.</summary>
    private static long RequestLength(ReadOnlySpan<byte> received)
    {
        var end = received.IndexOf("\r\n\r\n"u8);
        return end >= 0 ? end + 4 : received.Length >= RequestBytesMax ? -1 : 0;
    }

    private sealed class Session(MetricsResponder owner) : ILinkHandler
    {
        private IDisposable? _timer;
        private bool _answered;

        public void OnOpen(Link link) => _timer = link.Scheduler.Schedule(
            ConnectionMs, () => link.Close(Errno.ETIMEDOUT, "a connection for metrics has had its time"));

        public void OnFrame(Link link, Payload frame)
        {
            if (_answered)
            {
                link.Close(Errno.EPROTO, "one request a connection");
                return;
            }

            _answered = true;
            var isPage = frame.Span.StartsWith("GET /metrics "u8) || frame.Span.StartsWith("GET /metrics?"u8);
            if (isPage)
            {
                owner._seams.Workers.Submit(new PageWork(owner, link));
            }
            else
            {
                Send(link, "404 Not Found", "only /metrics is here\n");
            }
        }

        public void OnClosed(Link link, Errno error, string reason) => _timer?.Dispose();
    }

    private sealed class PageWork(MetricsResponder owner, Link link) : IWork
    {
        public void Run()
        {
            try
            {
                Send(link, "200 OK", owner._page());
            }
            catch (Exception e) when (e is not InvariantException)
            {
                Log.Error("metrics", "the page cannot be made", ("exception", e));
                link.Close(Errno.EIO, "the page cannot be made");
            }
        }
    }

    private static void Send(Link link, string status, string page)
    {
        var body = Encoding.UTF8.GetBytes(page);
        var head = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {status}\r\nContent-Type: {MetricsText.ContentType}\r\nContent-Length: {body.Length}\r\n"
            + "Connection: close\r\n\r\n");
        var room = link.BeginSend(head.Length + body.Length);
        if (!room.IsEmpty)
        {
            head.CopyTo(room);
            body.CopyTo(room[head.Length..]);
            link.EndSend(head.Length + body.Length, default);
        }
    }
}
