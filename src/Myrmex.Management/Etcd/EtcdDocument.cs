using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text.Json;

namespace Myrmex.Management.Etcd;

/// <summary>A member of the managed etcd, as all nodes know it.</summary>
/// <param name="Node">The node that runs it; empty when that is not known any more.</param>
/// <param name="Id">etcd's number for it, 16 hexadecimal digits.</param>
/// <param name="Name">etcd's name for it.</param>
internal sealed record EtcdDocumentMember(string Node, string Id, string Name, Uri Peer, Uri Client, bool IsLearner)
{
    public static string IdText(ulong id) => id.ToString("x16", CultureInfo.InvariantCulture);
}

/// <summary>
/// The members of the managed etcd, under <c>cluster/etcd</c>: made by the leader from etcd's own list whenever the two
/// differ. A node runs a member when it is here, and ends it when it is not.
/// </summary>
internal sealed record EtcdDocument(string Kind, IReadOnlyList<EtcdDocumentMember> Members)
{
    public const string Key = "cluster/etcd";
    public const string KindManaged = "managed";

    public static EtcdDocument Of(IEnumerable<EtcdDocumentMember> members) => new(
        KindManaged, [.. members.OrderBy(m => m.Id, StringComparer.Ordinal)]);

    /// <summary>Where daemons ask: the voters.</summary>
    public IReadOnlyList<Uri> Endpoints => [.. Members.Where(m => !m.IsLearner).Select(m => m.Client)];

    public EtcdDocumentMember? Find(string node) => Members.FirstOrDefault(m => m.Node == node);

    public bool IsSame(EtcdDocument? other) => other is not null && Kind == other.Kind
        && Members.SequenceEqual(other.Members);

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EtcdJson.Default.EtcdDocument);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static EtcdDocument FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, EtcdJson.Default.EtcdDocument) ?? throw new JsonException("no members");
}
