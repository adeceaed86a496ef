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

    /// <summary>Without what was elided: the other blocks one after the other.</summary>
    public Payload Data { get; } = data;

    /// <summary>What is known of data that is not there; null for an entry that is whole.</summary>
    public ElidedData? Elided { get; private init; }

    public bool IsElided => Elided is not null;

    /// <summary>The same as bytes; none for an entry that is whole.</summary>
    public ReadOnlySpan<byte> ElidedBytes => Elided is { } elided ? elided.Encoded : [];

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
    /// <param name="data">Those blocks that are there, one after the other.</param>
    public static JournalEntry WithoutData(
        EntryHeader header, ReadOnlyMemory<byte> meta, ElidedData elided, Payload data = default)
    {
        Invariant.Check(data.Length == elided.PresentLength);
        return new JournalEntry(header, meta, data) { Elided = elided };
    }

    /// <summary>The same entry without its bytes, which committed entries up to an index overwrite.</summary>
    public JournalEntry WithoutData(JournalIndex through) =>
        WithoutData(Header, Meta, ElidedData.All(Data.Span, through));

    /// <summary>The same entry without some of its blocks. Its data is new, and the caller's to release.</summary>
    /// <param name="missing">A bit for each block: these, of which there are some, and others.</param>
    public JournalEntry WithoutBlocks(ReadOnlySpan<byte> missing, JournalIndex through)
    {
        var elided = ElidedData.Some(Data.Span, missing, through);
        var buffer = PayloadPool.Shared.Rent(elided.PresentLength);
        var target = buffer.GetSpan();
        for (var i = 0; i < ElidedData.BlocksOf(Data.Length); i++)
        {
            if (!elided.IsMissing(i))
            {
                Data.Span.Slice(i * ElidedData.BlockBytes, elided.LengthOf(i)).CopyTo(target);
                target = target[elided.LengthOf(i)..];
            }
        }

        return WithoutData(Header, Meta, elided, new Payload(buffer, 0, elided.PresentLength));
    }
}
