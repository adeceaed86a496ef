using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.NodeApi;

/// <summary>
/// Requests to the daemons of other nodes, by node: both certificates are checked, and the one of the server must be
/// that node's. Connections are kept; the address that answered last is tried first. Calls throw
/// <see cref="NodeUnreachableException"/> when there is no answer in time and <see cref="CommandException"/> when the
/// other daemon refuses.
/// </summary>
/// <param name="identity">What this node shows; asked for every request.</param>
/// <param name="find">The record of a member; null for no member.</param>
internal sealed class NodeClient(Func<NodeMaterial> identity, Func<NodeId, NodeRecord?> find, Seams seams) : IDisposable
{
    private readonly Lock _lock = new(); // Guards _peers; a leaf lock.
    private readonly Dictionary<NodeId, Peer> _peers = [];

    /// <param name="path">From the root, e.g. <c>/v1/node/self</c>.</param>
    public Task<T> GetAsync<T>(
        NodeId node, string path, JsonTypeInfo<T> type, CancellationToken cancellation,
        long timeoutMs = NodeLimits.RequestMs) =>
        SendAsync(node, HttpMethod.Get, path, content: null, type, timeoutMs, cancellation);

    public Task<TAnswer> PostAsync<TBody, TAnswer>(
        NodeId node, string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type,
        CancellationToken cancellation, long timeoutMs = NodeLimits.RequestMs) =>
        SendAsync(node, HttpMethod.Post, path, JsonContent.Create(body, bodyType), type, timeoutMs, cancellation);

    /// <summary>Whether the node's daemon answers at all, within <see cref="NodeLimits.RequestMs"/>.</summary>
    public async Task<bool> AnswersAsync(NodeId node, CancellationToken cancellation)
    {
        try
        {
            await GetAsync(node, "/v1/node/self", NodeJson.Default.NodeAnswer, cancellation);
            return true;
        }
        catch (NodeUnreachableException)
        {
            return false;
        }
        catch (CommandException)
        {
            return true; // It says no, so it is there.
        }
    }

    /// <summary>
    /// The answer's text as it comes, for what is large; the caller disposes the stream. The time limit is for its
    /// beginning.
    /// </summary>
    public async Task<Stream> OpenAsync(
        NodeId node, string path, CancellationToken cancellation, long timeoutMs = NodeLimits.RequestMs)
    {
        var peer = Find(node);
        return await LimitedAsync(node, peer, timeoutMs, cancellation, async limit =>
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            var response = await peer.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit);
            if (response.IsSuccessStatusCode)
            {
                return await response.Content.ReadAsStreamAsync(limit);
            }

            using (response)
            {
                await NodeHttp.ReadAsync(response, NodeJson.Default.NodeHealth, limit); // Throws.
                throw new CommandException(CommandFailure.Failed, response.StatusCode.ToString());
            }
        });
    }

    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var peer in _peers.Values)
            {
                peer.Http.Dispose();
            }

            _peers.Clear();
        }
    }

    private async Task<T> SendAsync<T>(
        NodeId node, HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type, long timeoutMs,
        CancellationToken cancellation)
    {
        var peer = Find(node);
        return await LimitedAsync(node, peer, timeoutMs, cancellation, async limit =>
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            using var response = await peer.Http.SendAsync(request, limit);
            return await NodeHttp.ReadAsync(response, type, limit);
        });
    }

    private async Task<T> LimitedAsync<T>(
        NodeId node, Peer peer, long timeoutMs, CancellationToken cancellation, Func<CancellationToken, Task<T>> send)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = seams.Scheduler.Schedule(timeoutMs, limit.Cancel);
        var watch = timeoutMs > NodeLimits.RequestMs
            ? WatchAsync(node, limit) : Task.FromResult(timeoutMs);
        try
        {
            return await send(limit.Token);
        }
        catch (OperationCanceledException e) when (!cancellation.IsCancellationRequested)
        {
            throw new NodeUnreachableException(peer.Name, $"no answer within {await watch} ms", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new NodeUnreachableException(peer.Name, e.InnerException?.Message ?? e.Message, e);
        }
        finally
        {
            await limit.CancelAsync();
            await watch;
        }
    }

    /// <summary>
    /// A request that may take long is given up when its node does not answer a short one: there may be nobody any
    /// more.
    /// </summary>
    /// <returns>Milliseconds that were waited for, once <paramref name="request"/> is cancelled.</returns>
    private async Task<long> WatchAsync(NodeId node, CancellationTokenSource request)
    {
        var begunNs = seams.Clock.MonotonicNs;
        try
        {
            do
            {
                await Pauses.WaitAsync(seams.Scheduler, NodeLimits.WatchPauseMs, request.Token);
            }
            while (await AnswersAsync(node, request.Token));
            await request.CancelAsync();
        }
        catch (OperationCanceledException)
        {
            // It has ended otherwise.
        }

        return (seams.Clock.MonotonicNs - begunNs) / 1_000_000;
    }

    private Peer Find(NodeId node)
    {
        var record = find(node)
            ?? throw new NodeUnreachableException(node.ToString(), "it is not a member of the cluster");
        var material = identity();
        lock (_lock)
        {
            if (_peers.TryGetValue(node, out var known))
            {
                if (ReferenceEquals(known.Material, material))
                {
                    return known;
                }

                known.Retire();
            }

            return _peers[node] = NewPeer(node, record.Name, material);
        }
    }

    private Peer NewPeer(NodeId node, string name, NodeMaterial material)
    {
        var peer = new Peer { Name = name, Material = material };
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
            ConnectCallback = (_, cancellation) => ConnectAsync(node, peer, cancellation),
            SslOptions = new SslClientAuthenticationOptions
            {
                ClientCertificateContext = material.Context,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => IsNode(node, material, certificate),
            },
        };
        peer.Http = new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://{node}/"),
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = NodeLimits.AnswerBytesMax,
        };
        return peer;
    }

    private bool IsNode(NodeId node, NodeMaterial material, X509Certificate? shown)
    {
        if (shown is not X509Certificate2 certificate || find(node) is not { } record)
        {
            return false;
        }

        var fingerprint = Certificates.Fingerprint(certificate);
        return (fingerprint == record.Fingerprint || fingerprint == record.NextFingerprint)
            && Certificates.Check(certificate, material.Authority, isServer: true, seams.Clock)
                == Principal.OfNode(node);
    }

    private async ValueTask<Stream> ConnectAsync(NodeId node, Peer peer, CancellationToken cancellation)
    {
        var record = find(node) ?? throw new IOException("it is not a member of the cluster");
        var good = peer.Good;
        var hosts = record.Addresses.Concat(record.Names).Append(record.HostName)
            .OrderByDescending(host => host == good).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        var (stream, host) = await NodeDialer.ConnectAsync(hosts, record.NodePort, seams, cancellation);
        peer.Good = host;
        return stream;
    }

    private sealed class Peer
    {
        private volatile string? _good;

        public required string Name { get; init; }

        public required NodeMaterial Material { get; init; }

        public HttpClient Http { get; set; } = null!; // Set when it is made.

        /// <summary>The host that answered last.</summary>
        public string? Good
        {
            get => _good;
            set => _good = value;
        }

        /// <summary>
        /// No longer handed out. Not disposed: requests may be under way; its connections close when they are idle.
        /// </summary>
        public void Retire() => _good = null;
    }
}
