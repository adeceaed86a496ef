using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Runtime;

namespace Myrmex.Management.Etcd;

/// <summary>
/// One daemon of the cluster, the elected one, has etcd's members follow <see cref="EtcdMembership"/>. It begins anew
/// with etcd's own list at every look, so that it does not matter where the one before it has stopped. Two that lead at
/// once, because one stood still, do no harm: etcd refuses what would cost the majority.
/// </summary>
internal sealed class EtcdLeader(
    IStateStore store, IEtcdAdministration administration, string self, Func<IReadOnlyList<ClusterNode>> nodes,
    Seams seams)
{
    public const string ElectionName = EtcdDocument.Key + "-leader";

    private readonly Dictionary<ulong, long> _unhealthySinceNs = [];
    private string? _told;

    /// <summary>Stands for election again and again, until it is cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var election = new Election(store, seams, ElectionName);
                await using var lead = await election.CampaignAsync(
                    Encoding.ASCII.GetBytes(self), EtcdLimits.LeaderLeaseSeconds, cancellation);
                Log.Information("etcd", "this node looks after the members of etcd");
                _unhealthySinceNs.Clear();
                await LeadAsync(lead, cancellation);
            }
            catch (Exception e) when (e is StateStoreException or LeaseNotFoundException)
            {
                Log.Debug("etcd", "not leading", ("reason", e.Message));
            }

            await Pauses.WaitAsync(seams.Scheduler, EtcdLimits.LookPeriodMs, cancellation);
        }
    }

    private async Task LeadAsync(Leadership lead, CancellationToken cancellation)
    {
        while (lead.IsHeld)
        {
            var isMore = false;
            try
            {
                isMore = await LookAsync(lead, cancellation);
            }
            catch (StateStoreException e)
            {
                Tell($"members are not looked after: {e.Message}");
            }

            await Pauses.WaitAsync(
                seams.Scheduler, isMore ? EtcdLimits.ProbePeriodMs : EtcdLimits.LookPeriodMs, cancellation);
        }
    }

    /// <summary>True when something was done, so that there may be more to do.</summary>
    private async Task<bool> LookAsync(Leadership lead, CancellationToken cancellation)
    {
        var known = nodes();
        if (known.Count == 0)
        {
            return false;
        }

        var result = await store.CommitAsync(
            StateTransaction.Always(
                new Operation.Get(KeyRange.Single(EtcdDocument.Key), Limit: 0),
                new Operation.Get(KeyRange.Prefix(EtcdReport.Prefix), Limit: 0)),
            cancellation);
        var published = result.Results[0].Entries is [var entry] ? EtcdDocument.FromBytes(entry.Value.Span) : null;
        var reports = result.Results[1].Entries.Select(e => EtcdReport.FromBytes(e.Value.Span)).ToList();
        var members = await administration.MembersAsync(cancellation);
        var statuses = await Task.WhenAll(members.Select(m => StatusAsync(m, published, cancellation)));
        var input = new EtcdMembershipInput(
            known, [.. members.Zip(statuses, ToView)], published, reports);
        return await ActAsync(lead, EtcdMembership.Next(input), members, statuses, cancellation);
    }

    private Task<EtcdStatus?> StatusAsync(
        EtcdMember member, EtcdDocument? published, CancellationToken cancellation)
    {
        var id = EtcdDocumentMember.IdText(member.Id);
        var address = published?.Members.FirstOrDefault(m => m.Id == id)?.Client ?? member.ClientUrls.FirstOrDefault();
        return address is null ? Task.FromResult<EtcdStatus?>(null)
            : administration.StatusAsync(address, cancellation);
    }

    private EtcdMemberView ToView(EtcdMember member, EtcdStatus? status)
    {
        var nowNs = seams.Clock.MonotonicNs;
        var isHealthy = status is { IsHealthy: true } && status.MemberId == member.Id;
        if (isHealthy)
        {
            _unhealthySinceNs.Remove(member.Id);
        }
        else
        {
            _unhealthySinceNs.TryAdd(member.Id, nowNs);
        }

        return new EtcdMemberView(
            member.Id, member.Name, member.PeerUrls[0], member.ClientUrls.FirstOrDefault(), member.IsLearner,
            isHealthy, isHealthy ? 0 : (nowNs - _unhealthySinceNs[member.Id]) / 1_000_000);
    }

    private async Task<bool> ActAsync(
        Leadership lead, EtcdMembershipAction action, IReadOnlyList<EtcdMember> members,
        IReadOnlyList<EtcdStatus?> statuses, CancellationToken cancellation)
    {
        if (!lead.IsHeld)
        {
            return false;
        }

        switch (action)
        {
            case EtcdMembershipAction.Wait wait:
                Tell(wait.Reason);
                return false;
            case EtcdMembershipAction.Publish publish:
                await lead.CommitAsync(
                    StateTransaction.Always(Operation.PutValue(EtcdDocument.Key, publish.Document.ToBytes())),
                    cancellation);
                return true;
            case EtcdMembershipAction.AddLearner add:
                Tell($"{add.Node.Id} gets a member of etcd");
                await administration.AddLearnerAsync(add.Node.PeerUrl, cancellation);
                return true;
            case EtcdMembershipAction.Promote promote:
                var isDone = await administration.PromoteAsync(promote.Member, cancellation);
                Tell(isDone ? "the new member votes" : "the new member is not in step yet");
                return isDone;
            case EtcdMembershipAction.Remove remove:
                Tell($"member {EtcdDocumentMember.IdText(remove.Member)} is removed: {remove.Reason}");
                await RemoveAsync(remove.Member, members, statuses, cancellation);
                return true;
            case EtcdMembershipAction.Update update:
                Tell($"member {EtcdDocumentMember.IdText(update.Member)} is at {update.PeerUrl} now");
                await administration.UpdateAsync(update.Member, update.PeerUrl, cancellation);
                return true;
            default:
                throw new InvalidOperationException($"{action} is no action");
        }
    }

    private async Task RemoveAsync(
        ulong member, IReadOnlyList<EtcdMember> members, IReadOnlyList<EtcdStatus?> statuses,
        CancellationToken cancellation)
    {
        var isLeader = statuses.Any(s => s?.Leader == member);
        var heir = members.Zip(statuses).FirstOrDefault(
            p => !p.First.IsLearner && p.First.Id != member && p.Second is { IsHealthy: true }).First;
        if (isLeader && heir is not null)
        {
            try
            {
                // Without it the others would wait for the election timeout.
                await administration.MoveLeaderAsync(heir.Id, cancellation);
            }
            catch (StateStoreException e)
            {
                Log.Information("etcd", "etcd keeps its leader", ("reason", e.Message));
            }
        }

        await administration.RemoveAsync(member, cancellation);
    }

    /// <summary>Once, not at every look.</summary>
    private void Tell(string? what)
    {
        if (what is not null && what != _told)
        {
            Log.Information("etcd", "members", ("what", what));
        }

        _told = what;
    }
}
