using System;
using System.Net.Http;
using System.Net.Http.Json;
using System.Threading.Tasks;
using Myrmex.Management.Http;
using Myrmex.Management.NodeApi;

namespace Myrmex.Management.CommandLine;

/// <summary>What only Myrmex has: nodes that join, administrators' certificates, audits.</summary>
public sealed partial class ManagementClient
{
    private static TrustMessageJson Trust => TrustMessageJson.Default;

    public Task<AuditMessage> AuditAsync() => GetAsync("cluster/audit", AuditMessageJson.Default.AuditMessage);

    /// <summary>The proxies that should run, of all started volumes.</summary>
    public Task<ProxyListMessage> ProxiesAsync() =>
        GetAsync("proxies", VolumeMessageJson.Default.ProxyListMessage);

    /// <summary>The proxy of a node sends its clients to others; answers what it serves.</summary>
    /// <param name="force">Also when there is no other one.</param>
    public Task<ProxyListMessage> DrainProxyAsync(string host, bool force) => SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"proxies/{Uri.EscapeDataString(host)}/drain?force={Word(force)}"),
        VolumeMessageJson.Default.ProxyListMessage);

    /// <summary>A new process takes over from the proxy of a node; answers how it was before.</summary>
    public Task<ProxyListMessage> UpgradeProxyAsync(string host) => SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"proxies/{Uri.EscapeDataString(host)}/upgrade"),
        VolumeMessageJson.Default.ProxyListMessage);

    /// <summary>The proxy of a node takes clients again.</summary>
    public Task<ProxyListMessage> UndrainProxyAsync(string host) => SendAsync(
        new HttpRequestMessage(HttpMethod.Delete, $"proxies/{Uri.EscapeDataString(host)}/drain"),
        VolumeMessageJson.Default.ProxyListMessage);

    /// <summary>The join token.</summary>
    /// <param name="rotate">A new one; the former no longer works.</param>
    public async Task<string> TokenAsync(bool rotate) => (await SendAsync(
        new HttpRequestMessage(HttpMethod.Post, $"cluster/token?rotate={Word(rotate)}"), Trust.TokenMessage)).Token;

    /// <param name="token">Null for the file of the daemon.</param>
    public Task JoinAsync(string host, string? token) => SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "cluster/join")
        {
            Content = JsonContent.Create(new JoinClusterMessage(host, token), Trust.JoinClusterMessage),
        },
        Trust.DoneMessage);

    /// <param name="request">PKCS#10, PEM.</param>
    public Task<CertificateMessage> IssueAsync(string name, string request) => SendAsync(
        new HttpRequestMessage(HttpMethod.Post, "cluster/administrators")
        {
            Content = JsonContent.Create(
                new CertificateRequestMessage(name, request), Trust.CertificateRequestMessage),
        },
        Trust.CertificateMessage);

    public async Task<System.Collections.Generic.IReadOnlyList<AdministratorMessage>> AdministratorsAsync() =>
        (await GetAsync("cluster/administrators", Trust.AdministratorListMessage)).Administrators;

    public Task<StoreMessage> StoreAsync() => GetAsync("cluster/store", StoreMessageJson.Default.StoreMessage);

    /// <summary>Ends when the state of the cluster is in the other store.</summary>
    public Task<StoreMessage> MoveStoreAsync(MoveStoreMessage target) => SendAsync(
        new HttpRequestMessage(HttpMethod.Put, "cluster/store")
        {
            Content = JsonContent.Create(target, StoreMessageJson.Default.MoveStoreMessage),
        },
        StoreMessageJson.Default.StoreMessage);

    public Task RevokeAsync(string name) => SendAsync(
        new HttpRequestMessage(HttpMethod.Delete, $"cluster/administrators/{Uri.EscapeDataString(name)}"),
        Trust.DoneMessage);
}
