using Myrmex.Base;

namespace Myrmex.Features.Upcall;

/// <summary>The inodes that a fop looks at (flags 0) or changes, as far as they are known before it is done.</summary>
internal struct Touched
{
    private (Gfid Gfid, uint Flags) _first;
    private (Gfid Gfid, uint Flags) _second;

    public int Count { get; private set; }

    /// <summary>A name in a directory whose inode loses it by the fop.</summary>
    public (Gfid Parent, Name Name) Victim { get; private set; }

    /// <summary>What becomes of the inode that the answer names.</summary>
    public uint AnswerFlags { get; private set; }

    public readonly (Gfid Gfid, uint Flags) this[int index] => index == 0 ? _first : _second;

    /// <summary>Nothing for fops that neither show nor change anything that clients keep.</summary>
    public static Touched By<TFop>(in TFop fop)
        where TFop : struct
    {
        var touched = default(Touched);
        switch (fop)
        {
            case LookupFop f:
                touched.Add(f.Parent, 0);
                touched.Add(f.Gfid, 0);
                break;
            case UnlinkFop f:
                touched.Add(f.Parent, UpcallFlags.OfNames);
                touched.Victim = (f.Parent, f.Name);
                break;
            case RmdirFop f:
                touched.Add(f.Parent, UpcallFlags.OfNames);
                touched.Victim = (f.Parent, f.Name);
                break;
            case RenameFop f:
                touched.Add(f.OldParent, UpcallFlags.OfNames);
                touched.Add(f.NewParent == f.OldParent ? Gfid.Null : f.NewParent, UpcallFlags.OfNames);
                touched.Victim = (f.NewParent, f.NewName);
                touched.AnswerFlags = UpcallFlags.OfRename;
                break;
            case LinkFop f:
                touched.Add(f.Gfid, UpcallFlags.OfLink);
                touched.Add(f.NewParent, UpcallFlags.OfNames);
                break;
            case CopyFileRangeFop f:
                touched.Add(f.Source, 0);
                touched.Add(f.Target, UpcallFlags.OfWrite);
                break;
            case CreateFop { Flags: var flags } f:
                touched.Add(f.Parent, UpcallFlags.OfNames);
                touched.AnswerFlags = (flags & OpenFlags.Truncate) != 0 ? UpcallFlags.OfWrite : 0;
                break;
            default:
                touched.AddPlain(in fop);
                break;
        }

        return touched;
    }

    private void AddPlain<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case MknodFop f:
                Add(f.Parent, UpcallFlags.OfNames);
                break;
            case MkdirFop f:
                Add(f.Parent, UpcallFlags.OfNames);
                break;
            case SymlinkFop f:
                Add(f.Parent, UpcallFlags.OfNames);
                break;
            case PutFop f:
                Add(f.Parent, UpcallFlags.OfNames);
                AnswerFlags = UpcallFlags.OfWrite;
                break;
            case NamelinkFop f:
                Add(f.Parent, UpcallFlags.OfNames);
                break;
            case OpenFop f:
                Add(f.Gfid, (f.Flags & OpenFlags.Truncate) != 0 ? UpcallFlags.OfWrite : 0);
                break;
            case SetattrFop f:
                Add(f.Gfid, UpcallFlags.OfAttributes);
                break;
            case FsetattrFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfAttributes);
                break;
            default:
                AddOther(in fop);
                break;
        }
    }

    private void AddOther<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case WriteFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfWrite);
                break;
            case TruncateFop f:
                Add(f.Gfid, UpcallFlags.OfWrite);
                break;
            case FtruncateFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfWrite);
                break;
            case FallocateFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfWrite);
                break;
            case DiscardFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfWrite);
                break;
            case ZerofillFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfWrite);
                break;
            case SetxattrFop f:
                Add(f.Gfid, UpcallFlags.OfXattr);
                break;
            case FsetxattrFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfXattr);
                break;
            case XattropFop f:
                Add(f.Gfid, UpcallFlags.OfXattr);
                break;
            case FxattropFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfXattr);
                break;
            case RemovexattrFop f:
                Add(f.Gfid, UpcallFlags.OfXattrRemoval);
                break;
            case FremovexattrFop f:
                Add(f.Fd.FileOf(f.Gfid), UpcallFlags.OfXattrRemoval);
                break;
            default:
                AddLook(in fop);
                break;
        }
    }

    private void AddLook<TFop>(in TFop fop)
        where TFop : struct
    {
        switch (fop)
        {
            case StatFop f:
                Add(f.Gfid, 0);
                break;
            case FstatFop f:
                Add(f.Fd.FileOf(f.Gfid), 0);
                break;
            case ReadFop f:
                Add(f.Fd.FileOf(f.Gfid), 0);
                break;
            case ReadlinkFop f:
                Add(f.Gfid, 0);
                break;
            case AccessFop f:
                Add(f.Gfid, 0);
                break;
            case GetxattrFop f:
                Add(f.Gfid, 0);
                break;
            case FgetxattrFop f:
                Add(f.Fd.FileOf(f.Gfid), 0);
                break;
            case ReaddirFop f:
                Add(f.Fd.FileOf(f.Gfid), 0);
                break;
            case ReaddirpFop f:
                Add(f.Fd.FileOf(f.Gfid), 0);
                break;
        }
    }

    private void Add(Gfid gfid, uint flags)
    {
        if (gfid.IsNull)
        {
            return;
        }

        Invariant.Check(Count < 2);
        if (Count++ == 0)
        {
            _first = (gfid, flags);
        }
        else
        {
            _second = (gfid, flags);
        }
    }
}
