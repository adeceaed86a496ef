using System;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// What a fop changes, as far as it says so itself: inodes by gfid, and names whose inodes it makes, takes or changes.
/// Nothing for a fop that only looks.
/// </summary>
public struct ChangedInodes
{
    private Gfid _first;
    private Gfid _second;

    /// <summary>Inodes named by gfid, at most two.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// A name that is made, taken away or given another inode; with a null parent there is none.
    /// </summary>
    public (Gfid Parent, Name Name) Target { get; private set; }

    /// <summary>The other name of RENAME, which is taken away; its inode changes.</summary>
    public (Gfid Parent, Name Name) Source { get; private set; }

    /// <summary>An inode that <see cref="Target"/> stands for changes.</summary>
    public bool ChangesTarget { get; private set; }

    /// <summary>The fop may change things that it does not name: whoever keeps anything drops all of it.</summary>
    public bool MayChangeAnything { get; private set; }

    public readonly bool IsNothing => Count == 0 && !MayChangeAnything;

    public readonly Gfid this[int index] => index == 0 ? _first : _second;

    public static ChangedInodes By<TFop>(in TFop fop)
        where TFop : struct
    {
        var changed = default(ChangedInodes);
        changed.AddNames(in fop);
        return changed;
    }

    private void AddNames<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case UnlinkFop f:
                Name(f.Parent, f.Name, changesTarget: true);
                break;
            case RmdirFop f:
                Name(f.Parent, f.Name, changesTarget: true);
                break;
            case RenameFop f:
                Name(f.NewParent, f.NewName, changesTarget: true);
                Source = (f.OldParent, f.OldName);
                Add(f.OldParent);
                break;
            case LinkFop f:
                Name(f.NewParent, f.NewName, changesTarget: false);
                Add(f.Gfid);
                break;
            case CreateFop f:
                Name(f.Parent, f.Name, (f.Flags & OpenFlags.Truncate) != 0);
                break;
            case PutFop f:
                Name(f.Parent, f.Name, changesTarget: true);
                break;
            default:
                AddNewNames(in fop);
                break;
        }
    }

    private void AddNewNames<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case MknodFop f:
                Name(f.Parent, f.Name, changesTarget: false);
                break;
            case MkdirFop f:
                Name(f.Parent, f.Name, changesTarget: false);
                break;
            case SymlinkFop f:
                Name(f.Parent, f.Name, changesTarget: false);
                break;
            case NamelinkFop f:
                Name(f.Parent, f.Name, changesTarget: false);
                break;
            default:
                AddData(in fop);
                break;
        }
    }

    private void AddData<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case OpenFop { Flags: var flags } f when (flags & OpenFlags.Truncate) != 0:
                Add(f.Gfid);
                break;
            case WriteFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case TruncateFop f:
                Add(f.Gfid);
                break;
            case FtruncateFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case FallocateFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case DiscardFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case ZerofillFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case CopyFileRangeFop f:
                Add(f.TargetFd.FileOf(f.Target));
                break;
            default:
                AddMetadata(in fop);
                break;
        }
    }

    private void AddMetadata<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case SetattrFop f:
                Add(f.Gfid);
                break;
            case FsetattrFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case SetxattrFop f:
                Xattrs(f.Gfid, f.Values);
                break;
            case FsetxattrFop f:
                Xattrs(f.Fd.FileOf(f.Gfid), f.Values);
                break;
            case XattropFop f:
                Add(f.Gfid);
                break;
            case FxattropFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case RemovexattrFop f:
                Add(f.Gfid);
                break;
            case FremovexattrFop f:
                Add(f.Fd.FileOf(f.Gfid));
                break;
            case IcreateFop f:
                Add(f.Gfid);
                break;
        }
    }

    /// <summary>
    /// A change of other names is an order to distribution or to a brick, which may do anything for it.
    /// </summary>
    private void Xattrs(in Gfid gfid, XData? values)
    {
        Add(gfid);
        if (values is null)
        {
            return;
        }

        foreach (var pair in values)
        {
            MayChangeAnything |= !pair.Key.StartsWith("user."u8) && !pair.Key.StartsWith("security."u8)
                && !pair.Key.StartsWith("system."u8);
        }
    }

    private void Name(in Gfid parent, in Name name, bool changesTarget)
    {
        Target = (parent, name);
        ChangesTarget = changesTarget;
        Add(parent);
    }

    private void Add(in Gfid gfid)
    {
        if (gfid.IsNull || (Count == 1 && gfid == _first))
        {
            return;
        }

        Invariant.Check(Count < 2);
        if (Count++ == 0)
        {
            _first = gfid;
        }
        else
        {
            _second = gfid;
        }
    }
}
