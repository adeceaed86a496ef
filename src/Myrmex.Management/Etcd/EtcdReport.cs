using System;
using System.Text.Json;

namespace Myrmex.Management.Etcd;

internal enum EtcdTrouble
{
    /// <summary>The data of the member is gone: it must never vote again.</summary>
    DataLost,

    /// <summary>This node cannot run a member.</summary>
    CannotRun,
}

/// <summary>
/// What is wrong with the member of a node, under <c>cluster/etcd-trouble/NODE</c>; deleted when it is
/// over.
/// </summary>
/// <param name="MemberId">Of the member concerned, as in <see cref="EtcdDocumentMember.Id"/>; empty for none.</param>
internal sealed record EtcdReport(string Node, EtcdTrouble Trouble, string MemberId, string Reason)
{
    public const string Prefix = "cluster/etcd-trouble/";

    public static string KeyOf(string node) => Prefix + node;

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EtcdJson.Default.EtcdReport);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static EtcdReport FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, EtcdJson.Default.EtcdReport) ?? throw new JsonException("no report");
}
