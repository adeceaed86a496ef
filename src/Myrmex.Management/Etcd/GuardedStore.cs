using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;

namespace Myrmex.Management.Etcd;

/// <summary>
/// A store that can be moved: no change is made once <see cref="StoreMoveRecord.Key"/> is there, whoever asks and
/// whether or not he has heard of the move. Such a change throws <see cref="TransactionRefusedException"/>. A
/// transaction has one condition less than in other stores, and a branch for conditions that do not hold must not
/// change anything. Does not own the store below.
/// </summary>
internal sealed class GuardedStore(IStateStore inner) : ForwardingStore(inner)
{
    private static readonly Operation LookForMove =
        new Operation.Get(KeyRange.Single(StoreMoveRecord.Key), Limit: 0);

    public override async Task<TransactionResult> CommitAsync(
        StateTransaction transaction, CancellationToken cancellation)
    {
        if (transaction.Else.Any(o => o is not Operation.Get))
        {
            throw new ArgumentException("only the branch that the conditions allow may change the store");
        }

        if (transaction.Then.All(o => o is Operation.Get))
        {
            return await Inner.CommitAsync(transaction, cancellation);
        }

        var result = await Inner.CommitAsync(
            transaction with
            {
                Conditions = [Condition.Missing(StoreMoveRecord.Key), .. transaction.Conditions],
                Else = [.. transaction.Else, LookForMove],
            },
            cancellation);
        if (result.Succeeded)
        {
            return result;
        }

        return result.Results[^1].Entries.Count == 0
            ? result with { Results = [.. result.Results.SkipLast(1)] }
            : throw new TransactionRefusedException("the cluster is being moved to another store; try again soon");
    }
}
