using Myrmex.Base;

namespace Myrmex.Features.Leases;

/// <summary>
/// The files that a fop uses in a way that leases are about: two that it names, and two that it finds by their names.
/// OPEN and CREATE are treated apart. Source: docs/reference/leases.md.
/// </summary>
internal struct FileUses
{
    private (Gfid Gfid, LeaseClash Clash) _first;
    private (Gfid Gfid, LeaseClash Clash) _second;

    public int Count { get; private set; }

    /// <summary>The fd that it comes by; null for none.</summary>
    public Fd? Fd { get; private set; }

    /// <summary>Names whose inodes are changed; their parents are null for none.</summary>
    public (Gfid Parent, Name Name) Source { get; private set; }

    public (Gfid Parent, Name Name) Target { get; private set; }

    public readonly bool IsEmpty => Count == 0 && Source.Parent.IsNull && Target.Parent.IsNull;

    public readonly (Gfid Gfid, LeaseClash Clash) this[int index] => index == 0 ? _first : _second;

    public static FileUses By<TFop>(in TFop fop)
        where TFop : struct
    {
        var uses = default(FileUses);
        switch (fop)
        {
            case WriteFop f:
                uses.Add(f.Gfid, f.Fd, LeaseClash.Change);
                break;
            case ReadFop f:
                uses.Add(f.Gfid, f.Fd, LeaseClash.Read);
                break;
            case UnlinkFop f:
                uses.Target = (f.Parent, f.Name);
                break;
            case RenameFop f:
                uses.Source = (f.OldParent, f.OldName);
                uses.Target = (f.NewParent, f.NewName);
                break;
            case PutFop f:
                uses.Target = (f.Parent, f.Name);
                break;
            case LinkFop f:
                uses.Add(f.Gfid, fd: null, LeaseClash.Change);
                break;
            case CopyFileRangeFop f:
                uses.Add(f.Source, f.SourceFd, LeaseClash.Read);
                uses.Add(f.Target, f.TargetFd, LeaseClash.Change);
                break;
            default:
                uses.AddPlain(in fop);
                break;
        }

        return uses;
    }

    private void AddPlain<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case TruncateFop f:
                Add(f.Gfid, fd: null, LeaseClash.Change);
                break;
            case FtruncateFop f:
                Add(f.Gfid, f.Fd, LeaseClash.Change);
                break;
            case FallocateFop f:
                Add(f.Gfid, f.Fd, LeaseClash.Change);
                break;
            case DiscardFop f:
                Add(f.Gfid, f.Fd, LeaseClash.Change);
                break;
            case ZerofillFop f:
                Add(f.Gfid, f.Fd, LeaseClash.Change);
                break;
            case SetattrFop f:
                Add(f.Gfid, fd: null, LeaseClash.Change);
                break;
            case FsetattrFop f:
                Add(f.Gfid, f.Fd, LeaseClash.Change);
                break;
            case LkFop { Command: not LockCommand.GetLock, Type: not LockType.Unlock } f:
                Add(f.Gfid, f.Fd, LeaseClash.Read);
                break;
        }
    }

    private void Add(Gfid gfid, Fd? fd, LeaseClash clash)
    {
        Fd ??= fd;
        gfid = fd?.FileOf(in gfid) ?? gfid;
        if (gfid.IsNull)
        {
            return;
        }

        Invariant.Check(Count < 2);
        if (Count++ == 0)
        {
            _first = (gfid, clash);
        }
        else
        {
            _second = (gfid, clash);
        }
    }
}
