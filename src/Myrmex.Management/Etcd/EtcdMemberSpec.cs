using System;
using System.Text.Json;

namespace Myrmex.Management.Etcd;

/// <summary>
/// The member that this node runs, under <c>local/etcd</c>: with it a node starts its etcd before the store of the
/// cluster can be read.
/// </summary>
/// <param name="Directory">Name of its data directory: another member never gets the data of this one.</param>
/// <param name="MemberId">As in <see cref="EtcdDocumentMember.Id"/>; empty until a first member has told it.</param>
/// <param name="InitialCluster">What etcd is told at the first start: NAME=PEER-URL, separated by commas.</param>
/// <param name="IsNew">It is the first member of a new etcd, not one that joins others.</param>
internal sealed record EtcdMemberSpec(
    string Name, string Directory, string MemberId, string InitialCluster, bool IsNew)
{
    public const string Key = "local/etcd";

    /// <summary>Data directories are told by it from what else may be there.</summary>
    public const string DirectoryPrefix = "member-";

    /// <summary>
    /// It has had data. Without its data it must not start again: it would vote against what it has agreed to.
    /// </summary>
    public bool HasStarted { get; init; }

    /// <summary>The move of the store that it was made for and that is not finished; null in service.</summary>
    public string? Move { get; init; }

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EtcdJson.Default.EtcdMemberSpec);

    /// <summary>Throws <see cref="JsonException"/>.</summary>
    public static EtcdMemberSpec FromBytes(ReadOnlySpan<byte> bytes) =>
        JsonSerializer.Deserialize(bytes, EtcdJson.Default.EtcdMemberSpec) ?? throw new JsonException("no member");
}
