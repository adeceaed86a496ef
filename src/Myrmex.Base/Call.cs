using System;

namespace Myrmex.Base;

/// <summary>
/// What accompanies a fop besides its arguments: who asks, on whose behalf, for which lock owner, with which times.
/// Pooled; lives from decode to reply and is lent to every translator on the way. A translator that starts fops of its own
/// rents its own. Not changed by anyone below the one who rented it, except by <c>features/utime</c> for the times.
/// </summary>
public sealed class Call
{
    /// <summary>Most supplementary groups a call carries. Source: 400-byte credential.</summary>
    public const int GroupsMax = 91;

    private readonly uint[] _groups = new uint[GroupsMax];
    private readonly Fd _anonymous = Fd.Anonymous(Gfid.Null);
    private readonly Fd _anonymous2 = Fd.Anonymous(Gfid.Null);
    private int _groupCount;

    /// <summary>Process id; negative for internal clients (-6 self-heal daemon, …), which bypass permission checks.</summary>
    public int Pid { get; set; }

    public uint Uid { get; set; }

    public uint Gid { get; set; }

    public LkOwner LockOwner { get; set; }

    public TimeFlags TimeFlags { get; set; }

    public long CtimeSeconds { get; set; }

    public uint CtimeNanoseconds { get; set; }

    /// <summary>The client at a server's door; null inside a client process.</summary>
    public ClientIdentity? Client { get; set; }

    public ReadOnlySpan<uint> Groups => _groups.AsSpan(0, _groupCount);

    public static Call Rent() => Pool<Call>.Rent();

    /// <summary>A call of the process itself, as root. Release it after the fop.</summary>
    public static Call Internal(int pid = -1)
    {
        var call = Rent();
        call.Pid = pid;
        return call;
    }

    public void SetGroups(ReadOnlySpan<uint> groups)
    {
        _groupCount = Math.Min(groups.Length, GroupsMax);
        groups[.._groupCount].CopyTo(_groups);
    }

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

    public void Release()
    {
        Pid = 0;
        Uid = 0;
        Gid = 0;
        LockOwner = default;
        TimeFlags = TimeFlags.None;
        CtimeSeconds = 0;
        CtimeNanoseconds = 0;
        Client = null;
        _groupCount = 0;
        Pool<Call>.Return(this);
    }
}
