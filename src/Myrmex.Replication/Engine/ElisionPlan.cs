using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Replication.Engine;

/// <summary>
/// Which entries of a stretch of the journal a member that is behind gets without their data, because entries of the
/// same stretch overwrite it. Not changed once it is made; good as long as the end of the stretch is committed.
/// </summary>
public sealed class ElisionPlan
{
    private readonly ulong[] _bits;
    private readonly Dictionary<ulong, byte[]> _some;

    internal ElisionPlan(
        JournalIndex after, JournalIndex through, ulong[] bits, Dictionary<ulong, byte[]> some)
    {
        (After, Through, _bits, _some) = (after, through, bits, some);
    }

    /// <summary>The entry before the stretch.</summary>
    public JournalIndex After { get; }

    /// <summary>Its last entry: the horizon of what is elided by the plan.</summary>
    public JournalIndex Through { get; }

    /// <summary>The entry goes without data.</summary>
    /// <param name="blocks">A bit for each block that it goes without; empty when it is all data.</param>
    public bool Elides(JournalIndex index, out ReadOnlySpan<byte> blocks)
    {
        blocks = _some.GetValueOrDefault(index.Value);
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
    private const int EntryCost = 64; // About, of one in a dictionary.

    private readonly byte[] _blocks = new byte[ElidedData.BlocksMax / 8];
    private readonly Dictionary<ulong, byte[]> _some = [];
    private long _someBytes;
    private readonly ulong[] _bits = new ulong[((through.Value - after.Value) / 64) + 1];

    /// <summary>The entry before the stretch.</summary>
    public JournalIndex After { get; } = after;

    /// <summary>The entry that comes next; <see cref="After"/> when all were taken.</summary>
    public JournalIndex Next { get; private set; } = through;

    /// <summary>The last entry of the stretch.</summary>
    public JournalIndex Through { get; } = through;

    /// <summary>Something could be elided.</summary>
    public bool HasAny { get; private set; }

    public bool IsOver => Next <= After;

    /// <summary>Takes the entry at <see cref="Next"/>.</summary>
    /// <param name="isElided">It is without its data here already.</param>
    public void Take(in EntryHeader header, ReadOnlySpan<byte> meta, int dataLength, bool isElided)
    {
        Invariant.Check(header.Index == Next && !IsOver);
        var blocks = _blocks.AsSpan(0, (ElidedData.BlocksOf(dataLength) + 7) / 8);
        blocks.Clear();
        var overwritten = machine.Take(header, meta, dataLength, blocks);
        if (!isElided && (overwritten == Overwritten.All
            || (overwritten == Overwritten.Some && _someBytes + blocks.Length <= Limits.PlanBlockBytesMax)))
        {
            var at = header.Index.Value - After.Value - 1;
            _bits[at / 64] |= 1UL << (int)(at % 64);
            HasAny = true;
            if (overwritten == Overwritten.Some)
            {
                _some.Add(header.Index.Value, blocks.ToArray());
                _someBytes += blocks.Length + EntryCost;
            }
        }

        Next = new JournalIndex(Next.Value - 1);
    }

    /// <summary>The plan for what was walked through: an entry that was not is sent as it is.</summary>
    public ElisionPlan Finish() => new(After, Through, _bits, _some);
}
