using System.Collections.Generic;
using System.IO;

namespace Myrmex.Management.Etcd;

/// <summary>What a node needs to run a member of etcd, and to use the etcd of the cluster.</summary>
public sealed record EtcdNodeOptions
{
    public const int DefaultPeerPort = 24012;
    public const int DefaultClientPort = 24011;

    /// <summary>Of this node, as in <see cref="ClusterNode.Id"/>.</summary>
    public required string NodeId { get; init; }

    /// <summary>Address or host name at which the others reach this node.</summary>
    public required string Address { get; init; }

    /// <summary>All of them, when there are more: the others may reach the node at another one.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Address that etcd listens on, of one interface or any; null for <see cref="Address"/>.</summary>
    public string? Bind { get; init; }

    /// <summary>
    /// Absolute path of what the daemon keeps: data is in <c>etcd</c> below it, the log in
    /// <c>log</c>.
    /// </summary>
    public required string WorkingDirectory { get; init; }

    public required NodeCertificates Certificates { get; init; }

    public int PeerPort { get; init; } = DefaultPeerPort;

    public int ClientPort { get; init; } = DefaultClientPort;

    /// <summary>Program of etcd: a path, or a name that is looked for where programs are.</summary>
    public string Program { get; init; } = "etcd";

    internal string DataDirectory => Path.Combine(WorkingDirectory, "etcd");

    internal string PidFile => Path.Combine(WorkingDirectory, "etcd.pid");

    internal string LogFile => Path.Combine(WorkingDirectory, "log", "etcd.log");

    internal ClusterNode Self => new(NodeId, Address, Order: 0, IsAlive: true)
    {
        PeerPort = PeerPort,
        ClientPort = ClientPort,
    };
}
