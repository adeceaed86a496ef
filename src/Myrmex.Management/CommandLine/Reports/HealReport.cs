using System;
using System.Globalization;
using System.Linq;
using System.Text;
using Myrmex.Graph;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine.Reports;

/// <summary>What volume heal info lists.</summary>
internal enum HealList
{
    Entries,
    Summary,
    SplitBrain,
}

/// <summary>
/// volume heal info and volume status replication. An entry of GlusterFS is a file that a brick knows to differ on
/// others; here it is an entry of the journal that a brick lacks, so the number stands at the brick that is behind.
/// Source: glfsheal 10.3, text and XML.
/// </summary>
internal static class HealReport
{
    private const string Connected = "Connected";
    private const string Away = "Transport endpoint is not connected";
    private const string Unknown = "-";
    private const int NoSuchThing = 22; // EINVAL, as glfsheal says of a volume without copies.

    public static string Text(ReplicationMessage replication, HealList list)
    {
        var text = new StringBuilder();
        foreach (var member in replication.Sets.SelectMany(s => s.Members))
        {
            var entries = EntriesOf(member);
            text.Line($"Brick {member.Host}:{member.Path}").Line($"Status: {StatusOf(member)}");
            switch (list)
            {
                case HealList.Entries:
                    text.Line($"Number of entries: {entries}");
                    if (CopyOf(member) is { } copy)
                    {
                        text.Line($"Progress: {copy}"); // Ours; only there while a copy is.
                    }

                    break;
                case HealList.Summary:
                    text.Line($"Total Number of entries: {entries}")
                        .Line($"Number of entries in heal pending: {entries}")
                        .Line($"Number of entries in split-brain: {SplitOf(member)}")
                        .Line($"Number of entries possibly healing: {SplitOf(member)}");
                    break;
                default:
                    text.Line($"Number of entries in split-brain: {SplitOf(member)}");
                    break;
            }

            text.Line(string.Empty);
        }

        return text.ToString();
    }

    public static string Xml(ReplicationMessage replication, HealList list)
    {
        var xml = CliXml.Bare();
        xml.Open("healInfo");
        xml.Open("bricks");
        foreach (var member in replication.Sets.SelectMany(s => s.Members))
        {
            var entries = EntriesOf(member);
            xml.Open("brick", "hostUuid", IsAway(member) ? Unknown : member.Node);
            xml.Element("name", $"{member.Host}:{member.Path}");
            xml.Element("status", StatusOf(member));
            if (list == HealList.Summary)
            {
                xml.Element("totalNumberOfEntries", entries);
                xml.Element("numberOfEntriesInHealPending", entries);
                xml.Element("numberOfEntriesInSplitBrain", SplitOf(member));
                xml.Element("numberOfEntriesPossiblyHealing", SplitOf(member));
            }
            else
            {
                xml.Element("numberOfEntries", list == HealList.Entries ? entries : SplitOf(member));
            }

            xml.Close();
        }

        xml.CloseEmptied();
        xml.Close();
        xml.Result(0, 0, string.Empty);
        return xml.ToString();
    }

    /// <summary>The XML of a refused heal info.</summary>
    public static string Refused(string problem)
    {
        var xml = CliXml.Bare();
        xml.Open("healInfo");
        xml.Open("bricks");
        xml.CloseEmptied();
        xml.Close();
        xml.Result(-1, NoSuchThing, problem);
        return xml.ToString();
    }

    /// <summary>volume status replication: a table a replica set, made for eyes.</summary>
    public static string Status(ReplicationMessage replication)
    {
        var text = new StringBuilder();
        text.Line($"Replication of volume: {replication.Volume}");
        foreach (var set in replication.Sets)
        {
            var leader = set.Leader is { } number ? $"member {number} leads" : "no member is known to lead";
            text.Line(ReportText.Rule).Line($"Replica set {set.Number} ({set.Mode}): {leader}")
                .Line(SetLine(set))
                .Append("Member Role      Status      Term   Committed     Applied   Behind     Lacks  Retained  ")
                .Line("Writes  Brick");
            foreach (var member in set.Members)
            {
                Member(text, member);
            }
        }

        return text.Line(string.Empty).ToString();
    }

    /// <summary>volume leader: a line a replica set.</summary>
    public static string Leaders(ReplicationMessage replication)
    {
        var text = new StringBuilder();
        text.Line($"Leaders of volume: {replication.Volume}").Line("Set   Term  Leader and preferred brick");
        foreach (var set in replication.Sets)
        {
            var leader = set.Members.FirstOrDefault(m => m.Member == set.Leader);
            var preferred = set.Members.FirstOrDefault(m => m.Member == set.Preferred);
            text.Append(CultureInfo.InvariantCulture, $"{set.Number,-3} {Number(leader?.Report?.Term),6}  ")
                .Line(leader is null ? Unknown : $"{leader.Host}:{leader.Path}");
            if (preferred is not null && preferred != leader)
            {
                text.Line($"            should be {preferred.Host}:{preferred.Path}");
            }
        }

        return text.Line(string.Empty).ToString();
    }

    /// <summary>What holds for the whole set, and what a member still has of its journal.</summary>
    private static string SetLine(ReplicaSetMessage set)
    {
        var leader = set.Members.FirstOrDefault(m => m.Member == set.Leader)?.Report;
        var inStep = leader is { InStep.Count: > 0 }
            ? string.Join(',', leader.InStep) : Unknown;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"In step: {inStep}  preferred: {set.Preferred?.ToString(CultureInfo.InvariantCulture) ?? Unknown}");
    }

    private static void Member(StringBuilder text, ReplicaMemberMessage member)
    {
        var report = member.Report;
        text.Append(CultureInfo.InvariantCulture, $"{member.Member,-6} {RoleOf(report),-9} ")
            .Append(CultureInfo.InvariantCulture, $"{report?.Status ?? Unknown,-10} {Number(report?.Term),5} ")
            .Append(CultureInfo.InvariantCulture, $"{Number(report?.Commit),11} {Number(report?.Applied),11} ")
            .Append(CultureInfo.InvariantCulture, $"{Number(BehindOf(report)),8} {Number(member.Lag),9} ")
            .Line($"{RetainedOf(report),9} {WritesOf(report),7}  {member.Host}:{member.Path}");
        if (member.Problem is { } problem)
        {
            text.Line($"       {problem}");
        }

        if (CopyOf(member) is { } copy)
        {
            text.Line($"       {copy}");
        }
    }

    /// <summary>A witness follows as others do, and is none that could lead.</summary>
    private static string RoleOf(ReplicaReport? report) => report is { IsWitness: true, Role: "follower" } ? "witness"
        : report?.Role ?? Unknown;

    /// <summary>Committed entries that its files do not have yet.</summary>
    private static ulong? BehindOf(ReplicaReport? report) =>
        report is null ? null : report.Commit - Math.Min(report.Applied, report.Commit);

    /// <summary>MiB of its journal in use.</summary>
    private static string RetainedOf(ReplicaReport? report) => report is null ? Unknown
        : string.Create(CultureInfo.InvariantCulture, $"{report.RetainedBytes / 1048576.0:F1}MiB");

    /// <summary>Bytes that its disks wrote for each byte of changes.</summary>
    private static string WritesOf(ReplicaReport? report) => report is null or { JournalPayloadBytes: 0 } ? Unknown
        : string.Create(CultureInfo.InvariantCulture, $"{report.WriteAmplification:F2}x");

    /// <summary>What there is to say of a member that must get a copy of all files; null for all others.</summary>
    private static string? CopyOf(ReplicaMemberMessage member) => member switch
    {
        { Copy: { Percent: { } percent } copy } => string.Create(
            CultureInfo.InvariantCulture, $"copying {percent} % from {PeerOf(member, copy)}"),
        { Copy: { } copy } => $"copying from {PeerOf(member, copy)}",
        { Report.NeedsCopy: true } => "waits for a copy",
        _ => null,
    };

    /// <summary>The leader's report of a copy names the member itself: it comes from the leader.</summary>
    private static string PeerOf(ReplicaMemberMessage member, ReplicaCopyReport copy) => copy.Peer == member.Member
        ? "the leader" : string.Create(CultureInfo.InvariantCulture, $"member {copy.Peer}");

    private static bool IsAway(ReplicaMemberMessage member) => member.Report is null;

    private static string StatusOf(ReplicaMemberMessage member) => IsAway(member) ? Away : Connected;

    /// <summary>As GlusterFS, nothing is said of a brick that does not answer, whatever others know of it.</summary>
    private static string EntriesOf(ReplicaMemberMessage member) => IsAway(member) ? Unknown : Number(member.Lag);

    /// <summary>Members cannot differ in what they have committed.</summary>
    private static string SplitOf(ReplicaMemberMessage member) => IsAway(member) ? Unknown : "0";

    private static string Number(ulong? number) => number?.ToString(CultureInfo.InvariantCulture) ?? Unknown;
}
