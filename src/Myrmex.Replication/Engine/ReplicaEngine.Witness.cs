namespace Myrmex.Replication.Engine;

// A witness keeps the journal and has no main store: its journal counts as everybody's, and others take entries over
// from it, but it leads nobody. So the best journal of an election quorum may be one whose owner cannot lead, and the
// one that can lead with it may count for nothing at the moment. That one leads by the votes of the others.
public sealed partial class ReplicaEngine
{
    private readonly bool _hasNoStore;
    private JournalIndex _settled; // What a leader has said that a witness may drop.
    private JournalIndex _neededFrom;

    /// <summary>This member keeps the journal only.</summary>
    public bool IsWitness => _hasNoStore || Configuration?.AllWitnesses.Contains(Self) == true;

    /// <summary>
    /// What a witness may drop from its journal: committed, and on the disk of a member with a store. Without that it
    /// may have the only copy there is, where memory is acknowledged: who acknowledged it may lose power.
    /// </summary>
    public JournalIndex Settled => Breaks(ReplicaMutations.WitnessDropsEarly) ? Min(_commit, _durable)
        : Min(_settled, Min(_commit, _durable));

    /// <summary>The first entry that some member with a store lacks, as the leader said last.</summary>
    public JournalIndex NeededFrom => _neededFrom;

    private bool MayNotLead => IsWitness && !Breaks(ReplicaMutations.WitnessLeads);

    private bool IsWitnessed(MemberId member) => Configuration!.AllWitnesses.Contains(member);

    /// <summary>The member has a store, and so may lead.</summary>
    private bool HasStore(MemberId member) => !IsWitnessed(member) || Breaks(ReplicaMutations.WitnessLeads);

    /// <summary>
    /// Without a vote of its own, by the promises of an election quorum of others that count: what is committed they
    /// have, and what this member may have lost cannot be missed in their journals. Only with witnesses: elsewhere one
    /// of the others leads.
    /// </summary>
    private bool LeadsUncounted(ReplicaConfiguration configuration, MemberSet voters) =>
        _status == MemberStatus.Recovering && !configuration.AllWitnesses.IsEmpty
            && configuration.Mode == ReplicaMode.Quorum && configuration.IsElectionQuorum(voters.Without(Self));

    /// <summary>
    /// A leader that may have lost entries has a vote again once all that it took over is on its disk: whatever it
    /// acknowledged and is committed is among that. Before, a restart could find it voting, and without them. What it
    /// commits meanwhile needs no vote: it has it, like everybody who acknowledges, and so has the rest of the quorum.
    /// </summary>
    private void VoteAgain()
    {
        if (_role == ReplicaRole.Active && _status == MemberStatus.Recovering && _durable >= _termStart)
        {
            _status = MemberStatus.Voter;
            SaveSuperblock();
        }
    }

    private void HearNeeds(ReplicaMessage.Beat message)
    {
        _settled = Max(_settled, message.Settled);
        _neededFrom = message.LowestNeeded;
    }
}
