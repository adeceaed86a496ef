using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>What became of an attempt to make files in the name of the caller.</summary>
internal enum IdSwitch
{
    /// <summary>The caller is root.</summary>
    NotNeeded,

    Done,

    /// <summary>The process may not: the new inode must be given to the caller afterwards.</summary>
    Failed,
}

/// <summary>
/// Lets this thread make inodes as the caller, so that owner, group and quota are right from the start. Capabilities
/// stay: who may do what is decided above this translator.
/// </summary>
internal static class CallerIds
{
    public static IdSwitch Enter(Call call)
    {
        if (call.Uid == 0 && call.Gid == 0)
        {
            return IdSwitch.NotNeeded;
        }

        if (!Sys.CanSwitchIds())
        {
            return IdSwitch.Failed;
        }

        Sys.SetFileSystemIds(call.Uid, call.Gid);
        return IdSwitch.Done;
    }

    /// <summary>To be called on the same thread before anything else is made.</summary>
    public static void Leave(IdSwitch state)
    {
        if (state == IdSwitch.Done)
        {
            Sys.SetFileSystemIds(0, 0);
        }
    }
}
