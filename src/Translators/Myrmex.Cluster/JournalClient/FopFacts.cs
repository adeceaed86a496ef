using System.Runtime.CompilerServices;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// What has to be known of a fop to send it again. All of it is decided when the code is compiled for a fop.
/// </summary>
internal static class FopFacts
{
    /// <summary>Its arguments when it is of that kind; the caller has checked the type.</summary>
    public static ref readonly TWanted As<TFop, TWanted>(in TFop fop)
        where TFop : struct
        where TWanted : struct => ref Unsafe.As<TFop, TWanted>(ref Unsafe.AsRef(in fop));

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
        typeof(TFop) != typeof(IpcFop) && typeof(TFop) != typeof(LeaseFop) && typeof(TFop) != typeof(SetactivelkFop)
        && (isNumbered || !ChangesVolume<TFop, TReply>(in fop) || HasOwnSession<TFop, TReply>(in fop));

    /// <summary>May wait for the disk when it is sent to a member of the own process.</summary>
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
        TFop.XDataOf(in fop) is { Count: > 0 } xdata && xdata.Contains(SessionKeys.Session);
}
