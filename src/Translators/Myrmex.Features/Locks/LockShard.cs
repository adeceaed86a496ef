using System.Threading;

namespace Myrmex.Features;

/// <summary>The domain locks of a part of the files, and the lock that serialises their steps.</summary>
internal sealed class LockShard
{
    /// <summary>Guards both tables; a leaf lock, held for memory work only.</summary>
    public Lock Guard { get; } = new();

    public DomainLockTable<RangeScope> Inodes { get; } = new();

    public DomainLockTable<NameScope> Entries { get; } = new();
}
