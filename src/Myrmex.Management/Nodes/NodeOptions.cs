using System.IO;

namespace Myrmex.Management.Nodes;

/// <summary>What the daemon was started with, as far as nodes are concerned.</summary>
internal sealed record NodeOptions
{
    /// <summary>Absolute path of the daemon's working directory.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>Address that the daemon serves on: the address of one interface, or any.</summary>
    public string Bind { get; init; } = "0.0.0.0";

    /// <summary>Port of volume files that other nodes are told; the real one when 0 was asked for.</summary>
    public int ManagementPort { get; init; } = NodeLimits.ManagementPortDefault;

    /// <summary>Port for the other daemons; 0 for any that is free.</summary>
    public int NodePort { get; init; } = NodeLimits.NodePortDefault;

    /// <summary>File with the join token of the cluster that may probe this node; null for the usual one.</summary>
    public string? JoinTokenFile { get; init; }

    /// <summary>
    /// Joins work without a token when both sides have this: for networks in which no stranger can take an address.
    /// </summary>
    public bool AcceptAnyProbe { get; init; }

    public string Version { get; init; } = "0";

    public string IdentityDirectory => Path.Combine(WorkingDirectory, "identity");

    public string KeyFile => Path.Combine(IdentityDirectory, "node.key");

    public string CertificateFile => Path.Combine(IdentityDirectory, "node.pem");

    public string AuthorityFile => Path.Combine(IdentityDirectory, "ca.pem");

    public string TokenFile => JoinTokenFile ?? Path.Combine(WorkingDirectory, "join-token");
}
