using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json.Nodes;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>What a daemon tells of the first replica set of a volume.</summary>
/// <param name="Leader">Member number of who leads and serves; -1 when nobody does, as far as the daemon knows.</param>
/// <param name="Term">The highest term that a member told.</param>
/// <param name="Online">Member numbers of members that answer.</param>
/// <param name="IsWhole">A leader serves, and all members are voters, have applied all it has and lack nothing.</param>
/// <param name="IsInStep">The same as far as can be seen while others write: no member lacks more than a moment's entries.</param>
internal sealed record ReplicationView(
    int Leader, long Term, IReadOnlyList<int> Online, bool IsWhole, bool IsInStep, string Text)
{
    private const long LagUnderLoad = 2000;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>Asks over REST; null when the daemon does not answer.</summary>
    public static ReplicationView? Read(NodeRest rest, string volume)
    {
        var answer = rest.Get($"volumes/{volume}/replication", Patience);
        return answer.Succeeded ? Parse(answer.Body!["sets"]![0]!) : null;
    }

    /// <summary>Waits until a leader serves and nobody lacks anything.</summary>
    public static ReplicationView AwaitWhole(NodeRest rest, string volume, TimeSpan limit) =>
        Await(rest, volume, limit, "all members are in step", v => v.IsWhole);

    /// <summary>The same while others write.</summary>
    public static ReplicationView AwaitInStep(NodeRest rest, string volume, TimeSpan limit) =>
        Await(rest, volume, limit, "all members are in step", v => v.IsInStep);

    /// <summary>Waits until some member leads and serves, as the daemon knows.</summary>
    public static ReplicationView AwaitLeader(NodeRest rest, string volume, TimeSpan limit) =>
        Await(rest, volume, limit, "a member leads", v => v.Leader >= 0);

    /// <summary>Waits until all members count what is in memory, or none does.</summary>
    public static void AwaitAcknowledging(NodeRest rest, string volume, bool fromMemory, TimeSpan limit) =>
        Wait.Until($"changes are answered from {(fromMemory ? "memory" : "disk")}", limit, () =>
        {
            var answer = rest.Get($"volumes/{volume}/replication", Patience);
            return answer.Succeeded && answer.Body!["sets"]![0]!["members"]!.AsArray().All(
                m => m!["report"]?["fromMemory"]?.GetValue<bool>() == fromMemory);
        });

    private static ReplicationView Await(
        NodeRest rest, string volume, TimeSpan limit, string what, Func<ReplicationView, bool> wanted)
    {
        ReplicationView? view = null;
        Wait.Until(what, limit, () => (view = Read(rest, volume)) is not null && wanted(view),
            () => view?.Text ?? "no answer");
        return view!;
    }

    private static ReplicationView Parse(JsonNode set)
    {
        var members = set["members"]!.AsArray().Select(m => m!).ToList();
        var reports = members.Select(m => m["report"]).OfType<JsonObject>().ToList();
        var serving = reports.FirstOrDefault(r => r["isServing"]!.GetValue<bool>() && $"{r["role"]}" == "leader");
        var complete = serving is not null && reports.Count == members.Count
            && reports.All(r => $"{r["status"]}" == "voter");
        var whole = complete && members.All(m => Lag(m) == 0)
            && reports.All(r => Number(r, "applied") == Number(serving!, "last"));
        var inStep = complete && members.All(m => Lag(m) is >= 0 and < LagUnderLoad)
            && reports.All(r => Number(r, "applied") > Number(serving!, "last") - LagUnderLoad);
        return new ReplicationView(
            serving is null ? -1 : (int)Number(serving, "member"),
            reports.Count == 0 ? 0 : reports.Max(r => Number(r, "term")),
            [.. reports.Select(r => (int)Number(r, "member"))], whole, inStep, set.ToJsonString());
    }

    private static long Lag(JsonNode member) => member["lag"] is { } lag ? lag.GetValue<long>() : -1;

    private static long Number(JsonNode report, string name) => report[name]!.GetValue<long>();
}
