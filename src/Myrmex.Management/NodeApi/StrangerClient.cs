using System;
using System.IO;
using System.Net.Http;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;

namespace Myrmex.Management.NodeApi;

/// <summary>
/// Requests to a daemon that is not known yet, for joins: whatever certificate it shows first is the one it must go on
/// showing, and what it says counts only once it has proven the join secret over that certificate.
/// </summary>
internal sealed class StrangerClient : IDisposable
{
    private readonly string _host;
    private readonly int _port;
    private readonly Seams _seams;
    private readonly HttpClient _http;
    private volatile X509Certificate2? _certificate;

    /// <param name="material">What this node shows.</param>
    public StrangerClient(NodeMaterial material, string host, int port, Seams seams)
    {
        _host = host;
        _port = port;
        _seams = seams;
        Shown = material.Fingerprint;
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ConnectCallback = ConnectAsync,
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificateContext = material.Context,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => Pin(certificate),
            },
        };
        _http = new HttpClient(handler)
        {
            BaseAddress = new Uri("https://stranger/v1/join/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = NodeLimits.AnswerBytesMax,
        };
    }

    /// <summary>Fingerprint of the certificate that this side shows.</summary>
    public string Shown { get; }

    /// <summary>The certificate that the other side shows; there is one after the first answer.</summary>
    public X509Certificate2 Certificate =>
        _certificate ?? throw new InvalidOperationException("nothing was answered yet");

    /// <summary>
    /// Throws <see cref="NodeUnreachableException"/> without an answer, <see cref="CommandException"/> for a refusal.
    /// </summary>
    public async Task<TAnswer> PostAsync<TBody, TAnswer>(
        string step, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type,
        CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = _seams.Scheduler.Schedule(NodeLimits.JoinRequestMs, limit.Cancel);
        try
        {
            using var content = JsonContent.Create(body, bodyType);
            using var response = await _http.PostAsync(step, content, limit.Token);
            return await NodeHttp.ReadAsync(response, type, limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new NodeUnreachableException(_host, $"no answer within {NodeLimits.JoinRequestMs} ms", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new NodeUnreachableException(_host, e.InnerException?.Message ?? e.Message, e);
        }
    }

    public void Dispose() => _http.Dispose();

    private bool Pin(X509Certificate? shown)
    {
        if (shown is not X509Certificate2 certificate)
        {
            return false;
        }

        // A copy: the one that is shown lives as long as its connection.
        var copy = X509CertificateLoader.LoadCertificate(certificate.RawDataMemory.Span);
        var first = Interlocked.CompareExchange(ref _certificate, copy, null);
        return first is null || Certificates.Fingerprint(first) == Certificates.Fingerprint(copy);
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (stream, _) = await NodeDialer.ConnectAsync([_host], _port, _seams, cancellation);
        return stream;
    }
}
