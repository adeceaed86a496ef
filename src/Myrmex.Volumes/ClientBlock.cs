using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>What the block of a protocol/client says, in the files of clients and in those of bricks.</summary>
internal static class ClientBlock
{
    public const string Type = "protocol/client";

    /// <summary>
    /// Seconds for connections to a member of a replica set, when nothing is set: another one can answer, and what was
    /// under way is sent again without harm, so nobody needs to wait for a silent one as long as for the only one there
    /// is.
    /// </summary>
    internal const string MemberPingTimeout = "4";

    private const string PingTimeoutKey = "network.ping-timeout";

    /// <summary>The options for a brick, without those that settings of the volume add.</summary>
    /// <param name="export">What to attach to on the host of the brick.</param>
    /// <param name="trusted">With the name and password that auth.allow does not limit.</param>
    /// <param name="managementPort">Where the daemon of the brick's host serves the port map.</param>
    public static List<KeyValuePair<string, string>> Options(
        Volume volume, Brick brick, string export, bool trusted, int managementPort)
    {
        var isMember = volume.HasJournals && export == brick.MemberExport;
        return Options(volume, brick.Host, export, trusted, managementPort, isMember ? MemberPingTimeout : null);
    }

    /// <summary>The options, without those that settings of the volume add.</summary>
    /// <param name="host">Null for the one that the volume file comes from.</param>
    /// <param name="export">What to attach to there.</param>
    /// <param name="trusted">With the name and password that auth.allow does not limit.</param>
    /// <param name="managementPort">Where the daemon of the host serves the port map.</param>
    /// <param name="pingTimeout">Seconds when nothing is set; null for what all clients have.</param>
    public static List<KeyValuePair<string, string>> Options(
        Volume volume, string? host, string export, bool trusted, int managementPort, string? pingTimeout)
    {
        var options = new List<KeyValuePair<string, string>>();
        if (host is not null)
        {
            options.Add(new("remote-host", host));
        }

        options.AddRange(
        [
            new("remote-subvolume", export),
            new("transport-type", "tcp"),
            new("send-gids", "true"),
        ]);
        if (managementPort != ClientVolfile.ManagementPortDefault)
        {
            options.Add(new("remote-port", managementPort.ToString(CultureInfo.InvariantCulture)));
        }

        if (trusted)
        {
            options.Add(new("username", volume.Username));
            options.Add(new("password", volume.Password));
        }

        if (volume.Setting(PingTimeoutKey) is null)
        {
            // Without the option a client does not ping at all.
            options.Add(new("ping-timeout", pingTimeout ?? VolumeOptions.Effective(volume, PingTimeoutKey)));
        }

        return options;
    }

    /// <summary>
    /// The block of a server that is a client of a brick. It speaks TLS exactly when bricks demand it, whatever other
    /// clients do; all else that is set for connections of clients counts for it too.
    /// </summary>
    public static void AddOfServer(
        VolfileDocument file, Volume volume, string name, Brick brick, string export, int managementPort)
    {
        const string Ssl = "transport.socket.ssl-enabled";
        var options = Options(volume, brick, export, trusted: true, managementPort);
        options.AddRange(VolumeOptions.For(volume, GraphSide.Client, Type).Where(o => o.Key != Ssl));
        if (volume.Setting(VolumeOptions.ServerSsl) is { } ssl)
        {
            options.Add(new(Ssl, ssl));
        }

        file.Add(name, Type).Options.AddRange(options);
    }
}
