using System;
using System.Collections.Generic;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.Volfiles;

/// <summary>
/// <c>volume statedump VOL client HOST:PID</c>: a state dump of a client of ours that has its volume file from this
/// daemon. Source: GlusterFS' command line, which means programs that use libgfapi; those are not asked.
/// </summary>
/// <param name="ask">Asks the client of a volume on a machine; false when there is none.</param>
/// <param name="nodeName">How this daemon's node is called.</param>
internal sealed class ClientDumps(Func<string, IReadOnlyList<IPAddress>, int, bool> ask, Func<string> nodeName)
{
    /// <summary>Throws <see cref="CommandException"/>.</summary>
    /// <param name="client">HOST:PID.</param>
    public async Task AskAsync(string volume, string client, CancellationToken cancellation)
    {
        var colon = client.LastIndexOf(':');
        if (colon <= 0 || !int.TryParse(
            client.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var pid) || pid == 0)
        {
            throw new CommandException(
                CommandFailure.Invalid, $"{client} is not a client",
                "Write HOST:PID, with the address of its machine and the number of its process there.");
        }

        if (!ask(volume, await AddressesOfAsync(client[..colon].Trim('[', ']'), cancellation), pid))
        {
            throw new CommandException(
                CommandFailure.NotFound,
                $"no client of volume {volume} with process {pid} on {client[..colon]} has its volume file from "
                + nodeName(),
                "Ask the node that the mount names first ('myrmex mount HOST:/VOL'); clients of GlusterFS cannot be "
                + "asked. SIGUSR1 to the process does the same.");
        }
    }

    private static async Task<IReadOnlyList<IPAddress>> AddressesOfAsync(string host, CancellationToken cancellation)
    {
        if (IPAddress.TryParse(host, out var address))
        {
            return [address];
        }

        try
        {
            return await Dns.GetHostAddressesAsync(host, cancellation);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            throw new CommandException(
                CommandFailure.NotFound, $"the address of host {host} is not known: {e.Message}");
        }
    }
}
