using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Sending;
using Myrmex.Runtime;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// Finds the member that leads: asks one and follows its hint; without one it goes on to the next member that is
/// attached. A round asks each member once.
/// </summary>
internal sealed class LeaderFinder(string volume, Seams seams, Server[] members, SendingRules rules)
    : ServerFinder(volume, seams, members, rules)
{
    public override Server? HintOf(Reply reply) =>
        reply.XData is { } xdata && xdata.TryGetInt(MemberKeys.Leader, out var number)
            ? Array.Find(Servers, m => m.Number == number)
            : null;

    /// <summary>While the connection was away, what was held may have been revoked: it is looked at again.</summary>
    protected override bool IsSame(Choice former, Server found) =>
        base.IsSame(former, found) && former.Losses == found.Losses;

    protected override async ValueTask<Server?> FindAsync()
    {
        var asked = 0u;
        var next = TakeHint();
        next = next is { MayBeUp: true } ? next : NextOf(next?.Index ?? -1, asked);
        while (next is not null)
        {
            asked |= next.Bit;
            var (leads, hint) = await ProbeAsync(next);
            if (leads)
            {
                return next;
            }

            next = hint is { MayBeUp: true } && (asked & hint.Bit) == 0 ? hint : NextOf(next.Index, asked);
        }

        return null;
    }

    /// <summary>The next attached member, in their order, that has not been asked; null when there is none.</summary>
    private Server? NextOf(int index, uint asked)
    {
        for (var i = 1; i <= Servers.Length; i++)
        {
            var member = Servers[(index + i) % Servers.Length];
            if (member.MayBeUp && (asked & member.Bit) == 0)
            {
                return member;
            }
        }

        return null;
    }

    private async ValueTask<(bool Leads, Server? Hint)> ProbeAsync(Server member)
    {
        var probe = new Probe(new Waiter(Seams));
        _ = FillAsync(member, probe);
        probe.Waiter.EndAfter(SendingLimits.ProbeMs);
        return await probe.Waiter.Task ? (probe.Leads, probe.Hint) : default;
    }

    private async Task FillAsync(Server member, Probe probe)
    {
        (probe.Leads, probe.Hint) = await AskAsync(member);
        probe.Waiter.TryComplete(true);
    }

    /// <summary>A question that is under way; what it has found is valid once its waiter is complete.</summary>
    private sealed class Probe(Waiter waiter)
    {
        public Waiter Waiter => waiter;

        public bool Leads { get; set; }

        public Server? Hint { get; set; }
    }
}
