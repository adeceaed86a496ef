using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;

namespace Myrmex.Management.Etcd;

/// <summary>
/// Moves a cluster from one store to another. The record in the source decides what counts: without it the source, with
/// <see cref="StoreMovePhase.Copying"/> the source, which nobody changes, with <see cref="StoreMovePhase.Moved"/> the
/// target. Any daemon of the cluster finishes or takes back what another one has begun; one at a time does, by election
/// in the source, and every step has the lead and the record as conditions.
/// </summary>
/// <param name="source">Without the guard: this is who puts it up.</param>
/// <param name="limitMs">How long it is tried before it is taken back.</param>
internal sealed class StoreMover(
    IStateStore source, IStoreOpener opener, Seams seams, long limitMs = EtcdLimits.MoveMs)
{
    /// <summary>Why a node that takes part in no cluster yet does not move.</summary>
    public const string IsJoining = "this node is joining a cluster at the moment; try again when that is over";

    private const long RetryMs = 300;

    /// <summary>The name of moves out of the source, made at the first.</summary>
    public async Task<string> NameAsync(CancellationToken cancellation)
    {
        if (await source.GetAsync(StoreMoveRecord.NameKey, cancellation) is { } known)
        {
            return StoreMoveRecord.Text(known);
        }

        var fresh = seams.NewGfid().ToString();
        await source.CompareAndPutAsync(
            StoreMoveRecord.NameKey, Revision.None, Encoding.ASCII.GetBytes(fresh), cancellation);
        return StoreMoveRecord.Text(await source.GetAsync(StoreMoveRecord.NameKey, cancellation));
    }

    /// <summary>
    /// From here on the source is not changed any more and the move goes its way. Throws
    /// <see cref="StateStoreException"/> when the target cannot be reached or is not empty, or another move is under
    /// way.
    /// </summary>
    public async Task BeginAsync(StoreChoice target, CancellationToken cancellation)
    {
        var name = await NameAsync(cancellation);
        await using (var opened = opener.Open(target))
        {
            await CheckTargetAsync(opened, name, cancellation);
        }

        var record = new StoreMoveRecord(name, StoreMovePhase.Copying, target with { Move = null });
        var result = await source.CommitAsync(
            new StateTransaction(
                [Condition.Missing(StoreMoveRecord.Key), Condition.Missing(NodeKeys.LocalJoin)],
                [
                    Operation.PutValue(StoreMoveRecord.Key, record.ToBytes()),
                    Operation.DeleteKey(StoreMoveRecord.FailedKey),
                ],
                [new Operation.Get(KeyRange.Single(NodeKeys.LocalJoin), Limit: 0)]),
            cancellation);
        if (!result.Succeeded)
        {
            throw new TransactionRefusedException(
                result.Results[0].Entries.Count > 0 ? IsJoining
                    : "the cluster is being moved to another store already");
        }

        Log.Information("store", "a move to another store begins", ("kind", target.Kind), ("name", name));
    }

    /// <summary>
    /// Ends when no move is under way any more: done or taken back, by this daemon or another. Throws
    /// <see cref="StateStoreException"/> and <see cref="LeaseNotFoundException"/>, after which it is called again.
    /// </summary>
    public async Task DriveAsync(CancellationToken cancellation)
    {
        var election = new Election(source, seams, StoreMoveRecord.MoverElection);
        await using var lead = await election.CampaignAsync(default, EtcdLimits.LeaderLeaseSeconds, cancellation);
        var deadlineNs = seams.Clock.MonotonicNs + (limitMs * 1_000_000);
        while (await source.GetAsync(StoreMoveRecord.Key, cancellation) is { } entry
            && StoreMoveRecord.From(entry) is { Phase: StoreMovePhase.Copying } record)
        {
            if (!lead.IsHeld)
            {
                return; // Another one goes on; who calls looks again.
            }

            try
            {
                await CopyAsync(lead, entry, record, cancellation);
            }
            catch (StateStoreException e)
            {
                Log.Warning("store", "the move to another store is tried again", ("reason", e.Message));
                if (seams.Clock.MonotonicNs > deadlineNs)
                {
                    await TakeBackAsync(lead, entry, record, e.Message, cancellation);
                }

                await Pauses.WaitAsync(seams.Scheduler, RetryMs, cancellation);
            }
        }
    }

    private static async Task CheckTargetAsync(IStateStore target, string name, CancellationToken cancellation)
    {
        var result = await target.CommitAsync(
            StateTransaction.Always(
                new Operation.Get(KeyRange.All, Limit: 1),
                new Operation.Get(KeyRange.Single(StateCopy.Marker), Limit: 0),
                new Operation.Get(KeyRange.Single(StoreMoveRecord.FromKey), Limit: 0)),
            cancellation);
        var isOurs = (result.Results[1].Entries is [var marker] && StateCopy.IsOfMove(marker, name))
            || (result.Results[2].Entries is [var from] && StoreMoveRecord.Text(from) == name);
        if (result.Results[0].Entries is [var first] && !isOurs)
        {
            throw new TransactionRefusedException(
                $"the other store is not empty (the first key is {first.Key}); use an empty one or another prefix");
        }
    }

    private async Task CopyAsync(
        Leadership lead, StateEntry entry, StoreMoveRecord record, CancellationToken cancellation)
    {
        await using var target = opener.Open(record.Target);
        await ClearFinishedAsync(target, record.Name, cancellation);
        var report = await StateCopy.CopyAsync(
            source, target, StateCopy.NameOfTry(record.Name, lead.Token), StoreMoveRecord.IsCopied, cancellation,
            [Operation.PutValue(StoreMoveRecord.FromKey, Encoding.UTF8.GetBytes(record.Name))]);
        var moved = await lead.CommitAsync(
            new StateTransaction(
                [Condition.Unchanged(StoreMoveRecord.Key, entry.Modified)],
                [Operation.PutValue(
                    StoreMoveRecord.Key, (record with { Phase = StoreMovePhase.Moved }).ToBytes())],
                []),
            cancellation);
        if (moved.Succeeded)
        {
            Log.Information(
                "store", "the cluster is in another store now", ("kind", record.Target.Kind),
                ("entries", report.Entries), ("bytes", report.Bytes));
        }
    }

    /// <summary>A copy that was finished and never counted: the source may have changed since.</summary>
    private static async Task ClearFinishedAsync(IStateStore target, string name, CancellationToken cancellation)
    {
        var from = await target.GetAsync(StoreMoveRecord.FromKey, cancellation);
        if (from is not null && StoreMoveRecord.Text(from) == name)
        {
            // The first daemon that uses the store has deleted the key: what is in use is never cleared.
            await target.CommitAsync(
                new StateTransaction(
                    [Condition.Unchanged(StoreMoveRecord.FromKey, from.Modified)],
                    [new Operation.Delete(KeyRange.All)], []),
                cancellation);
        }
    }

    private async Task TakeBackAsync(
        Leadership lead, StateEntry entry, StoreMoveRecord record, string reason, CancellationToken cancellation)
    {
        var result = await lead.CommitAsync(
            new StateTransaction(
                [Condition.Unchanged(StoreMoveRecord.Key, entry.Modified)],
                [
                    Operation.DeleteKey(StoreMoveRecord.Key),
                    Operation.PutValue(StoreMoveRecord.FailedKey, Encoding.UTF8.GetBytes(reason)),
                ],
                []),
            cancellation);
        if (!result.Succeeded)
        {
            return;
        }

        Log.Error("store", "the move to another store is taken back", ("reason", reason));
        try
        {
            await using var target = opener.Open(record.Target);
            await StateCopy.AbandonAsync(target, record.Name, cancellation);
            await ClearFinishedAsync(target, record.Name, cancellation);
        }
        catch (StateStoreException)
        {
            // What is left there is cleared by the next move of this name, and used by nobody.
        }
    }
}
