using System;

namespace Myrmex.Replication.Engine;

/// <summary>What a leader or candidate knows of another member, in its own term.</summary>
internal sealed class PeerState(MemberId id)
{
    public MemberId Id => id;

    public MemberStatus Status { get; set; } = MemberStatus.Learner;

    public ulong Boot { get; set; }

    /// <summary>Equal to ours and on its disk up to here. Only ever grows in a term: what is on disk stays.</summary>
    public ulong Durable { get; set; }

    /// <summary>Equal to ours and in its memory up to here, as long as it is not started again.</summary>
    public ulong Written { get; set; }

    /// <summary>
    /// What it said last. Less than what it acknowledged before means that it no longer knows that we agree.
    /// </summary>
    public ulong Said { get; set; }

    /// <summary>The next entry to send.</summary>
    public ulong Next { get; set; } = 1;

    /// <summary>Where it agrees with us is not known, or something was lost: one message at a time.</summary>
    public bool IsProbing { get; set; } = true;

    public long SentMs { get; set; }

    public long AnsweredMs { get; set; }

    /// <summary>When it last had everything or took something.</summary>
    public long ProgressMs { get; set; }

    /// <summary>Bytes sent since the last progress.</summary>
    public long FlightBytes { get; set; }

    /// <summary>The last entry that went to it by way of <see cref="RelayVia"/>; 0 for none.</summary>
    public ulong RelayedTo { get; set; }

    public MemberId RelayVia { get; set; }

    /// <summary>The last entry of a large message that went to it directly; 0 for none.</summary>
    public ulong BulkTo { get; set; }

    /// <summary>Nothing is sent to it by way of others before.</summary>
    public long RelayAgainMs { get; set; }

    /// <summary>What was sent by way of another member is on its way: what follows has to go the same way.</summary>
    public bool IsRelayed => RelayedTo > Acknowledged;

    /// <summary>What it gets without data; null for nothing.</summary>
    public ElisionPlan? Plan { get; set; }

    /// <summary>The plan is being made.</summary>
    public bool IsPlanning { get; set; }

    public long PlanningSinceMs { get; set; }

    public ulong PlanTicket { get; set; }

    /// <summary>The last entry of the plan that is being made, or was.</summary>
    public ulong PlanningTo { get; set; }

    /// <summary>The last entry for which a plan was made, whatever came of it.</summary>
    public ulong PlannedTo { get; set; }

    public bool IsReadingJournal { get; set; }

    public long ReadingSinceMs { get; set; }

    /// <summary>The highest round of beats it answered in our term.</summary>
    public ulong Round { get; set; }

    /// <summary>When we sent the latest beat for which it gave a grant; 0 for none.</summary>
    public long GrantedMs { get; set; }

    /// <summary>What its main store has, as it said last.</summary>
    public ulong Applied { get; set; }

    /// <summary>What it said last of its disk, in our term.</summary>
    public RoomReport Room { get; set; } = RoomReport.Unknown;

    public ReplicaMessage.FenceAnswer? Promise { get; set; }

    public ReplicaMessage.Position? Position { get; set; }

    public long PositionMs { get; set; }

    /// <summary>As much is on the way to it as may be.</summary>
    public bool IsFlightFull =>
        Next - 1 - Math.Min(Acknowledged, Next - 1) >= Limits.FlightEntriesMax || FlightBytes > Limits.FlightBytesMax;

    public ulong Acknowledged => Durable > Written ? Durable : Written;

    /// <summary>A new term of our own begins; the first entry of it will be <paramref name="next"/>.</summary>
    public void Begin(ulong next, long nowMs)
    {
        Boot = 0;
        Durable = 0;
        Written = 0;
        Said = 0;
        Next = next;
        IsProbing = true;
        SentMs = long.MinValue / 2;
        AnsweredMs = nowMs;
        ProgressMs = nowMs;
        FlightBytes = 0;
        RelayedTo = 0;
        BulkTo = 0;
        RelayAgainMs = long.MinValue / 2;
        IsReadingJournal = false;
        Plan = null;
        IsPlanning = false;
        PlannedTo = 0;
        Round = 0;
        GrantedMs = 0;
        Applied = 0;
        Room = RoomReport.Unknown;
    }

    public void Probe(ulong next)
    {
        Next = next;
        IsProbing = true;
        FlightBytes = 0;
        RelayedTo = 0;
        BulkTo = 0;
        SentMs = long.MinValue / 2;
    }
}
