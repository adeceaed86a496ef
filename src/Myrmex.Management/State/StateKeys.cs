using System;
using System.Collections.Generic;
using Myrmex.Coordination;
using Myrmex.Volumes;

namespace Myrmex.Management.State;

/// <summary>
/// Where management keeps what. Keys below <c>local/</c> are always in the node's own file, all others in the store of
/// the cluster. The list with the writers of each is in docs/reference/coordination.md.
/// </summary>
internal static class StateKeys
{
    /// <summary>A volume: <c>volume/NAME</c>, JSON.</summary>
    public const string Volumes = "volume/";

    /// <summary>A command under way: <c>op/ID</c>, JSON.</summary>
    public const string Ops = "op/";

    /// <summary>What a node did for a command: <c>part/OP/NODE</c>, JSON.</summary>
    public const string Parts = "part/";

    /// <summary>The op that may change a volume: <c>lock/volume/NAME</c>, its id.</summary>
    public const string VolumeLocks = "lock/volume/";

    /// <summary>What nodes do: <c>run/NODE</c>, JSON, with the node's lease.</summary>
    public const string Runs = "run/";

    /// <summary>What has happened: <c>event/SEQ</c>, JSON.</summary>
    public const string Events = "event/";

    /// <summary>Number of the last event, text.</summary>
    public const string EventCounter = "counter/event";

    /// <summary>Raised by everyone who takes brick directories, so that no two take the same; text.</summary>
    public const string BrickCounter = "counter/bricks";

    /// <summary>Options of the whole cluster: JSON object of texts.</summary>
    public const string ClusterOptions = "cluster/options";

    /// <summary>Identity of the node that this working directory belongs to, text.</summary>
    public const string NodeId = "local/node-id";

    /// <summary>Port of this node's brick process, text.</summary>
    public const string BrickPort = "local/brick-port";

    /// <summary>Port of this node's proxy, text.</summary>
    public const string ProxyPort = "local/proxy-port";

    private const string Local = "local/";
    private const string AfterLocal = "local0"; // The character after '/' is '0'.
    private const string First = "!";
    private const string LastCharacter = "~";

    /// <summary>Deletes all that a node's own file holds of a cluster; what is the node's stays.</summary>
    public static IReadOnlyList<Operation> DeletionOfCluster { get; } =
    [
        new Operation.Delete(KeyRange.Between(First, Local)),
        new Operation.Delete(KeyRange.Between(AfterLocal, LastCharacter)),
        new Operation.Delete(KeyRange.Prefix(LastCharacter)),
    ];

    public static bool IsLocal(string key) => key.StartsWith(Local, StringComparison.Ordinal);

    public static string Volume(string name) => Volumes + name;

    public static string Op(string id) => Ops + id;

    public static string PartsOf(string op) => $"{Parts}{op}/";

    public static string Part(string op, NodeId node) => PartsOf(op) + node;

    public static string VolumeLock(string volume) => VolumeLocks + volume;

    public static string Run(NodeId node) => Runs + node;
}
