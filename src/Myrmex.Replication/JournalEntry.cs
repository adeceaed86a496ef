using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Replication.Engine;

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

    /// <summary>Empty when it was elided.</summary>
    public Payload Data { get; } = data;

    /// <summary>What is known of the data where it is not there; null for an entry that is whole.</summary>
    public ElidedData? Elided { get; private init; }

    public bool IsElided => Elided is not null;

    /// <summary>Bytes of the data, whether they are there or not.</summary>
    public int DataLength => Elided?.Length ?? Data.Length;

    /// <summary>
    /// The first part of <see cref="Data"/> as it is in this member's journal, once that is durable; null for data that
    /// is small, or was never written here.
    /// </summary>
    public IStoredData? Stored
    {
        get => Volatile.Read(ref _stored);
        internal set => Volatile.Write(ref _stored, value);
    }

    /// <summary>An entry without its bytes.</summary>
    public static JournalEntry WithoutData(EntryHeader header, ReadOnlyMemory<byte> meta, ElidedData elided) =>
        new(header, meta, default) { Elided = elided };

    /// <summary>The same entry without its bytes, which committed entries up to an index overwrite.</summary>
    public JournalEntry WithoutData(JournalIndex through) =>
        WithoutData(Header, Meta, new ElidedData(EntryChain.Digest(Data.Span), Data.Length, through));
}
