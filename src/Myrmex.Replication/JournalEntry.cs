using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Replication;

/// <summary>
/// An entry of a journal in memory. <see cref="Meta"/> holds what the state machine above wrote (the fop with
/// absolute values and its result), <see cref="Data"/> the bulk bytes it refers to, if any; neither changes once the
/// entry is made. The entry owns one reference to its data; who keeps an entry beyond the call that lent it retains
/// the data.
/// </summary>
public sealed class JournalEntry(EntryHeader header, ReadOnlyMemory<byte> meta, Payload data)
{
    /// <summary>Bytes a meta part may have.</summary>
    public const int MetaMax = 1 << 20;

    private IStoredData? _stored;

    /// <summary>Bytes a data part may have.</summary>
    public const int DataMax = 64 << 20;

    public EntryHeader Header { get; } = header;

    public Term Term => Header.Term;

    public JournalIndex Index => Header.Index;

    public ReadOnlyMemory<byte> Meta { get; } = meta;

    public Payload Data { get; } = data;

    /// <summary>
    /// The first part of <see cref="Data"/> as it is in this member's journal, once that is durable; null for data that
    /// is small, or was never written here.
    /// </summary>
    public IStoredData? Stored
    {
        get => Volatile.Read(ref _stored);
        internal set => Volatile.Write(ref _stored, value);
    }
}
