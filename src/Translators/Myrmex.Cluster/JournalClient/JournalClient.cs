using System;
using System.Globalization;
using System.Linq;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// cluster/journal-client: one volume from the members of a replica set. Finds the leader, sends it every fop, and
/// sends again what a change of leader has interrupted, so that each fop takes effect once and nobody above notices.
/// See README.md.
/// </summary>
public sealed class JournalClient : ServerClient, ICacheLease
{
    private readonly JournalRules _rules;
    private readonly LeaderLease _lease;

    public JournalClient(TranslatorPlace place)
        : this(place, MembersOf(place), new JournalRules
        {
            WaitMs = ClientOptions.WaitMs(place.Options),
            FromMemory = ClientOptions.FromMemory(place.Options),
            LockGraceMs = ClientOptions.LockGraceMs(place.Options),
        })
    {
    }

    private JournalClient(TranslatorPlace place, Server[] members, JournalRules rules)
        : base(
            place, members, new LeaderFinder(place.Name, place.Seams, members, rules), rules,
            SpreadOf(place, members))
    {
        _rules = rules;
        _lease = new LeaderLease(this);
        Finder.Taking = _lease.Follow;
    }

    public static TranslatorRegistration Registration { get; } =
        new(
            "cluster/journal-client",
            static place => new JournalClient(place),
            ClientOptions.Table,
            Maturity.Experimental)
        {
            SubvolumesMax = ClientOptions.MembersMax,
        };

    /// <summary>The promise is that of the leader, while fops go there.</summary>
    public void WatchLease(ICacheLeaseWatcher? watcher) => _lease.Watch(watcher);

    public override bool Reconfigure(OptionValues options)
    {
        if (options.Text(ClientOptions.Members) != Options.Text(ClientOptions.Members)
            || options.Text(ClientOptions.Near) != Options.Text(ClientOptions.Near)
            || options.Text(ClientOptions.Readers) != Options.Text(ClientOptions.Readers))
        {
            return false;
        }

        Rules.WaitMs = ClientOptions.WaitMs(options);
        Sender.Spread?.BytesMin = options.Size(ClientOptions.ReadSize);
        _rules.FromMemory = ClientOptions.FromMemory(options);
        Rules.LockGraceMs = ClientOptions.LockGraceMs(options);
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("leader", Finder.Choice?.Server.Number.ToString(CultureInfo.InvariantCulture) ?? "none");
        dump.Put("acknowledge", _rules.FromMemory ? "memory" : "disk");
        dump.Put("leader.moves", Finder.Moves);
        dump.Put("leader.probes", Finder.Probes);
        dump.Put("leader.waiting", Finder.WaitingCount);
        base.DumpState(dump);
        DumpServers(dump, "member");
    }

    private static Server[] MembersOf(TranslatorPlace place)
    {
        var count = place.Subvolumes.Count;
        var text = place.Options.Text(ClientOptions.Members);
        var numbers = text.Length == 0
            ? [.. Enumerable.Range(0, count)]
            : text.Split(',', StringSplitOptions.TrimEntries).Select(NumberOf).ToArray();
        return numbers.Length == count && !numbers.Contains(-1) && numbers.Distinct().Count() == count
            ? [.. place.Subvolumes.Select((subvolume, i) => new Server(i, numbers[i], subvolume))]
            : throw BadOption(
                $"volume {place.Name}: option {ClientOptions.Members} must have the member numbers (0 to 255) of its "
                + $"{count} subvolumes in their order, separated by commas, not '{text}'");
    }

    private static ReadSpread? SpreadOf(TranslatorPlace place, Server[] members)
    {
        var near = Named(place, ClientOptions.Near, members);
        var readers = Named(place, ClientOptions.Readers, members);
        return near.Length + readers.Length == 0
            ? null : new ReadSpread(place.Seams, members.Length, near.FirstOrDefault(), readers)
            {
                BytesMin = place.Options.Size(ClientOptions.ReadSize),
            };
    }

    private static Server[] Named(TranslatorPlace place, string option, Server[] members)
    {
        var numbers = place.Options.Words(option);
        var named = members.Where(m => numbers.Select(NumberOf).Contains(m.Number)).ToArray();
        return named.Length == numbers.Length ? named
            : throw BadOption(
                $"volume {place.Name}: option {option} must have numbers of members, separated by commas, not "
                + $"'{place.Options.Text(option)}'");
    }

    private static int NumberOf(string text) =>
        byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
}
