using System;
using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Management.Etcd;

/// <summary>
/// Which nodes are members of the managed etcd, and the next step to get there. Invariants:
/// nothing is changed unless more than half of the voters are healthy, and that is so after every step;
/// a member begins as a learner and votes when it has all data; one change at a time;
/// a step never leaves fewer failures to bear than before, except on the way to a smaller number of voters that is
/// wanted; the number of voters grows past an odd one only when the next odd one is in reach.
/// Whatever was interrupted, the next step follows from etcd's own list of members.
/// </summary>
internal static class EtcdMembership
{
    /// <summary>Voters for a number of nodes: 1, then 3 from three nodes on, 5 from five.</summary>
    public static int Target(int nodes) => nodes >= EtcdLimits.MembersMax ? 5 : nodes >= 3 ? 3 : Math.Min(nodes, 1);

    public static EtcdMembershipAction Next(EtcdMembershipInput input)
    {
        var document = Document(input);
        if (!document.IsSame(input.Published))
        {
            return new EtcdMembershipAction.Publish(document);
        }

        var state = new State(input, document);
        if (state.Tolerance < 0)
        {
            return Wait($"only {state.Healthy} of {state.Voters.Count} members are healthy");
        }

        return ChangedAddress(state)
            ?? Learner(state)
            ?? Lost(state)
            ?? Surplus(state)
            ?? Addition(state)
            ?? Useless(state)
            ?? Wait(reason: null);
    }

    /// <summary>etcd's list in our words.</summary>
    private static EtcdDocument Document(EtcdMembershipInput input) => EtcdDocument.Of(input.Members.Select(member =>
    {
        var node = NodeOf(input, member);
        var id = EtcdDocumentMember.IdText(member.Id);
        var known = input.Published?.Members.FirstOrDefault(m => m.Id == id);
        return new EtcdDocumentMember(
            node?.Id ?? known?.Node ?? string.Empty, id,
            member.Name.Length > 0 ? member.Name : node?.Id ?? known?.Name ?? id, member.PeerUrl,
            // What a member says of itself is as old as its start: the node's record is newer.
            node?.ClientUrl ?? member.ClientUrl ?? known?.Client ?? member.PeerUrl, member.IsLearner);
    }));

    /// <summary>The node that runs a member; null when it is none of the cluster.</summary>
    private static ClusterNode? NodeOf(EtcdMembershipInput input, EtcdMemberView member)
    {
        var id = EtcdDocumentMember.IdText(member.Id);
        var name = member.Name.Length > 0 ? member.Name
            : input.Published?.Members.FirstOrDefault(m => m.Id == id && m.Node.Length > 0)?.Node;
        // One that was added and never published is known by its address alone.
        return name is not null ? input.Nodes.FirstOrDefault(n => n.Id == name)
            : input.Nodes.FirstOrDefault(n => n.PeerUrl == member.PeerUrl);
    }

    private static EtcdMembershipAction? ChangedAddress(State state)
    {
        foreach (var one in state.Members)
        {
            if (one.Node is { } node && node.PeerUrl != one.Member.PeerUrl
                && state.Members.All(m => m.Member.PeerUrl != node.PeerUrl))
            {
                return new EtcdMembershipAction.Update(one.Member.Id, node.PeerUrl);
            }
        }

        return null;
    }

    /// <summary>A learner has no vote, so that it can be taken away at any time.</summary>
    private static EtcdMembershipAction? Learner(State state)
    {
        if (state.Members.FirstOrDefault(m => m.Member.IsLearner) is not { } learner)
        {
            return null;
        }

        return learner.IsLost ? Remove(learner, "its data is gone")
            : !state.IsWanted(learner) ? Remove(learner, "another node takes its place")
            : learner.Member.IsHealthy ? new EtcdMembershipAction.Promote(learner.Member.Id)
            : Wait("the new member has not started");
    }

    private static EtcdMembershipAction? Lost(State state)
    {
        var lost = state.Voters.FirstOrDefault(v => v.IsLost);
        return lost is not null && state.MayRemove(lost) ? Remove(lost, "its data is gone") : null;
    }

    /// <summary>More voters than wanted: those whose node is not to have one, the worst first.</summary>
    private static EtcdMembershipAction? Surplus(State state)
    {
        if (state.Voters.Count <= state.Target)
        {
            return null;
        }

        var surplus = state.Unwanted().FirstOrDefault(state.MayRemove);
        return surplus is null ? null : Remove(surplus, "there are enough others");
    }

    private static EtcdMembershipAction? Addition(State state)
    {
        var missing = state.Missing;
        if (missing.Count == 0)
        {
            return null;
        }

        var isNextOddInReach = state.Voters.Count % 2 == 0 || missing.Count >= 2;
        if (!isNextOddInReach && !state.Unwanted().Any())
        {
            return null;
        }

        var node = missing[0];
        var inTheWay = state.Members.FirstOrDefault(m => m.Member.PeerUrl == node.PeerUrl);
        if (inTheWay is null)
        {
            return new EtcdMembershipAction.AddLearner(node);
        }

        // The machine of a node that is none any more has joined as another one.
        return !inTheWay.Member.IsHealthy && state.MayRemove(inTheWay)
            ? Remove(inTheWay, "its address belongs to another node")
            : Wait($"{node.PeerUrl} is in use by another member");
    }

    /// <summary>No node is there to take a place: what only lowers the chances goes.</summary>
    private static EtcdMembershipAction? Useless(State state)
    {
        foreach (var voter in state.Unwanted())
        {
            if (!voter.Member.IsHealthy && state.MayRemove(voter))
            {
                return Remove(voter, "its node is not to be a member");
            }
        }

        if (state.Voters.Count % 2 == 1 || state.Missing.Count > 0)
        {
            return null;
        }

        if (state.Voters.Count == 2 && state.Target != 2)
        {
            // Two bear no failure, and either one is a failure too many: one is better.
            return Remove(state.Voters.OrderBy(v => v.Order).Last(), "the third member has not come");
        }

        var dead = state.Voters.FirstOrDefault(v => v.IsDead);
        return dead is not null && state.MayRemove(dead) ? Remove(dead, "it is away for long") : null;
    }

    private static EtcdMembershipAction.Wait Wait(string? reason) => new(reason);

    private static EtcdMembershipAction.Remove Remove(NodeMember member, string reason) =>
        new(member.Member.Id, reason);

    /// <summary>A member and the node it is on.</summary>
    private sealed record NodeMember(EtcdMemberView Member, ClusterNode? Node, bool IsLost)
    {
        public long Order => Node?.Order ?? long.MaxValue;

        public bool IsDead => IsLost || (!Member.IsHealthy && Member.UnhealthyMs >= EtcdLimits.DeadMs);
    }

    private sealed class State
    {
        private readonly HashSet<string> _wanted;

        public State(EtcdMembershipInput input, EtcdDocument document)
        {
            Members = [.. input.Members.Select(m => new NodeMember(m, NodeOf(input, m), IsLost(input, m)))];
            Voters = [.. Members.Where(m => !m.Member.IsLearner)];
            Healthy = Voters.Count(v => v.Member.IsHealthy);
            var willing = input.Nodes.Where(n => n.WantsMember).ToList();
            Target = Math.Max(1, EtcdMembership.Target(willing.Count));
            var wanted = willing
                .Select(n => (Node: n, Rank: Rank(n, input.Reports), Healthy: MemberOf(n)?.Member.IsHealthy == true))
                .Where(r => r.Rank is not null)
                .OrderBy(r => r.Rank).ThenBy(r => r.Healthy ? 0 : 1).ThenBy(r => r.Node.Order)
                .Take(Target).Select(r => r.Node).ToList();
            _wanted = [.. wanted.Select(n => n.Id)];
            Missing = [.. wanted.Where(n => document.Find(n.Id) is null).OrderBy(n => n.Order)];
        }

        public IReadOnlyList<NodeMember> Members { get; }

        public IReadOnlyList<NodeMember> Voters { get; }

        public int Healthy { get; }

        /// <summary>Voters there should be.</summary>
        public int Target { get; }

        /// <summary>Nodes that should have a member and have none.</summary>
        public IReadOnlyList<ClusterNode> Missing { get; }

        /// <summary>Healthy voters that may fail before the others are too few; negative when they are.</summary>
        public int Tolerance => ToleranceOf(Voters.Count, Healthy);

        public bool IsWanted(NodeMember member) => member.Node is { } node && _wanted.Contains(node.Id);

        /// <summary>Voters on nodes that should have none, the worst first.</summary>
        public IEnumerable<NodeMember> Unwanted() => Voters.Where(v => !IsWanted(v))
            .OrderBy(v => v.Member.IsHealthy).ThenBy(v => v.Node is not null).ThenByDescending(v => v.Order);

        public bool MayRemove(NodeMember member)
        {
            if (member.Member.IsLearner)
            {
                return true;
            }

            var after = ToleranceOf(Voters.Count - 1, Healthy - (member.Member.IsHealthy ? 1 : 0));
            return Voters.Count > 1 && after >= Math.Max(0, Math.Min(Tolerance, (Target - 1) / 2));
        }

        private static int ToleranceOf(int voters, int healthy) => healthy - ((voters / 2) + 1);

        private static bool IsLost(EtcdMembershipInput input, EtcdMemberView member) => input.Reports.Any(
            r => r.Trouble == EtcdTrouble.DataLost && r.MemberId == EtcdDocumentMember.IdText(member.Id));

        private NodeMember? MemberOf(ClusterNode node) => Members.FirstOrDefault(m => m.Node?.Id == node.Id);

        /// <summary>Smaller is better; null for a node that cannot have a member now.</summary>
        private int? Rank(ClusterNode node, IReadOnlyList<EtcdReport> reports)
        {
            var cannot = reports.Any(r => r.Node == node.Id && r.Trouble == EtcdTrouble.CannotRun);
            return MemberOf(node) switch
            {
                null => node.IsAlive && !cannot ? 2 : null,
                { Member: { IsLearner: true, IsHealthy: false } } when cannot || !node.IsAlive => null,
                { IsDead: true } => 3,
                { Member.IsLearner: true } => 1,
                _ => 0,
            };
        }
    }
}
