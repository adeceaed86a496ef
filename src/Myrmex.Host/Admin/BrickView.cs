using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Debug;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Volumes;

namespace Myrmex.Host;

/// <summary>A running brick as administrators see it.</summary>
/// <param name="Name">Its path: what clients ask for.</param>
/// <param name="Top">What its clients' fops go to.</param>
/// <param name="Member">
/// The export of the member of a replica set, whose door is <paramref name="Top"/>; null for a brick without a journal.
/// </param>
internal sealed record BrickView(string Name, TranslatorGraph Graph, Translator Top, Translator? Member = null)
{
    /// <summary>How long a member may take to tell of itself.</summary>
    private static readonly TimeSpan ReportLimit = TimeSpan.FromSeconds(2);

    /// <summary>Null when the volume file has none.</summary>
    public IoStats? Stats { get; } = (Member ?? Top) as IoStats ?? Graph.Translators.OfType<IoStats>().LastOrDefault();

    /// <summary>
    /// Where administrators' own fops go: below the counters, which are of clients, and to this brick, never through
    /// its door to another one.
    /// </summary>
    public Translator Below => Inner is IoStats ? Inner.Subvolumes[0] : Inner;

    private Translator Inner => Member ?? Top;

    private static IEnumerable<Translator> BelowMe(Translator at) => at.Subvolumes.SelectMany(BelowMe).Prepend(at);

    /// <summary>All bricks of a graph: the exports of its server, a door and its member as one.</summary>
    public static IEnumerable<BrickView> Of(TranslatorGraph graph)
    {
        if (graph.Top is not ServerTranslator server)
        {
            return [];
        }

        var exports = server.Subvolumes.ToDictionary(s => s.Name, StringComparer.Ordinal);
        bool IsMember(string name) => name.EndsWith(Brick.MemberSuffix, StringComparison.Ordinal)
            && exports.ContainsKey(name[..^Brick.MemberSuffix.Length]);
        return server.Subvolumes.Where(s => !IsMember(s.Name)).Select(
            s => new BrickView(s.Name, graph, s, exports.GetValueOrDefault(s.Name + Brick.MemberSuffix)));
    }

    /// <summary>The clients of its exports, other members included, with the first open files of each.</summary>
    public IReadOnlyList<ClientView> ClientsOf(ExportTable exports, int fdsMax) => Member is null
        ? exports.ClientsOf(Name, fdsMax)
        : [
            .. exports.ClientsOf(Name, fdsMax).Concat(exports.ClientsOf(Member.Name, fdsMax))
                .OrderBy(c => c.Uid, StringComparer.Ordinal),
        ];

    /// <summary>Calls to its exports that have not been answered, oldest first.</summary>
    public IReadOnlyList<CallView> CallsOf(ExportTable exports) => Member is null
        ? exports.CallsOf(Name)
        : [.. exports.CallsOf(Name).Concat(exports.CallsOf(Member.Name)).OrderByDescending(c => c.AgeNs)];

    /// <summary>The leases of files that it has given, at most so many.</summary>
    public IEnumerable<LeaseReport> Leases(int countMax) => BelowMe(Inner).OfType<ILeaseReport>()
        .SelectMany(r => r.ReportLeases(countMax)).Take(countMax);

    /// <summary>
    /// What its journal says, one report a member; throws <see cref="TimeoutException"/> when one says nothing.
    /// </summary>
    public async Task<IReadOnlyList<ReplicaReport>> ReplicasAsync() => await Task.WhenAll(
        Graph.Translators.OfType<IReplicaReport>().Select(r => r.ReportAsync().WaitAsync(ReportLimit)));
}
