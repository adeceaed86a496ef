using System;

namespace Myrmex.Base;

/// <summary>
/// What accompanies a fop besides its arguments: who asks, on whose behalf, for which lock owner, with which times.
/// Pooled; lives from decode to reply and is lent to every translator on the way. A translator that starts fops of its own
/// rents its own. Not changed by anyone below the one who rented it, except by <c>features/utime</c> for the times.
/// </summary>
public sealed class Call
{
    /// <summary>Most supplementary groups a call can carry over the wire. Source: 400-byte credential.</summary>
    public const int GroupsMax = 91;

    /// <summary>Most supplementary groups at all, for a server that finds them by itself. Source: NGROUPS_MAX.</summary>
    public const int ResolvedGroupsMax = 65536;

    private const int KeepGroupsMax = 1024;

    private uint[] _groups = new uint[GroupsMax];
    private readonly Fd _anonymous = Fd.Anonymous(Gfid.Null);
    private readonly Fd _anonymous2 = Fd.Anonymous(Gfid.Null);
    private int _groupCount;
    private bool _isReleased;

    /// <summary>Process id; negative for internal clients (-6 self-heal daemon, …), which bypass permission checks.</summary>
    public int Pid { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public LkOwner LockOwner { get; set; }

    public TimeFlags TimeFlags { get; set; }

    public long CtimeSeconds { get; set; }

    public uint CtimeNanoseconds { get; set; }

    /// <summary>Where the data of a write is on this machine's disk already; null for nowhere.</summary>
    public IStoredData? Stored { get; set; }

    /// <summary>The client at a server's door; null inside a client process.</summary>
    public ClientIdentity? Client { get; set; }

    /// <summary>Which change of the client it belongs to; none for what nobody asks for a second time.</summary>
    public Change Change { get; set; }

    public ReadOnlySpan<uint> Groups => _groups.AsSpan(0, _groupCount);

    public static Call Rent()
    {
        var call = Pool<Call>.Rent();
        call._isReleased = false;
        return call;
    }

    /// <summary>A call of the process itself, as root. Release it after the fop.</summary>
    public static Call Internal(int pid = -1)
    {
        var call = Rent();
        call.Pid = pid;
        return call;
    }

    /// <summary>Copies the groups, at most <see cref="ResolvedGroupsMax"/>; the rest is dropped.</summary>
    public void SetGroups(ReadOnlySpan<uint> groups)
    {
        _groupCount = Math.Min(groups.Length, ResolvedGroupsMax);
        if (_groupCount > _groups.Length)
        {
            _groups = new uint[_groupCount];
        }

        groups[.._groupCount].CopyTo(_groups);
    }

    /// <summary>Puts <paramref name="other"/> wherever <paramref name="group"/> is among the groups.</summary>
    public void ReplaceGroup(uint group, uint other) => _groups.AsSpan(0, _groupCount).Replace(group, other);

    public void CopyIdentityFrom(Call other)
    {
        Pid = other.Pid;
        Uid = other.Uid;
        Gid = other.Gid;
        LockOwner = other.LockOwner;
        TimeFlags = other.TimeFlags;
        CtimeSeconds = other.CtimeSeconds;
        CtimeNanoseconds = other.CtimeNanoseconds;
        Client = other.Client;
        Change = other.Change;
        SetGroups(other.Groups);
    }

    /// <summary>The call's own anonymous fd, valid until the call ends.</summary>
    public Fd AnonymousFd(Gfid gfid, uint flags = OpenFlags.ReadWrite)
    {
        _anonymous.PointTo(gfid, flags);
        return _anonymous;
    }

    /// <summary>A second one, for fops with two files.</summary>
    public Fd SecondAnonymousFd(Gfid gfid, uint flags = OpenFlags.ReadWrite)
    {
        _anonymous2.PointTo(gfid, flags);
        return _anonymous2;
    }

    /// <summary>Gives the call back; exactly once.</summary>
    public void Release()
    {
        Invariant.Check(!_isReleased);
        _isReleased = true;
        Pid = 0;
        Uid = 0;
        Gid = 0;
        LockOwner = default;
        TimeFlags = TimeFlags.None;
        CtimeSeconds = 0;
        CtimeNanoseconds = 0;
        Client = null;
        Stored = null;
        Change = default;
        _groupCount = 0;
        if (_groups.Length > KeepGroupsMax)
        {
            _groups = new uint[GroupsMax];
        }

        Pool<Call>.Return(this);
    }
}
