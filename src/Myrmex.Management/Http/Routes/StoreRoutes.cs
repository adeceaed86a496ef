using System;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Coordination.Etcd;
using Myrmex.Management.Etcd;

namespace Myrmex.Management.Http;

/// <summary>Where the state of the cluster is, and its move to another store.</summary>
internal sealed class StoreRoutes(ClusterStore cluster) : RestRoutes
{
    private const string Pattern = "/v1/cluster/store";

    public override void Map(RouteMap map)
    {
        map.Get(Pattern, "Where the state of the cluster is.", StoreMessageJson.Default.StoreMessage, _ => Describe());
        map.Change(
            "PUT", Pattern, "Moves the state of the cluster to another store.",
            StoreMessageJson.Default.MoveStoreMessage, StoreMessageJson.Default.StoreMessage, async (_, body) =>
            {
                await cluster.MoveAsync(Target(body), CancellationToken.None);
                return Describe();
            });
    }

    private static StoreChoice Target(MoveStoreMessage body)
    {
        if (body.Kind == "managed")
        {
            return StoreChoice.Managed();
        }

        if (body.Kind != "external" || string.IsNullOrEmpty(body.Endpoints))
        {
            throw new CommandException(
                CommandFailure.Invalid, "the state can be moved to 'managed', or to 'external' with endpoints");
        }

        try
        {
            var hasTls = (body.CaFile ?? body.CertificateFile) is not null;
            return StoreChoice.External(
                new EtcdOptions
                {
                    Endpoints = EtcdOptions.ParseEndpoints(body.Endpoints, hasTls),
                    Prefix = body.Prefix ?? EtcdOptions.DefaultPrefix,
                    CaFile = body.CaFile,
                    CertificateFile = body.CertificateFile,
                    KeyFile = body.KeyFile,
                    User = body.User,
                    Password = body.PasswordFile is { } file ? File.ReadLines(file).FirstOrDefault() : null,
                },
                body.PasswordFile);
        }
        catch (Exception e) when (
            e is FormatException or IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new CommandException(CommandFailure.Invalid, e.Message);
        }
    }

    private StoreMessage Describe() => new(
        cluster.Choice.Kind.ToString().ToLowerInvariant(),
        [.. (cluster.Choice.Endpoints ?? []).Select(e => e.ToString().TrimEnd('/'))], cluster.MemberState);
}
