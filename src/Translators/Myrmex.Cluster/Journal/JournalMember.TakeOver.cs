using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

// A client's change that takes many steps goes on through another proxy.
public sealed partial class JournalMember
{
    /// <summary>
    /// Refuses steps of other runs from now on and answers those that were carried out; all of them are in the store.
    /// EBADE: the session is not known, or the client has the outcome. ECANCELED: yet another run has taken over.
    /// Else as for proposals.
    /// </summary>
    /// <param name="begins">The session is begun when it is not known.</param>
    public async ValueTask<(Errno Error, List<KnownStep> Steps)> TakeOverAsync(Change change, bool begins)
    {
        var steps = new List<KnownStep>();
        var error = begins ? await ChangeSessionAsync(change.Session, SessionAction.Begin) : Errno.Ok;
        if (error != Errno.Ok)
        {
            return (error, steps);
        }

        var result = await ProposeSessionAsync(in change, SessionAction.TakeOver);
        if (result.Error != Errno.Ok)
        {
            return (result.Error, steps);
        }

        error = await WaitForStoreAsync(result.Index);
        if (error != Errno.Ok)
        {
            return (error, steps);
        }

        List<(uint Step, ReadOnlyMemory<byte> Outcome)>? outcomes = null;
        var listed = ProposalWaiter.Rent();
        var task = listed.Task;
        _replica!.ListSteps(change.Session, change.Number, change.Run, found =>
        {
            outcomes = found;
            listed.Complete(seams.Workers, new ProposeResult(Errno.Ok, default));
        });
        await task;
        if (outcomes is null)
        {
            return (Errno.EBADE, steps);
        }

        foreach (var (step, outcome) in outcomes)
        {
            var isKnown = OperationCodec.TryDecode(outcome.Span, out var operation);
            steps.Add(new KnownStep(step, isKnown ? operation.Note ?? [] : []));
        }

        return (Errno.Ok, steps);
    }

    /// <summary>Ok when everything up to an entry is in the store; ENOTCONN when this member leads no longer.</summary>
    private async ValueTask<Errno> WaitForStoreAsync(JournalIndex index)
    {
        ValueTask<ProposeResult> task;
        lock (_lock)
        {
            if (_isStopped || _role.Role != ReplicaRole.Active)
            {
                return Errno.ENOTCONN;
            }

            var waiter = ProposalWaiter.Rent();
            task = waiter.Task;
            _known.Add((index.Value, waiter));
        }

        _wake.Set();
        return (await task).Error;
    }
}
