using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>Which fops tell a server that remembers outcomes what change they belong to.</summary>
internal static class ChangeSteps
{
    /// <summary>It changes something, or takes a lock for a change, and the server wants to know.</summary>
    public static bool Belongs<TFop, TReply>(in TFop fop, ClientAttachment attachment)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        attachment.KeepsOutcomes
        && (TFop.Code.Has(FopTraits.Mutates) || typeof(TFop) == typeof(InodelkFop) || typeof(TFop) == typeof(EntrylkFop)
            || (fop is OpenFop { Flags: var flags } && (flags & OpenFlags.Truncate) != 0))
        && !(TFop.XDataOf(in fop) is { Count: > 0 } xdata && xdata.Contains(ChangeRecord.Key));

    /// <summary>An IPC that only servers understand which remember outcomes.</summary>
    public static bool IsForOutcomes<TFop>(in TFop fop)
        where TFop : struct =>
        typeof(TFop) == typeof(IpcFop)
        && fop is IpcFop { Operation: ChangeRecord.TakeOver or ChangeRecord.FreeLocks or ChangeRecord.LeaveSession };
}
