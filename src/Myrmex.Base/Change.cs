using System;

namespace Myrmex.Base;

/// <summary>
/// Which change of which client a fop belongs to: what lets a server that is asked a second time, perhaps through
/// another proxy, answer what came of the first time. Default for fops that nobody asks for again.
/// </summary>
/// <param name="Session">The client's session, 0 for none.</param>
/// <param name="Number">Number of the change in the session, from 1.</param>
/// <param name="AcknowledgedUpTo">The client has all outcomes up to this number and asks for none again.</param>
/// <param name="MayBeKnown">The client has asked before: servers may have seen the change, in whole or in part.</param>
public readonly record struct Change(UInt128 Session, ulong Number, ulong AcknowledgedUpTo, bool MayBeKnown)
{
    /// <summary>Label of a change that one fop makes.</summary>
    public const uint NoLabel = 0;

    /// <summary>
    /// Which step of the client's change this fop is. Together with session and number it names an outcome at the
    /// brick or replica set that the fop goes to; another run of the same change derives the same label.
    /// </summary>
    public uint Label { get; init; }

    /// <summary>
    /// Which run of a change that takes many steps; 0 for the first. Once another run has taken the change over at a
    /// server, fops of this one are refused there.
    /// </summary>
    public uint Run { get; init; }

    /// <summary>When the client sent the change for the first time, by the monotonic clock of this process.</summary>
    public long SentNs { get; init; }

    /// <summary>
    /// What another run has to know to go on from this step, kept with the outcome; null for nothing. Not changed.
    /// </summary>
    public byte[]? Note { get; init; }

    /// <summary>
    /// It may be answered before it is on a disk, where the volume allows that: who sends it sends FSYNC too, and does
    /// not answer that by itself.
    /// </summary>
    public bool FromMemory { get; init; }

    /// <summary>Nobody asks for it again.</summary>
    public bool IsNone => Session == 0;
}
