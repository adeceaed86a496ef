using System;
using System.Diagnostics;
using System.IO;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>An answer of a daemon.</summary>
/// <param name="Status">HTTP status; 0 when none came.</param>
/// <param name="Body">Null when there is none.</param>
/// <param name="Why">What went wrong, for people; empty on success.</param>
internal sealed record RestAnswer(int Status, JsonNode? Body, string Why, TimeSpan Took)
{
    public bool Succeeded => Status is >= 200 and < 300;

    /// <summary>The command was refused or taken back for certain: nothing may have changed.</summary>
    public bool Refused => Status is >= 400 and < 500;
}

/// <summary>REST over the unix socket of a daemon: what the command line does, without the time its process takes to start.</summary>
internal sealed class NodeRest : IDisposable
{
    private readonly string _socket;
    private readonly HttpClient _http;

    public NodeRest(string socket)
    {
        _socket = socket;
        var handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync, PooledConnectionIdleTimeout = TimeSpan.Zero };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://localhost/v1/"), Timeout = Timeout.InfiniteTimeSpan };
    }

    public RestAnswer Get(string path, TimeSpan limit) => Send(HttpMethod.Get, path, null, limit);

    public RestAnswer Send(HttpMethod method, string path, JsonNode? body, TimeSpan limit) =>
        SendAsync(method, path, body, limit).GetAwaiter().GetResult();

    public async Task<RestAnswer> SendAsync(HttpMethod method, string path, JsonNode? body, TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        using var request = new HttpRequestMessage(method, path);
        using var timeout = new CancellationTokenSource(limit);
        if (body is not null)
        {
            request.Content = new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");
        }

        try
        {
            using var response = await _http.SendAsync(request, timeout.Token);
            var text = await response.Content.ReadAsStringAsync(timeout.Token);
            var node = text.Length == 0 ? null : JsonNode.Parse(text);
            var why = response.IsSuccessStatusCode ? "" : node?["detail"]?.ToString() ?? text;
            return new RestAnswer((int)response.StatusCode, node, why, clock.Elapsed);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or JsonException)
        {
            return new RestAnswer(0, null, e is OperationCanceledException ? $"no answer in {limit.TotalSeconds:0} s" : e.Message, clock.Elapsed);
        }
    }

    public void Dispose() => _http.Dispose();

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
