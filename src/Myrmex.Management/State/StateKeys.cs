namespace Myrmex.Management.State;

/// <summary>
/// Where management keeps what. Keys below <c>local/</c> are always in the node's own file, all others in the store of
/// the cluster.
/// </summary>
internal static class StateKeys
{
    /// <summary>A volume: <c>volume/NAME</c>, JSON.</summary>
    public const string Volumes = "volume/";

    /// <summary>A command under way: <c>intent/NAME-OF-VOLUME</c>, JSON.</summary>
    public const string Intents = "intent/";

    /// <summary>Identity of the node that this working directory belongs to, text.</summary>
    public const string NodeId = "local/node-id";

    /// <summary>Port of this node's brick process, text.</summary>
    public const string BrickPort = "local/brick-port";

    public static string Volume(string name) => Volumes + name;

    public static string Intent(string name) => Intents + name;
}
