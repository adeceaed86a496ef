using System;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>Where nodes and their trust are kept in the store of the cluster.</summary>
internal static class NodeKeys
{
    /// <summary>A member: <c>node/ID</c>, <see cref="NodeRecord"/>.</summary>
    public const string Nodes = "node/";

    /// <summary>A daemon that runs: <c>alive/ID</c>, <see cref="NodeLife"/>, by its lease.</summary>
    public const string Lives = "alive/";

    /// <summary>Number of the last node that joined, decimal text.</summary>
    public const string Sequence = "counter/node";

    /// <summary>Identity of the cluster, text of 36 characters. Made with the authority, never changed.</summary>
    public const string ClusterId = "cluster/id";

    /// <summary>Certificate of the authority, PEM.</summary>
    public const string Authority = "cluster/ca";

    /// <summary>Private key of the authority, PEM. Never logged and never answered by any service.</summary>
    public const string AuthorityKey = "cluster/ca-key";

    /// <summary>The secret of the join token. Never logged.</summary>
    public const string JoinSecret = "cluster/join";

    /// <summary>Certificates of administrators: <c>cluster/admin/NAME</c>.</summary>
    public const string Administrators = "cluster/admin/";

    /// <summary>Who this node is: <see cref="IdentityRecord"/>, in its own file.</summary>
    public const string LocalIdentity = "local/identity";

    /// <summary>A join that is under way or agreed on: <see cref="PendingJoin"/>, in the node's own file.</summary>
    public const string LocalJoin = "local/joining";

    /// <summary>The cluster that this node was detached from, text, in its own file.</summary>
    public const string LocalDetached = "local/detached";

    public static string Node(NodeId id) => Nodes + id;

    /// <summary>The condition that a node is a member.</summary>
    public static Condition Member(NodeId id) => Condition.Exists(Node(id));

    public static string Life(NodeId id) => Lives + id;

    public static string Administrator(string name) => Administrators + name;

    /// <summary>The node that a key names below <paramref name="prefix"/>; false for another key.</summary>
    public static bool TryParse(string key, string prefix, out NodeId id)
    {
        id = default;
        if (!key.StartsWith(prefix, StringComparison.Ordinal) || !Gfid.TryParse(key[prefix.Length..], out var value))
        {
            return false;
        }

        id = new NodeId(value);
        return true;
    }
}
