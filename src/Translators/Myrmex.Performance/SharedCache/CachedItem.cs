using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// One answer that is kept. It belongs to an inode, is in the order of use, and in the table by its key. Guarded by the
/// lock of the store.
/// </summary>
internal abstract class CachedItem : Used<CachedItem>
{
    /// <summary>What an item costs besides its bytes: objects and places in tables.</summary>
    protected const int Overhead = 256;

    public ulong Key { get; init; }

    public required CachedInode Owner { get; init; }

    /// <summary>Not answered after that, by the clock of leases.</summary>
    public required long ExpiresNs { get; init; }

    /// <summary>Bytes of memory.</summary>
    public abstract int Cost { get; }

    public CachedItem? NextOfOwner { get; set; }

    public CachedItem? PreviousOfOwner { get; set; }

    /// <summary>It is out of all tables.</summary>
    public virtual void Free()
    {
    }
}

/// <summary>The answer to a LOOKUP: of a name in the owner, or of the owner itself.</summary>
internal sealed class CachedLookup : CachedItem
{
    /// <summary>Empty for a look at the inode itself.</summary>
    public required byte[] Name { get; init; }

    /// <summary>The request's dictionary.</summary>
    public required byte[] Request { get; init; }

    /// <summary>What the name stands for; null when there is nothing.</summary>
    public required CachedInode? Child { get; init; }

    public Iatt Iatt { get; init; }

    public Iatt PostParent { get; init; }

    /// <summary>The answer's dictionary; null for none.</summary>
    public byte[]? Answer { get; init; }

    public int AnswerCount { get; init; }

    public override int Cost => Overhead + (2 * Iatt.WireSize) + Name.Length + Request.Length + (Answer?.Length ?? 0);
}

/// <summary>The answer to STAT and FSTAT.</summary>
internal sealed class CachedStat : CachedItem
{
    public Iatt Iatt { get; init; }

    public override int Cost => Overhead + Iatt.WireSize;
}

/// <summary>The answer to GETXATTR and FGETXATTR of one name.</summary>
internal sealed class CachedXattr : CachedItem
{
    public required byte[] Name { get; init; }

    /// <summary>The dictionary of the answer; null for ENODATA.</summary>
    public byte[]? Values { get; init; }

    public int ValueCount { get; init; }

    public int OpRet { get; init; }

    /// <summary>The dictionary of another answer; its owner releases it.</summary>
    public XData? NewValues()
    {
        if (Values is null)
        {
            return null;
        }

        var values = XData.Rent();
        values.TryLoad(Values, ValueCount);
        return values;
    }

    public override int Cost => Overhead + Name.Length + (Values?.Length ?? 0);
}

/// <summary>A page of content; the last page of a file is as long as what is left of it.</summary>
internal sealed class CachedPage : CachedItem
{
    public required long Index { get; init; }

    /// <summary>Owned.</summary>
    public required Payload Data { get; init; }

    /// <summary>The attributes that came with it.</summary>
    public Iatt Iatt { get; init; }

    public override int Cost => Overhead + Iatt.WireSize + (Data.Buffer?.Capacity ?? 0);

    public override void Free() => Data.Release();
}

/// <summary>
/// An inode of which something is kept, or that a kept name stands for. When it changes it is gone, with all that is
/// its own, and another one takes its place: what refers to it finds that out.
/// </summary>
internal sealed class CachedInode(Gfid gfid)
{
    public Gfid Gfid => gfid;

    public bool IsGone { get; set; }

    /// <summary>Kept names that stand for it.</summary>
    public int References { get; set; }

    public CachedItem? First { get; set; }
}

/// <summary>A look on its way down, whose answer may be kept.</summary>
/// <param name="Since">Its place in the order of looks and changes.</param>
/// <param name="Era">Of the leases under which it was begun.</param>
/// <param name="BeganNs">When, by the clock of leases.</param>
internal readonly record struct CacheLook(long Since, long Era, long BeganNs);
