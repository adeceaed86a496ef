using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Features.Leases;

/// <summary>
/// What is known of one inode that somebody has open, uses or has a lease of. Under the lock of its shard.
/// </summary>
internal sealed class InodeLeases(Gfid gfid)
{
    public Gfid Gfid => gfid;

    public List<(Fd Fd, LeaseUser User, bool Writes)> Opens { get; } = [];

    /// <summary>Fops under way that change or read it without an open file.</summary>
    public List<(LeaseUser User, LeaseClash Clash)> Uses { get; } = [];

    public List<HeldLease> Held { get; } = [];

    /// <summary>Those first who have come first.</summary>
    public List<LeaseWait> Waits { get; } = [];

    /// <summary>The term of the log in which it was looked at last.</summary>
    public ulong Term { get; set; }

    /// <summary>Who has waited and is to come again has time for that until then.</summary>
    public long WantedUntilMs { get; set; }

    public bool IsIdle => Opens.Count + Uses.Count + Held.Count + Waits.Count == 0;

    public uint Type
    {
        get
        {
            var type = LeaseType.None;
            foreach (var held in Held)
            {
                type = Math.Max(type, held.Type);
            }

            return type;
        }
    }

    /// <summary>Somebody with another lease id holds a lease that is in the way.</summary>
    public bool IsInTheWay(in LeaseUser user, LeaseClash clash)
    {
        foreach (var held in Held)
        {
            if (held.IsInTheWay(in user, clash))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Nobody else has a lease, an open file or a fop under way that forbids the lease.</summary>
    public bool MayGrant(in LeaseUser user, uint type)
    {
        var isWhole = type == LeaseType.ReadWrite;
        if (Waits.Count > 0)
        {
            return false;
        }

        foreach (var held in Held)
        {
            if (held.IsRecalled || (!held.User.IsSame(in user) && (isWhole || held.Type == LeaseType.ReadWrite)))
            {
                return false;
            }
        }

        foreach (var open in Opens)
        {
            if (!open.User.IsSame(in user) && (isWhole || open.Writes))
            {
                return false;
            }
        }

        foreach (var use in Uses)
        {
            if (!use.User.IsSame(in user) && (isWhole || use.Clash == LeaseClash.Change))
            {
                return false;
            }
        }

        return true;
    }

    public HeldLease? Find(in LeaseUser user)
    {
        foreach (var held in Held)
        {
            if (held.User.IsSame(in user))
            {
                return held;
            }
        }

        return null;
    }

    /// <summary>
    /// It is open by the lease id of the user and over its connection. The proxy of a client has more than one when its
    /// graph was replaced.
    /// </summary>
    public bool HasOpen(in LeaseUser user)
    {
        foreach (var open in Opens)
        {
            if (open.User.IsSame(in user) && (ReferenceEquals(open.User.Client, user.Client)
                || (user.IsNamed && open.User.IsNamed && open.User.Epoch == user.Epoch)))
            {
                return true;
            }
        }

        return false;
    }
}

/// <summary>A lease, or two of different types, of one holder on one inode. Under the lock of its shard.</summary>
internal sealed class HeldLease(LeaseUser user)
{
    /// <summary>With the connection that a client behind a proxy has spoken by last.</summary>
    public LeaseUser User { get; set; } = user;

    /// <summary>When it was set; 0 when another server of the log has granted it.</summary>
    public long SinceMs { get; init; }

    /// <summary>When its holder left without a word; 0 for not.</summary>
    public long LeftMs { get; set; }

    /// <summary>How often each type was set and not given back.</summary>
    public int Reads { get; set; }

    public int Writes { get; set; }

    /// <summary>Set but not in the log yet.</summary>
    public int UnderWay { get; set; }

    public bool IsRecalled { get; set; }

    /// <summary>The recall was sent; a holder that is away is told when it is back.</summary>
    public bool IsTold { get; set; }

    /// <summary>When it is revoked, once its holder was told.</summary>
    public long UntilMs { get; set; } = long.MaxValue;

    /// <summary>The log is asked to end it.</summary>
    public bool IsEnding { get; set; }

    /// <summary>What it says comes from a proxy that its client has left since.</summary>
    public bool IsLate(in LeaseUser user) => User.IsNamed && user.Epoch < User.Epoch;

    public uint Type => Writes > 0 ? LeaseType.ReadWrite : Reads > 0 ? LeaseType.Read : LeaseType.None;

    public bool IsInTheWay(in LeaseUser other, LeaseClash clash) =>
        clash != LeaseClash.None && !User.IsSame(in other)
        && (clash == LeaseClash.Change || Writes > 0);

    public void Count(uint type, int by)
    {
        if (type == LeaseType.ReadWrite)
        {
            Writes = Math.Max(0, Writes + by);
        }
        else
        {
            Reads = Math.Max(0, Reads + by);
        }
    }
}

/// <summary>A fop that waits for leases of others. Ended once, by who takes it out of its list.</summary>
internal sealed class LeaseWait(Gfid gfid, LeaseUser user, LeaseClash clash, bool isUse)
{
    private readonly TaskCompletionSource<LeaseVerdict> _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Gfid Gfid => gfid;

    public LeaseUser User => user;

    public LeaseClash Clash => clash;

    /// <summary>It is under way without an open file, once it may go on.</summary>
    public bool IsUse => isUse;

    public Task<LeaseVerdict> Task => _end.Task;

    public void End(LeaseVerdict verdict) => _end.SetResult(verdict);
}
