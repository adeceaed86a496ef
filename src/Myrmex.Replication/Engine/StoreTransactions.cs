using System.Collections.Generic;
using System.Globalization;
using Myrmex.Coordination;

namespace Myrmex.Replication.Engine;

/// <summary>
/// The transactions of a replica set. Each changes only what its conditions still find as the sender knew it, and ends
/// with a read of all keys of the set, so that every answer brings the state.
/// </summary>
internal sealed class StoreTransactions(string prefix)
{
    public string Prefix => prefix;

    public StateTransaction Read => StateTransaction.Always(ReadAll);

    private Operation ReadAll => new Operation.Get(KeyRange.Prefix(prefix), 0);

    /// <summary>Takes the next term and the lead.</summary>
    /// <param name="former">
    /// Who has handed the lead over, or is not heard any more, and still has the key; null when nobody must have it.
    /// </param>
    public StateTransaction Campaign(StoreState seen, TermOwner owner, LeaseId lease, TermOwner? former)
    {
        List<Condition> conditions =
        [
            former is { } lead ? Condition.HasValue(Key(StoreState.LeadKey), lead.Encode())
                : Condition.Missing(Key(StoreState.LeadKey)),
            Condition.Unchanged(Key(StoreState.TermKey), seen.TermModified),
            Condition.Unchanged(Key(StoreState.ConfigurationKey), seen.ConfigurationModified),
        ];
        if (seen.Configuration?.Mode == ReplicaMode.InSync)
        {
            conditions.Add(Condition.Unchanged(Key(StoreState.InSyncKey), seen.InSyncModified));
        }

        var value = owner.Encode();
        return Guarded(
            conditions,
            Operation.PutValue(Key(StoreState.TermKey), value),
            new Operation.Put(Key(StoreState.LeadKey), value, lease));
    }

    /// <summary>Gives the lead back, or takes away what an earlier start of this replica left.</summary>
    public StateTransaction Resign(TermOwner lead) => Guarded(
        [Condition.HasValue(Key(StoreState.LeadKey), lead.Encode())], Operation.DeleteKey(Key(StoreState.LeadKey)));

    /// <summary>Takes the lead again after its lease ended, if nobody else has a term since.</summary>
    public StateTransaction TakeLead(TermOwner owner, LeaseId lease) => Guarded(
        [Condition.Missing(Key(StoreState.LeadKey)), OwnTerm(owner)],
        new Operation.Put(Key(StoreState.LeadKey), owner.Encode(), lease));

    public StateTransaction SetInSync(TermOwner owner, StoreState seen, MemberSet set) => Guarded(
        [OwnTerm(owner), Condition.Unchanged(Key(StoreState.InSyncKey), seen.InSyncModified)],
        Operation.PutValue(Key(StoreState.InSyncKey), StoreState.EncodeSet(set)));

    public StateTransaction SetConfiguration(TermOwner owner, StoreState seen, ReplicaConfiguration next) => Guarded(
        [OwnTerm(owner), Condition.Unchanged(Key(StoreState.ConfigurationKey), seen.ConfigurationModified)],
        Operation.PutValue(Key(StoreState.ConfigurationKey), next.Encode()));

    /// <summary>What the term began with, for people.</summary>
    public StateTransaction WriteHistory(TermOwner owner, JournalIndex start) => Guarded(
        [OwnTerm(owner)],
        Operation.PutValue(
            Key(StoreState.HistoryPrefix) + owner.Term.Value.ToString("D20", CultureInfo.InvariantCulture),
            System.Text.Encoding.ASCII.GetBytes($"{owner.Member} {start}")));

    private StateTransaction Guarded(IReadOnlyList<Condition> conditions, params Operation[] then) =>
        new(conditions, [.. then, ReadAll], [ReadAll]);

    private Condition OwnTerm(TermOwner owner) => Condition.HasValue(Key(StoreState.TermKey), owner.Encode());

    private string Key(string name) => prefix + name;
}
