using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>
/// A fixed number of locks that stand for all names, or all inodes, of a brick. They are held across system calls: what
/// they guard is on disk. Order: names by index, then an inode; nothing else is taken while an inode is held.
/// </summary>
internal sealed class LockStripes
{
    private readonly Lock[] _locks = new Lock[PosixLimits.LockStripes];

    public LockStripes()
    {
        for (var i = 0; i < _locks.Length; i++)
        {
            _locks[i] = new Lock();
        }
    }

    public Lock Of(in Gfid gfid) => _locks[(uint)gfid.GetHashCode() % (uint)_locks.Length];

    public Lock Of(in Gfid parent, ReadOnlySpan<byte> name) => _locks[IndexOf(parent, name)];

    /// <summary>
    /// The two locks of a rename, in the order in which they must be taken; perhaps one and the same.
    /// </summary>
    public (Lock First, Lock Second) Of(
        in Gfid parent, ReadOnlySpan<byte> name, in Gfid otherParent, ReadOnlySpan<byte> otherName)
    {
        var a = IndexOf(parent, name);
        var b = IndexOf(otherParent, otherName);
        return a <= b ? (_locks[a], _locks[b]) : (_locks[b], _locks[a]);
    }

    private uint IndexOf(in Gfid parent, ReadOnlySpan<byte> name)
    {
        var hash = (ulong)parent.GetHashCode() ^ 0xCBF29CE484222325UL;
        foreach (var b in name)
        {
            hash = (hash ^ b) * 0x100000001B3UL;
        }

        return (uint)((hash ^ (hash >> 32)) % (ulong)_locks.Length);
    }
}
