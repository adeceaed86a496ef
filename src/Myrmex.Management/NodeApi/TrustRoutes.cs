using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;
using Myrmex.Management.Nodes;

namespace Myrmex.Management.NodeApi;

/// <summary>How nodes come in by themselves, and certificates of administrators.</summary>
internal sealed class TrustRoutes(NodeServices nodes) : RestRoutes
{
    private static TrustMessageJson Json => TrustMessageJson.Default;

    public override void Map(RouteMap map)
    {
        MapJoining(map);
        MapAdministrators(map);
    }

    private void MapJoining(RouteMap map)
    {
        map.Change(
            "POST", "/v1/cluster/join", "Asks a member to take this node in.", Json.JoinClusterMessage,
            Json.DoneMessage,
            async (_, body) =>
            {
                await nodes.JoinAsync(body.Host ?? string.Empty, body.Token, CancellationToken.None);
                return new DoneMessage(body.Host ?? string.Empty);
            });
        // Not GET: a secret is not to be fetched by following a link, nor kept by a cache.
        map.Change(
            "POST", "/v1/cluster/token", "The join token.", Json.TokenMessage,
            async request => new TokenMessage(
                await nodes.Peers.TokenAsync(request.Flag("rotate"), CancellationToken.None)))
            .Flag("rotate", "Makes a new one first; the former no longer works.");
    }

    private void MapAdministrators(RouteMap map)
    {
        map.Get(
            "/v1/cluster/administrators", "The certificates of administrators.", Json.AdministratorListMessage,
            ListAsync);
        map.Change(
            "POST", "/v1/cluster/administrators", "Signs a certificate for an administrator.",
            Json.CertificateRequestMessage, Json.CertificateMessage,
            async (_, body) =>
            {
                var issued = await nodes.Administrators.IssueAsync(
                    body.Name ?? string.Empty, body.Request ?? string.Empty, CancellationToken.None);
                return new CertificateMessage(issued.Certificate, issued.Authority);
            });
        map.Change(
            "DELETE", "/v1/cluster/administrators/{name}", "Revokes a certificate.", Json.DoneMessage,
            async request =>
            {
                await nodes.Administrators.RevokeAsync(request.Path("name"), CancellationToken.None);
                return new DoneMessage(request.Path("name"));
            });
    }

    private async Task<AdministratorListMessage> ListAsync(RestRequest request)
    {
        var records = await nodes.Administrators.ListAsync(request.Aborted);
        return new AdministratorListMessage(
        [
            .. records.Select(r => new AdministratorMessage(r.Name, r.Fingerprint, r.IssuedUnixMs, r.EndsUnixMs)),
        ]);
    }
}
