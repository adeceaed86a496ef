using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>What both stores decide alike.</summary>
internal static class StorageRules
{
    /// <summary>
    /// True when a write goes to the end of the file and not to its offset: the client's kernel has computed that from a
    /// size that may be old, and only here appends of several clients are put one behind the other. The flags of the open
    /// decide, not those of the write: a disperse graph opens bricks without O_APPEND, because it writes whole stripes, and
    /// hands the application's flags on with the write. Heal and rebalance put bytes where they are told.
    /// </summary>
    public static bool Appends(uint openFlags, Call call) => (openFlags & OpenFlags.Append) != 0 && call.Pid >= 0;
}
