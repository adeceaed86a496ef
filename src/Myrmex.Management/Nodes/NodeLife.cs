using System;
using System.Text.Json;

namespace Myrmex.Management.Nodes;

/// <summary>
/// Shows that the daemon of a node runs, under <c>alive/ID</c> and bound to the node's lease: the key goes when the
/// daemon has not been heard of for <see cref="NodeLimits.LeaseSeconds"/>.
/// </summary>
/// <param name="Pid">Of the daemon, on its own machine.</param>
/// <param name="Instance">Of this run of the daemon, 36 characters: it is another one after a restart.</param>
/// <param name="Version">Of Myrmex.</param>
/// <param name="StartedUnixMs">Milliseconds since 1970, by the clock of the node.</param>
internal sealed record NodeLife(int Pid, string Instance, string Version, long StartedUnixMs)
{
    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, NodeJson.Default.NodeLife);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static NodeLife FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, NodeJson.Default.NodeLife) ?? throw new JsonException("no life of a node");
}
