using System.Collections.Generic;
using System.Globalization;

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
    private const string MemberPingTimeout = "4";

    /// <summary>The options, without those that settings of the volume add.</summary>
    /// <param name="export">What to attach to on the host of the brick.</param>
    /// <param name="trusted">With the name and password that auth.allow does not limit.</param>
    /// <param name="managementPort">Where the daemon of the brick's host serves the port map.</param>
    public static List<KeyValuePair<string, string>> Options(
        Volume volume, Brick brick, string export, bool trusted, int managementPort)
    {
        var options = new List<KeyValuePair<string, string>>
        {
            new("remote-host", brick.Host),
            new("remote-subvolume", export),
            new("transport-type", "tcp"),
            new("send-gids", "true"),
        };
        if (managementPort != ClientVolfile.ManagementPortDefault)
        {
            options.Add(new("remote-port", managementPort.ToString(CultureInfo.InvariantCulture)));
        }

        if (trusted)
        {
            options.Add(new("username", volume.Username));
            options.Add(new("password", volume.Password));
        }

        if (volume.Setting("network.ping-timeout") is null)
        {
            // Without the option a client does not ping at all.
            var isMember = volume.HasJournals && export == brick.MemberExport;
            options.Add(new(
                "ping-timeout",
                isMember ? MemberPingTimeout : VolumeOptions.Effective(volume, "network.ping-timeout")));
        }

        return options;
    }
}
