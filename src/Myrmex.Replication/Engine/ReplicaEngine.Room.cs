using System;

namespace Myrmex.Replication.Engine;

// Room on the disks. What is committed must take effect on every member, so the leader takes an operation only while
// all that is on its way fits on all disks, and a reserve stays free. A member that has used up its reserve, because
// something else filled its disk, is left behind as long as enough others have room: its journal still counts.
public sealed partial class ReplicaEngine
{
    private RoomReport _room = RoomReport.Unknown;
    private JournalIndex? _applied;

    /// <summary>What the driver has found out about the disk of the main store.</summary>
    /// <param name="bytes">
    /// Free beyond the reserve after all entries of the journal have taken effect; see <see cref="RoomReport"/>.
    /// </param>
    public void ReportRoom(long bytes, bool isOut, long nowMs)
    {
        _now = nowMs;
        _room = new RoomReport(bytes, _log.Last, isOut);
    }

    /// <summary>The main store has everything up to an entry. Who does not report has what is committed.</summary>
    public void ReportApplied(JournalIndex index)
    {
        _applied = index;
        TellApplied();
    }

    /// <summary>What is both in the main store, as far as is known, and committed.</summary>
    private JournalIndex AppliedHere => Min(_applied ?? _commit, _commit);

    /// <summary>Bytes that entries up to the last one are still going to take, from after an entry on.</summary>
    public long CostAfter(JournalIndex index) => _log.CostAfter(index);

    /// <summary>
    /// Who should lead instead of this leader, whose disk is full: one that could at once before all others. Null when
    /// nobody is better off.
    /// </summary>
    public MemberId? RoomierMember()
    {
        MemberId? best = null;
        foreach (var member in _role == ReplicaRole.Active ? Configuration!.AllMembers : MemberSet.Empty)
        {
            if (member != Self && MayLead(member) && Peer(member).Room is { IsOut: false } room
                && room != RoomReport.Unknown && (best is not { } other || IsAhead(member, other)))
            {
                best = member;
            }
        }

        return best;
    }

    private bool IsAhead(MemberId member, MemberId other) => IsNear(member) == IsNear(other)
        ? Peer(member).Durable > Peer(other).Durable : IsNear(member);

    /// <summary>
    /// What a leader may still log that needs room; long.MaxValue when that is not known, or for others.
    /// </summary>
    public long LeastRoom()
    {
        if (_role != ReplicaRole.Active)
        {
            return long.MaxValue;
        }

        _ = FindRoom(out var least);
        return least;
    }

    /// <summary>
    /// Not more than the least of what the members have that count. Who is out does not, unless too few are left.
    /// </summary>
    private bool HasRoomFor(in Proposal proposal)
    {
        if (proposal.Uses == RoomUse.Nothing)
        {
            return true;
        }

        var isEnough = FindRoom(out var least);
        var floor = proposal.Uses == RoomUse.Little ? -Limits.LittleRoomBytes : 0;
        return isEnough && (least == long.MaxValue || least - proposal.RoomBytes >= floor);
    }

    private bool FindRoom(out long least)
    {
        var withRoom = _room.IsOut ? MemberSet.Empty : MemberSet.Of(Self);
        least = _room.IsOut ? long.MaxValue : Left(_room);
        foreach (var member in Configuration!.AllMembers)
        {
            var peer = Peer(member);
            if (member != Self && IsFresh(member) && Counts(peer) && !peer.Room.IsOut)
            {
                withRoom = withRoom.With(member);
                least = IsWitnessed(member) ? least : Math.Min(least, Left(peer.Room));
            }
        }

        return Configuration.Mode == ReplicaMode.InSync
            ? !(withRoom & _inSync).IsEmpty
            : Configuration.IsWriteQuorum(withRoom);
    }

    private long Left(in RoomReport room) =>
        room.Bytes == long.MaxValue ? long.MaxValue : room.Bytes - _log.CostAfter(room.At);
}
