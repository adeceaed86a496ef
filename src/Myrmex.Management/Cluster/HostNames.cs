using System;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>Which node a name or address leads to.</summary>
internal sealed class HostNames(ClusterView view, LocalNode local)
{
    /// <summary>
    /// Null when it leads to no node of the cluster. "localhost" and its addresses are a node only when there is no
    /// other: to everyone else they lead elsewhere.
    /// </summary>
    public async Task<NodeId?> FindAsync(string host, CancellationToken cancellation)
    {
        var nodes = view.Nodes.Rows.Values.Select(r => r.Value).ToList();
        if (nodes.FirstOrDefault(n => n.HasName(host) || n.Addresses.Contains(host)) is { } named)
        {
            return named.Id;
        }

        if (nodes.Count <= 1)
        {
            return await local.IsLocalAsync(host, cancellation) ? local.Id : null;
        }

        if (host == "localhost" || (IPAddress.TryParse(host, out var literal) && IPAddress.IsLoopback(literal)))
        {
            throw new CommandException(
                CommandFailure.Invalid,
                "Please provide a valid hostname/ip other than localhost, 127.0.0.1 or loopback address "
                + "(0.0.0.0 to 0.255.255.255).");
        }

        var addresses = await ResolveAsync(host, cancellation);
        return addresses.Length == 0 ? null : nodes.FirstOrDefault(
            n => addresses.Any(a => n.Addresses.Contains(a.ToString())))?.Id;
    }

    private static async Task<IPAddress[]> ResolveAsync(string host, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limits.ResolveMs);
        try
        {
            return await Dns.GetHostAddressesAsync(host, limit.Token);
        }
        catch (Exception e) when (e is SocketException or ArgumentException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            return [];
        }
    }
}
