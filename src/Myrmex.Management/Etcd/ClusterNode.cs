using System;
using System.Net;
using System.Net.Sockets;

namespace Myrmex.Management.Etcd;

/// <summary>A node of the cluster, as far as it concerns who runs etcd.</summary>
/// <param name="Id">Never changes, never used again.</param>
/// <param name="Address">Address or host name at which the others reach it; its certificate names it.</param>
/// <param name="Order">By age: the oldest has the smallest number.</param>
/// <param name="IsAlive">Its daemon runs.</param>
/// <param name="WantsMember">It may run a member of etcd.</param>
public sealed record ClusterNode(string Id, string Address, long Order, bool IsAlive, bool WantsMember = true)
{
    public int PeerPort { get; init; } = EtcdNodeOptions.DefaultPeerPort;

    public int ClientPort { get; init; } = EtcdNodeOptions.DefaultClientPort;

    /// <summary>Where the other members reach the one of this node.</summary>
    internal Uri PeerUrl => Url(Address, PeerPort);

    /// <summary>Where all daemons reach it.</summary>
    internal Uri ClientUrl => Url(Address, ClientPort);

    internal static Uri Url(string address, int port)
    {
        var isSix = IPAddress.TryParse(address, out var ip) && ip.AddressFamily == AddressFamily.InterNetworkV6;
        return new Uri(string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"https://{(isSix ? $"[{address}]" : address)}:{port}"));
    }
}
