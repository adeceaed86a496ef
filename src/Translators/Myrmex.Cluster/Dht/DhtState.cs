using System;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>What is remembered of a file.</summary>
internal struct FileState
{
    /// <summary>Index of the subvolume with the data plus one; 0 when not known.</summary>
    public ushort Place;

    /// <summary>Sticky and set-group-id bits are the owner's own, not marks of a migration.</summary>
    public bool OwnsMarkBits;
}

/// <summary>What is remembered of a directory.</summary>
internal struct DirectoryState
{
    public Layout? Layout;

    /// <summary>Count of subvolume arrivals at the time of the look-up; see <c>Distribute.IsFresh</c>.</summary>
    public int Generation;

    public Gfid Parent;

    /// <summary>Last known name in <see cref="Parent"/>, null when never looked up by name.</summary>
    public byte[]? Name;
}

/// <summary>Where the last look-up of a name found it.</summary>
internal struct NameHint
{
    /// <summary>Check value against names that share the key.</summary>
    public ulong Check;

    public long StampNs;
    public Gfid Gfid;

    /// <summary>Index of the subvolume with the data plus one; 0 when it was not found.</summary>
    public ushort Place;

    /// <summary>Number of the layout with which it was not found anywhere, else 0.</summary>
    public long Layout;

    /// <summary>Key of a name in a directory, and the check value that belongs to it.</summary>
    public static Gfid KeyOf(in Gfid parent, ReadOnlySpan<byte> name, out ulong check)
    {
        var first = 0xCBF29CE484222325UL;
        var second = 0x9AE16A3B2F90404FUL;
        foreach (var b in name)
        {
            first = (first ^ b) * 0x100000001B3UL;
            second = ((second << 7) | (second >> 57)) + (b * 0x9E3779B97F4A7C15UL);
        }

        check = second ^ parent.High;
        return new Gfid(parent.High ^ first, parent.Low ^ (second * 0xD6E8FEB86659FD93UL));
    }
}
