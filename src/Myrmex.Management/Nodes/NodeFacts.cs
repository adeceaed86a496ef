using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Myrmex.Management.Nodes;

/// <summary>What a machine says of itself: how it is called and how it is reached.</summary>
/// <param name="Addresses">Text, sorted.</param>
internal sealed record NodeFacts(string HostName, IReadOnlyList<string> Addresses, int ManagementPort, int NodePort)
{
    /// <summary>
    /// Those of this machine now: the bind address, or when it is any, those of all interfaces that reach further than
    /// this machine or this link.
    /// </summary>
    public static NodeFacts Read(string bind, int managementPort, int nodePort)
    {
        var facts = new NodeFacts(Dns.GetHostName(), AddressesOf(bind), managementPort, nodePort);
        return IsAny(bind) ? facts : facts with { OwnName = facts.Addresses[0] };
    }

    /// <summary>The same, whatever list it is in.</summary>
    public bool IsSameAs(NodeRecord record) =>
        HostName == record.HostName && Addresses.SequenceEqual(record.Addresses)
        && ManagementPort == record.ManagementPort && NodePort == record.NodePort;

    /// <summary>
    /// The name a node gives itself: its address when it serves on that alone or its host name says nothing, else its
    /// host name.
    /// </summary>
    public string OwnName { get; init; } = NodeNames.IsValid(HostName) && !NodeNames.IsLoopbackName(HostName)
        ? HostName : Addresses.FirstOrDefault() ?? HostName;

    /// <summary>
    /// The address of a node that is told to others who need one: an IPv4 one if there is, because that is what a
    /// daemon listens on that was not told otherwise. Null when there are none.
    /// </summary>
    public static string? First(IReadOnlyList<string> addresses) =>
        addresses.FirstOrDefault(a => IPAddress.TryParse(a, out var address)
            && address.AddressFamily == AddressFamily.InterNetwork) ?? addresses.FirstOrDefault();

    private static bool IsAny(string bind) => IPAddress.TryParse(bind, out var address)
        && (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any));

    private static List<string> AddressesOf(string bind)
    {
        if (!IsAny(bind))
        {
            return [IPAddress.TryParse(bind, out var address) ? address.ToString() : bind];
        }

        return
        [
            .. NetworkInterface.GetAllNetworkInterfaces()
                .Where(i => i.OperationalStatus == OperationalStatus.Up)
                .SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address)
                .Where(a => !IPAddress.IsLoopback(a) && !a.IsIPv6LinkLocal)
                .Select(a => a.ToString()).Distinct().Order(System.StringComparer.Ordinal)
                .Take(NodeLimits.CertificateAddressesMax / 2),
        ];
    }
}
