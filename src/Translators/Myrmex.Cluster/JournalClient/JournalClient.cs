using System;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// cluster/journal-client: one volume from the members of a replica set. Finds the leader, sends it every fop, and
/// sends again what a change of leader has interrupted, so that each fop takes effect once and nobody above notices.
/// See README.md.
/// </summary>
public sealed class JournalClient : Uniform<JournalClientPolicy>
{
    private readonly Lock _eventLock = new(); // Guards the fields below; a leaf lock.
    private bool _isUp;
    private bool? _told; // What the parents have heard last.
    private bool _isTelling;
    private bool _isStarted;
    private IDisposable? _patience;

    public JournalClient(TranslatorPlace place)
        : this(place, MembersOf(place))
    {
    }

    private JournalClient(TranslatorPlace place, Member[] members)
        : base(place, new JournalClientPolicy(place, members))
    {
        Policy.Finder.Found += () => Tell(up: true);
    }

    public static TranslatorRegistration Registration { get; } =
        new(
            "cluster/journal-client",
            static place => new JournalClient(place),
            ClientOptions.Table,
            Maturity.Experimental)
        {
            SubvolumesMax = ClientLimits.MembersMax,
        };

    private LeaderFinder Finder => Policy.Finder;

    private Sender Sender => Policy.Sender;

    /// <summary>
    /// Looks for a leader, and says that it is down if none is found in time: whoever waits for the first report of all
    /// subvolumes must not wait for ever.
    /// </summary>
    public override void Start()
    {
        lock (_eventLock)
        {
            _isStarted = true;
            _patience = Seams.Scheduler.Schedule(Sender.WaitMs, OnPatienceEnds);
        }

        Finder.Want(Array.Exists(Policy.Members, static m => m.IsUp));
    }

    public override void Stop()
    {
        lock (_eventLock)
        {
            _isStarted = false;
            _patience?.Dispose();
        }

        Sender.Stop();
        Finder.Stop();
    }

    /// <summary>
    /// It is up from the moment a leader is found until no member is attached any more. Other events go on; of locks
    /// only those of the leader, which alone has any.
    /// </summary>
    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        var member = Array.Find(Policy.Members, m => m.Translator == source);
        switch (graphEvent.Kind)
        {
            case GraphEventKind.ChildUp or GraphEventKind.ChildDown when member is not null:
                Report(member, graphEvent.Kind == GraphEventKind.ChildUp);
                break;
            case GraphEventKind.LockContention when Finder.Lead is { } lead && lead.Member != member:
                break;
            default:
                NotifyParents(in graphEvent);
                break;
        }
    }

    public override void ClientGone(ClientIdentity client)
    {
        Sender.ClientGone(client);
        base.ClientGone(client);
    }

    public override bool Reconfigure(OptionValues options)
    {
        if (options.Text(ClientOptions.Members) != Options.Text(ClientOptions.Members))
        {
            return false;
        }

        Sender.WaitMs = ClientOptions.WaitMs(options);
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        var session = Sender.Sessions.Current;
        dump.Put("leader", Finder.Lead?.Member.Number.ToString(CultureInfo.InvariantCulture) ?? "none");
        dump.Put("leader.moves", Finder.Moves);
        dump.Put("leader.probes", Finder.Probes);
        dump.Put("leader.waiting", Finder.WaitingCount);
        dump.Put("session", session?.Id.ToString("x32", CultureInfo.InvariantCulture) ?? "none");
        dump.Put("session.count", Sender.Sessions.Count);
        dump.Put("session.last", session?.Last ?? 0);
        dump.Put("session.outstanding", session is null ? 0 : session.Last - session.Acknowledged);
        dump.Put("session.waiting", Sender.Sessions.WaitingCount);
        dump.Put("retries", Sender.Retries);
        dump.Put("fds", Sender.Fds.Count);
        dump.Put("fds.moves", Sender.Fds.Moves);
        dump.Put("locks.posix", Sender.Fds.Locks.Count);
        dump.Put("locks.internal", Sender.InternalLocksCount);
        foreach (var member in Policy.Members)
        {
            dump.Put($"member[{member.Number}].name", member.Translator.Name);
            dump.Put($"member[{member.Number}].state", member.StateText);
            dump.Put($"member[{member.Number}].losses", member.Losses);
        }
    }

    private static Member[] MembersOf(TranslatorPlace place)
    {
        var count = place.Subvolumes.Count;
        var text = place.Options.Text(ClientOptions.Members);
        var numbers = text.Length == 0
            ? [.. Enumerable.Range(0, count)]
            : text.Split(',', StringSplitOptions.TrimEntries).Select(NumberOf).ToArray();
        return numbers.Length == count && !numbers.Contains(-1) && numbers.Distinct().Count() == count
            ? [.. place.Subvolumes.Select((subvolume, i) => new Member(i, numbers[i], subvolume))]
            : throw BadOption(
                $"volume {place.Name}: option {ClientOptions.Members} must have the member numbers (0 to 255) of its "
                + $"{count} subvolumes in their order, separated by commas, not '{text}'");
    }

    private static int NumberOf(string text) =>
        byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;

    private void Report(Member member, bool up)
    {
        member.Report(up);
        if (!up && Finder.Lead is { } lead && lead.Member == member)
        {
            Finder.Lost(lead, null);
        }

        if (Array.TrueForAll(Policy.Members, static m => !m.MayBeUp))
        {
            Finder.Want(false);
            Tell(up: false);
        }
        else if (up)
        {
            bool isStarted;
            lock (_eventLock)
            {
                isStarted = _isStarted;
            }

            Finder.Want(isStarted && Finder.Lead is null);
        }
    }

    private void OnPatienceEnds()
    {
        bool isUnheard;
        lock (_eventLock)
        {
            isUnheard = _isStarted && _told is null && !_isUp;
        }

        if (isUnheard)
        {
            Tell(up: false);
        }
    }

    /// <summary>Tells the parents what is new, in order, one thread at a time and without the lock.</summary>
    private void Tell(bool up)
    {
        lock (_eventLock)
        {
            _isUp = up;
            if (_isTelling)
            {
                return;
            }

            _isTelling = true;
        }

        while (true)
        {
            lock (_eventLock)
            {
                if (_told == _isUp)
                {
                    _isTelling = false;
                    return;
                }

                _told = up = _isUp;
            }

            NotifyParents(new GraphEvent(up ? GraphEventKind.ChildUp : GraphEventKind.ChildDown));
        }
    }
}

/// <summary>Every fop goes the same way: see <see cref="Sender"/>.</summary>
public readonly struct JournalClientPolicy : IFopPolicy
{
    internal JournalClientPolicy(TranslatorPlace place, Member[] members)
    {
        Members = members;
        Finder = new LeaderFinder(place.Name, place.Seams, members);
        Sender = new Sender(place, Finder, members) { WaitMs = ClientOptions.WaitMs(place.Options) };
    }

    internal Member[] Members { get; }

    internal LeaderFinder Finder { get; }

    internal Sender Sender { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> => Sender.Handle<TFop, TReply>(in fop, call);
}
