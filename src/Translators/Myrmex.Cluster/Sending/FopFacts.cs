using System.Runtime.CompilerServices;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// What has to be known of a fop to send it again. All of it is decided when the code is compiled for a fop.
/// </summary>
internal static class FopFacts
{
    /// <summary>Its arguments when it is of that kind; the caller has checked the type.</summary>
    public static ref readonly TWanted As<TFop, TWanted>(in TFop fop)
        where TFop : struct
        where TWanted : struct => ref Unsafe.As<TFop, TWanted>(ref Unsafe.AsRef(in fop));

    /// <summary>The same as a copy, and back.</summary>
    public static TWanted CopyAs<TFop, TWanted>(in TFop fop)
        where TFop : struct
        where TWanted : struct => As<TFop, TWanted>(in fop);

    /// <summary>Needs a number of the session, so that a second sending gets the outcome of the first.</summary>
    public static bool NeedsNumber<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        ChangesVolume<TFop, TReply>(in fop) && !HasOwnSession<TFop, TReply>(in fop);

    /// <summary>
    /// May be sent again when it is not known whether it took effect. Neither may what changes the volume without
    /// being in a session, nor what nobody here knows the meaning of, nor the beginning of a session: one that arrives
    /// late would begin a session anew that was thrown away, with its outcomes, since.
    /// </summary>
    public static bool MayRepeat<TFop, TReply>(in TFop fop, bool isNumbered)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        (typeof(TFop) != typeof(IpcFop) || As<TFop, IpcFop>(in fop).Operation == ChangeRecord.TakeOver)
        && (typeof(TFop) != typeof(LeaseFop) || isNumbered || AsksForLease(in fop))
        && typeof(TFop) != typeof(SetactivelkFop)
        && (isNumbered || !ChangesVolume<TFop, TReply>(in fop) || HasOwnSession<TFop, TReply>(in fop));

    /// <summary>LEASE that only asks what is held.</summary>
    private static bool AsksForLease<TFop>(in TFop fop)
        where TFop : struct => As<TFop, LeaseFop>(in fop).Lease.Command == LeaseCommand.Get;

    /// <summary>May wait for the disk when it is sent to a server of the own process.</summary>
    public static bool MayBlock(FopCode code) => code.Has(FopTraits.Blocks) || code.Has(FopTraits.Bulk);

    /// <summary>EAGAIN is an answer of the fop itself: the lock is not free.</summary>
    public static bool AnswersAgain<TFop>() =>
        typeof(TFop) == typeof(LkFop) || typeof(TFop) == typeof(LeaseFop) || IsInternalLock<TFop>();

    public static bool IsInternalLock<TFop>() =>
        typeof(TFop) == typeof(InodelkFop) || typeof(TFop) == typeof(FinodelkFop)
        || typeof(TFop) == typeof(EntrylkFop) || typeof(TFop) == typeof(FentrylkFop);

    /// <summary>It means something only together with the lock owner of the call.</summary>
    public static bool NamesOwner<TFop>() =>
        typeof(TFop) == typeof(LkFop) || typeof(TFop) == typeof(FlushFop) || IsInternalLock<TFop>();

    /// <summary>Bricks have to know whose it is: LEASE, and what opens a file by a lease id.</summary>
    public static bool IsAboutLeases<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        typeof(TFop) == typeof(LeaseFop)
        || ((typeof(TFop) == typeof(OpenFop) || typeof(TFop) == typeof(CreateFop))
            && !LeaseKeys.IdOf(TFop.XDataOf(in fop)).IsNull);

    public static bool IsListing<TFop>() => typeof(TFop) == typeof(ReaddirFop) || typeof(TFop) == typeof(ReaddirpFop);

    /// <summary>The fd that a fop opens; null for one that opens none.</summary>
    public static Fd? OpenedFd<TFop>(in TFop fop)
        where TFop : struct =>
        typeof(TFop) == typeof(OpenFop) ? As<TFop, OpenFop>(in fop).Fd
            : typeof(TFop) == typeof(OpendirFop) ? As<TFop, OpendirFop>(in fop).Fd
            : typeof(TFop) == typeof(CreateFop) ? As<TFop, CreateFop>(in fop).Fd
            : null;

    /// <summary>
    /// The lock of a LK that is to be remembered once it is granted, or forgotten when it is given up.
    /// </summary>
    public static bool TryPosixLock<TFop>(in TFop fop, out LkFop asked, out long end)
        where TFop : struct
    {
        asked = default;
        end = 0;
        if (typeof(TFop) != typeof(LkFop))
        {
            return false;
        }

        asked = As<TFop, LkFop>(in fop);
        return asked.Command is LockCommand.SetLock or LockCommand.SetLockWait
            && HeldLock.TryGetEnd(asked.Flock, out end);
    }

    /// <summary>OPEN changes the volume when it cuts the file.</summary>
    private static bool ChangesVolume<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        TFop.Code.Has(FopTraits.Mutates)
        || (typeof(TFop) == typeof(OpenFop) && (As<TFop, OpenFop>(in fop).Flags & OpenFlags.Truncate) != 0);

    private static bool HasOwnSession<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        TFop.XDataOf(in fop) is { Count: > 0 } xdata && xdata.Contains(ChangeRecord.Key);

    /// <summary>It may wait below for somebody else, as long as that likes.</summary>
    public static bool WaitsForOthers<TFop>(in TFop fop)
        where TFop : struct =>
        typeof(TFop) == typeof(LeaseFop) || IsInternalLock<TFop>()
        || (typeof(TFop) == typeof(LkFop) && As<TFop, LkFop>(in fop).Command == LockCommand.SetLockWait);

    /// <summary>Bytes that have to be kept until it is answered.</summary>
    public static long BytesOf<TFop>(in TFop fop)
        where TFop : struct =>
        typeof(TFop) == typeof(WriteFop) ? As<TFop, WriteFop>(in fop).Data.Length
            : typeof(TFop) == typeof(PutFop) ? As<TFop, PutFop>(in fop).Data.Length
            : 0;

    /// <summary>The file whose bytes it changes; the null gfid for any other fop.</summary>
    public static Gfid ChangedFile<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        typeof(TFop) == typeof(TruncateFop) ? As<TFop, TruncateFop>(in fop).Gfid
            : typeof(TFop) == typeof(CopyFileRangeFop) ? As<TFop, CopyFileRangeFop>(in fop).TargetFd.Gfid
            : TFop.Code.Has(FopTraits.Mutates) && TFop.FdOf(in fop) is { } fd && typeof(TFop) != typeof(CreateFop)
                ? fd.Gfid
            : Gfid.Null;

    /// <summary>It asks whether all changes of its fd have taken effect.</summary>
    public static bool AsksForChanges<TFop>() =>
        typeof(TFop) == typeof(FsyncFop) || typeof(TFop) == typeof(FlushFop);

    /// <summary>
    /// The objects that it touches: files and directories by gfid, names by their directory and text. Two fops whose
    /// order matters have one in common.
    /// </summary>
    public static ObjectKeys KeysOf<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var keys = default(ObjectKeys);
        if (TFop.Code.Has(FopTraits.Entry) || typeof(TFop) == typeof(LinkFop))
        {
            AddNames(in fop, ref keys);
        }
        else if (TFop.FdOf(in fop) is { } fd)
        {
            keys.Add(KeyOf(fd.Gfid, default));
            if (TFop.SecondFdOf(in fop) is { } second)
            {
                keys.Add(KeyOf(second.Gfid, default));
            }
        }
        else
        {
            AddFile(in fop, ref keys);
        }

        return keys;
    }

    private static void AddNames<TFop>(in TFop fop, ref ObjectKeys keys)
        where TFop : struct
    {
        if (typeof(TFop) == typeof(RenameFop))
        {
            ref readonly var f = ref As<TFop, RenameFop>(in fop);
            keys.Add(KeyOf(f.OldParent, f.OldName));
            keys.Add(KeyOf(f.NewParent, f.NewName));
        }
        else if (typeof(TFop) == typeof(LinkFop))
        {
            ref readonly var f = ref As<TFop, LinkFop>(in fop);
            keys.Add(KeyOf(f.NewParent, f.NewName));
            keys.Add(KeyOf(f.Gfid, default));
        }
        else if (typeof(TFop) == typeof(LookupFop))
        {
            ref readonly var f = ref As<TFop, LookupFop>(in fop);
            keys.Add(f.Name.IsEmpty ? KeyOf(f.Gfid, default) : KeyOf(f.Parent, f.Name));
        }
        else if (TryName(in fop, out var parent, out var name))
        {
            keys.Add(KeyOf(parent, name));
        }
    }

    private static bool TryName<TFop>(in TFop fop, out Gfid parent, out Name name)
        where TFop : struct
    {
        (parent, name) =
            typeof(TFop) == typeof(MknodFop) ? (As<TFop, MknodFop>(in fop).Parent, As<TFop, MknodFop>(in fop).Name)
            : typeof(TFop) == typeof(MkdirFop) ? (As<TFop, MkdirFop>(in fop).Parent, As<TFop, MkdirFop>(in fop).Name)
            : typeof(TFop) == typeof(UnlinkFop)
                ? (As<TFop, UnlinkFop>(in fop).Parent, As<TFop, UnlinkFop>(in fop).Name)
            : typeof(TFop) == typeof(RmdirFop) ? (As<TFop, RmdirFop>(in fop).Parent, As<TFop, RmdirFop>(in fop).Name)
            : typeof(TFop) == typeof(SymlinkFop)
                ? (As<TFop, SymlinkFop>(in fop).Parent, As<TFop, SymlinkFop>(in fop).Name)
            : typeof(TFop) == typeof(CreateFop)
                ? (As<TFop, CreateFop>(in fop).Parent, As<TFop, CreateFop>(in fop).Name)
            : typeof(TFop) == typeof(NamelinkFop)
                ? (As<TFop, NamelinkFop>(in fop).Parent, As<TFop, NamelinkFop>(in fop).Name)
            : typeof(TFop) == typeof(PutFop) ? (As<TFop, PutFop>(in fop).Parent, As<TFop, PutFop>(in fop).Name)
            : (Gfid.Null, default(Name));
        return !parent.IsNull;
    }

    /// <summary>A file that is named by its gfid alone.</summary>
    private static void AddFile<TFop>(in TFop fop, ref ObjectKeys keys)
        where TFop : struct
    {
        var gfid =
            typeof(TFop) == typeof(StatFop) ? As<TFop, StatFop>(in fop).Gfid
            : typeof(TFop) == typeof(ReadlinkFop) ? As<TFop, ReadlinkFop>(in fop).Gfid
            : typeof(TFop) == typeof(TruncateFop) ? As<TFop, TruncateFop>(in fop).Gfid
            : typeof(TFop) == typeof(SetxattrFop) ? As<TFop, SetxattrFop>(in fop).Gfid
            : typeof(TFop) == typeof(GetxattrFop) ? As<TFop, GetxattrFop>(in fop).Gfid
            : typeof(TFop) == typeof(RemovexattrFop) ? As<TFop, RemovexattrFop>(in fop).Gfid
            : typeof(TFop) == typeof(AccessFop) ? As<TFop, AccessFop>(in fop).Gfid
            : typeof(TFop) == typeof(XattropFop) ? As<TFop, XattropFop>(in fop).Gfid
            : typeof(TFop) == typeof(SetattrFop) ? As<TFop, SetattrFop>(in fop).Gfid
            : typeof(TFop) == typeof(OpenFop) ? As<TFop, OpenFop>(in fop).Gfid
            : typeof(TFop) == typeof(IcreateFop) ? As<TFop, IcreateFop>(in fop).Gfid
            : Gfid.Null;
        if (!gfid.IsNull)
        {
            keys.Add(KeyOf(gfid, default));
        }
    }

    private static ulong KeyOf(in Gfid gfid, Name name)
    {
        System.Span<byte> bytes = stackalloc byte[16];
        gfid.CopyTo(bytes);
        var hash = 0xCBF29CE484222325UL;
        foreach (var b in bytes)
        {
            hash = (hash ^ b) * 0x100000001B3UL;
        }

        foreach (var b in name.Span)
        {
            hash = (hash ^ b) * 0x100000001B3UL;
        }

        return hash;
    }
}
