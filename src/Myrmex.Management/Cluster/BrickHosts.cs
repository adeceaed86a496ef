using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Nodes;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>Which node the host of a brick leads to.</summary>
internal sealed class BrickHosts(NodeDirectory directory, LocalNode local)
{
    /// <summary>
    /// Null when it leads to no node of the cluster. "localhost" and its addresses are a node only when there is no
    /// other: to everyone else they lead elsewhere.
    /// </summary>
    public async Task<NodeId?> FindAsync(string host, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Limits.ResolveMs);
        try
        {
            var isLoopback = host == "localhost" || (IPAddress.TryParse(host, out var at) && IPAddress.IsLoopback(at));
            if (!isLoopback || directory.FindName(host) is not null)
            {
                var found = await directory.ResolveAsync(host, limit.Token);
                return found is not null || directory.All.Count > 1 ? found?.Id : await LocalAsync(host, limit.Token);
            }

            return directory.All.Count <= 1 ? await LocalAsync(host, limit.Token) : throw new CommandException(
                CommandFailure.Invalid,
                "Please provide a valid hostname/ip other than localhost, 127.0.0.1 or loopback address "
                + "(0.0.0.0 to 0.255.255.255).");
        }
        catch (System.OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    private async Task<NodeId?> LocalAsync(string host, CancellationToken cancellation) =>
        await local.IsLocalAsync(host, cancellation) ? local.Id : null;
}
