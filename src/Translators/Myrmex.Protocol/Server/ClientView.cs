using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Protocol;

/// <summary>One attached client, for administrators.</summary>
/// <param name="Address">HOST:PORT of its end of the connection.</param>
/// <param name="Uid">The process-uuid it sent with SETVOLUME.</param>
/// <param name="ProcessName">fuse, gfapi, glustershd, …; empty when it did not say.</param>
/// <param name="OpVersion">The GlusterFS feature level it has; 0 when it did not say.</param>
/// <param name="ConnectedWallNs">When it attached, nanoseconds since 1970.</param>
/// <param name="ReceivedBytes">Bytes that came from it.</param>
/// <param name="SentBytes">Bytes that were queued for it.</param>
/// <param name="FdCount">Open files and directories.</param>
/// <param name="Fds">The first of them.</param>
public sealed record ClientView(
    string Address, string Uid, string User, string ProcessName, int OpVersion, long ConnectedWallNs,
    long ReceivedBytes, long SentBytes, int FdCount, IReadOnlyList<FdView> Fds)
{
    /// <summary>It goes to another server when this one drains.</summary>
    public bool FollowsDrain { get; init; }

    /// <summary>It has files open or fops under way, or has sent a fop within the last seconds.</summary>
    public bool IsInUse { get; init; }
}

/// <summary>One open file of a client.</summary>
public readonly record struct FdView(long Number, Gfid Gfid, uint Flags, bool IsDirectory);

/// <summary>One call under way. A call may end, and its object serve another, while it is looked at.</summary>
/// <param name="AgeNs">Time since it came.</param>
public readonly record struct CallView(
    uint Xid, FopCode Fop, uint Uid, uint Gid, int Pid, long AgeNs, string Client);
