using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>The lead by plan, and what administrators hear of roles.</summary>
internal sealed partial class ReplicaRun
{
    private const int TakenWaitMs = 1_000;
    private const int TakenPauseMs = 5;

    public void Prefer(MemberId? member, long? returnMs) => _replica?.Prefer(member, returnMs);

    public async Task<string?> MoveLeadAsync(int? target)
    {
        if (_replica is not { } replica)
        {
            return "the replica does not run";
        }

        var (leads, next, term) = await AskAsync(replica, r => (
            r.Role == ReplicaRole.Active, target is { } number ? new MemberId((byte)number) : r.Successor, r.Term));
        if (!leads)
        {
            return target is null ? null : "this member does not lead";
        }

        if (next is not { } heir)
        {
            return "no other member is in step";
        }

        if (heir == options.Member)
        {
            return null;
        }

        if (await Member!.HandOverAsync(heir) != Errno.Ok) // A witness does not lead.
        {
            return $"member {heir} cannot take the lead now: it is away, or lacks something, or there is no leader";
        }

        // Whoever ends this member next takes a promise away that the other one may need: it leads first.
        for (var waited = 0; waited < TakenWaitMs; waited += TakenPauseMs)
        {
            await Pauses.WaitAsync(seams.Scheduler, TakenPauseMs, CancellationToken.None);
            if (await AskAsync(replica, r => r.Term > term && r.HearsLeader))
            {
                return null;
            }
        }

        return $"member {heir} has not taken the lead: the members elect one";
    }

    private Task<T> AskAsync<T>(Replica replica, Func<Replica, T> question)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        seams.Scheduler.Post(() => answer.SetResult(question(replica)));
        return answer.Task;
    }

    /// <summary>On the replica's scheduler.</summary>
    private void Tell(ReplicaNews news)
    {
        if (tell is null)
        {
            return;
        }

        var isAboutOther = news.Kind is ReplicaNewsKind.MemberLost or ReplicaNewsKind.MemberInSync;
        var member = isAboutOther ? news.Other : options.Member;
        var data = new Dictionary<string, string>
        {
            ["set"] = options.SetNumber,
            ["member"] = member.ToString(),
            ["brick"] = BrickOf(member),
            ["term"] = news.Term.Value.ToString(CultureInfo.InvariantCulture),
        };
        if (news.Other != member)
        {
            data["from"] = BrickOf(news.Other);
        }

        tell(seams, new AdministratorNews(TypeOf(news.Kind), options.VolumeName, options.NodeName, data));
    }

    private string BrickOf(MemberId member) => member == options.Member ? options.BrickName
        : options.PeerNames.TryGetValue(member, out var name) ? name : string.Empty;

    private static string TypeOf(ReplicaNewsKind kind) => kind switch
    {
        ReplicaNewsKind.Elected => ReplicaNewsTypes.LeaderElected,
        ReplicaNewsKind.LeadMoved => ReplicaNewsTypes.LeadMoved,
        ReplicaNewsKind.MemberLost => ReplicaNewsTypes.MemberLost,
        ReplicaNewsKind.MemberInSync => ReplicaNewsTypes.MemberInSync,
        ReplicaNewsKind.CopyBegun => ReplicaNewsTypes.CopyBegun,
        ReplicaNewsKind.CopyEnded => ReplicaNewsTypes.CopyEnded,
        ReplicaNewsKind.CopyFailed => ReplicaNewsTypes.CopyFailed,
        ReplicaNewsKind.OutOfRoom => ReplicaNewsTypes.OutOfRoom,
        ReplicaNewsKind.RoomAgain => ReplicaNewsTypes.RoomAgain,
        ReplicaNewsKind.DiskStalled => ReplicaNewsTypes.DiskStalled,
        ReplicaNewsKind.DiskAnswers => ReplicaNewsTypes.DiskAnswers,
        ReplicaNewsKind.JournalDamaged => ReplicaNewsTypes.JournalDamaged,
        _ => ReplicaNewsTypes.MemberWhole,
    };
}
