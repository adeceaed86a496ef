using System;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>
/// Which entries of a stretch of the journal a member that is behind gets without their data, because entries of the
/// same stretch overwrite it. Not changed once it is made; good as long as the end of the stretch is committed.
/// </summary>
public sealed class ElisionPlan
{
    private readonly ulong[] _bits;

    internal ElisionPlan(JournalIndex after, JournalIndex through, ulong[] bits)
    {
        (After, Through, _bits) = (after, through, bits);
    }

    /// <summary>The entry before the stretch.</summary>
    public JournalIndex After { get; }

    /// <summary>Its last entry: the horizon of what is elided by the plan.</summary>
    public JournalIndex Through { get; }

    /// <summary>The entry goes without its data.</summary>
    public bool Elides(JournalIndex index)
    {
        if (index <= After || index > Through)
        {
            return false;
        }

        var at = index.Value - After.Value - 1;
        return (_bits[at / 64] >> (int)(at % 64) & 1) != 0;
    }
}

/// <summary>
/// Makes an <see cref="ElisionPlan"/>: goes through a stretch from its end back and asks the state machine what is
/// overwritten.
/// </summary>
/// <param name="after">The entry before the stretch.</param>
/// <param name="through">Its last one.</param>
/// <param name="machine">Knows what entries overwrite.</param>
public sealed class ElisionWalk(JournalIndex after, JournalIndex through, IElision machine)
{
    private readonly ulong[] _bits = new ulong[((through.Value - after.Value) / 64) + 1];

    /// <summary>The entry before the stretch.</summary>
    public JournalIndex After { get; } = after;

    /// <summary>The entry that comes next; <see cref="After"/> when all were taken.</summary>
    public JournalIndex Next { get; private set; } = through;

    /// <summary>The last entry of the stretch.</summary>
    public JournalIndex Through { get; } = through;

    /// <summary>Bytes of data that need not be sent.</summary>
    public long SavedBytes { get; private set; }

    /// <summary>Something could be elided.</summary>
    public bool HasAny { get; private set; }

    public bool IsOver => Next <= After;

    /// <summary>Takes the entry at <see cref="Next"/>.</summary>
    /// <param name="isElided">It is without its data here already.</param>
    public void Take(in EntryHeader header, ReadOnlySpan<byte> meta, int dataLength, bool isElided)
    {
        Invariant.Check(header.Index == Next && !IsOver);
        if (machine.IsOverwritten(header, meta, dataLength) && !isElided)
        {
            var at = header.Index.Value - After.Value - 1;
            _bits[at / 64] |= 1UL << (int)(at % 64);
            SavedBytes += dataLength;
            HasAny = true;
        }

        Next = new JournalIndex(Next.Value - 1);
    }

    /// <summary>The plan for what was walked through: an entry that was not is sent as it is.</summary>
    public ElisionPlan Finish() => new(After, Through, _bits);
}
