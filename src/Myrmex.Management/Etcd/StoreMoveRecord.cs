using System;
using System.Text;
using System.Text.Json;
using Myrmex.Coordination;
using Myrmex.Management.State;

namespace Myrmex.Management.Etcd;

internal enum StoreMovePhase
{
    /// <summary>Nobody changes this store any more; it is copied.</summary>
    Copying,

    /// <summary>The cluster is in the other store, for good.</summary>
    Moved,
}

/// <summary>
/// A move of the cluster to another store, under <see cref="Key"/> in the store it leaves. While it is there every
/// change of this store is refused (<see cref="GuardedStore"/>). It is put once, becomes <see
/// cref="StoreMovePhase.Moved"/> in one transaction when the other store holds everything, or is deleted: then this
/// store goes on.
/// </summary>
/// <param name="Name">Of all moves out of this store.</param>
internal sealed record StoreMoveRecord(string Name, StoreMovePhase Phase, StoreChoice Target)
{
    public const string Key = "meta/moved-to";

    /// <summary>What keys of a move begin with; none of them is copied.</summary>
    public const string Meta = "meta/";

    /// <summary>The name of moves out of this store.</summary>
    public const string NameKey = "meta/move-name";

    /// <summary>Why the last move was taken back.</summary>
    public const string FailedKey = "meta/move-failed";

    /// <summary>Who does the move: one after the other.</summary>
    public const string MoverElection = "meta/mover";

    /// <summary>
    /// In the new store: the name of the move that made it, until the first daemon uses it. With it the store is whole
    /// and not in use.
    /// </summary>
    public const string FromKey = "meta/moved-from";

    /// <summary>In the new store: nodes that have come, each with the name of the move.</summary>
    public const string Switched = "meta/switched/";

    public byte[] ToBytes() => JsonSerializer.SerializeToUtf8Bytes(this, EtcdJson.Default.StoreMoveRecord);

    /// <summary>Throws <see cref="StateStoreException"/> when it cannot be read.</summary>
    public static StoreMoveRecord? From(StateEntry? entry)
    {
        try
        {
            return entry is null ? null
                : JsonSerializer.Deserialize(entry.Value.Span, EtcdJson.Default.StoreMoveRecord)
                    ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new StateStoreException($"{Key} is damaged: {e.Message}", e);
        }
    }

    /// <summary>What belongs to the cluster and not to a node or to a store.</summary>
    public static bool IsCopied(string key) => !StateKeys.IsLocal(key)
        && !key.StartsWith(Meta, StringComparison.Ordinal)
        && !key.StartsWith(EtcdDocument.Key, StringComparison.Ordinal);

    public static string Text(StateEntry? entry) =>
        entry is null ? string.Empty : Encoding.UTF8.GetString(entry.Value.Span);
}
