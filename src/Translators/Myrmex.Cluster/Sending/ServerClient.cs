using System;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// A translator that asks one of its subvolumes for everything, whichever is the one to ask: the base of
/// cluster/journal-client and cluster/aha.
/// </summary>
public abstract class ServerClient : Uniform<ServerClientPolicy>
{
    private readonly Lock _eventLock = new(); // Guards the fields below; a leaf lock.
    private bool _isUp;
    private bool? _told; // What the parents have heard last.
    private bool _isTelling;
    private bool _isStarted;
    private IDisposable? _patience;

    private protected ServerClient(
        TranslatorPlace place, Server[] servers, ServerFinder finder, SendingRules rules, ReadSpread? spread)
        : base(
            place,
            new ServerClientPolicy(
                servers, finder, new Sender(place, finder, servers, rules) { Spread = spread }, rules))
    {
        finder.Found += () => Tell(up: true);
        Sender.Recalled = recall => NotifyParents(in recall);
    }

    private protected ServerFinder Finder => Policy.Finder;

    private protected Sender Sender => Policy.Sender;

    private protected Server[] Servers => Policy.Servers;

    private protected SendingRules Rules => Policy.Rules;

    /// <summary>It says that it is down when no server is attached any more, or stays up once it was.</summary>
    private protected virtual bool GoesDown => true;

    /// <summary>
    /// Looks for a server, and says that it is down if none is found in time: whoever waits for the first report of all
    /// subvolumes must not wait for ever.
    /// </summary>
    public override void Start()
    {
        lock (_eventLock)
        {
            _isStarted = true;
            _patience = Seams.Scheduler.Schedule(
                Math.Min(Rules.WaitMs, SendingLimits.PatienceMsMax), OnPatienceEnds);
        }

        Finder.Want(Array.Exists(Servers, static s => s.IsUp));
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
    /// It is up from the moment a server is found until none is attached any more. Other events go on; of locks only
    /// those of the server that is asked, which alone has any.
    /// </summary>
    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        var server = Array.Find(Servers, s => s.Translator == source);
        switch (graphEvent.Kind)
        {
            case GraphEventKind.ChildUp or GraphEventKind.ChildDown when server is not null:
                Report(server, graphEvent.Kind == GraphEventKind.ChildUp);
                break;
            case GraphEventKind.LockContention when Finder.Choice is { } choice && choice.Server != server:
                break;
            case GraphEventKind.RecallLease:
                Sender.Recall(in graphEvent);
                break;
            case GraphEventKind.LeasesUnsure:
                break; // They do not go with a connection: it is looked after them wherever the next server is.
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

    public override void DumpState(StateDump dump)
    {
        var session = Sender.Sessions.Current;
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
        dump.Put("leases", Sender.LeasesCount);
        if (Sender.Spread is { } spread)
        {
            dump.Put("reads.elsewhere", spread.Sent);
            dump.Put("reads.elsewhere.failed", spread.Failed);
        }

        if (Sender.Admission is { } admission)
        {
            dump.Put("kept.fops", admission.Entries);
            dump.Put("kept.bytes", admission.Bytes);
            dump.Put("kept.waiting", admission.WaitingCount);
            dump.Put("kept.in-order", Sender.TurnsCount);
        }
    }

    private protected void DumpServers(StateDump dump, string word)
    {
        foreach (var server in Servers)
        {
            dump.Put($"{word}[{server.Number}].name", server.Translator.Name);
            dump.Put($"{word}[{server.Number}].state", server.StateText);
            dump.Put($"{word}[{server.Number}].losses", server.Losses);
        }
    }

    private void Report(Server server, bool up)
    {
        server.Report(up);
        if (up)
        {
            Finder.CameUp(server);
        }
        else
        {
            Finder.Lost(server);
        }

        if (Array.TrueForAll(Servers, static s => !s.MayBeUp))
        {
            Finder.Want(false);
            Tell(up: false);
            return;
        }

        bool isStarted;
        lock (_eventLock)
        {
            isStarted = _isStarted;
        }

        if (up || !GoesDown || Sender.HoldsLocks || Sender.HasFiles)
        {
            Finder.Want(isStarted && Finder.Choice is null);
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
            _isUp = up || (_isUp && !GoesDown);
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
public readonly struct ServerClientPolicy : IFopPolicy
{
    internal ServerClientPolicy(Server[] servers, ServerFinder finder, Sender sender, SendingRules rules)
    {
        Servers = servers;
        Finder = finder;
        Sender = sender;
        Rules = rules;
    }

    internal Server[] Servers { get; }

    internal ServerFinder Finder { get; }

    internal Sender Sender { get; }

    internal SendingRules Rules { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> => Sender.Handle<TFop, TReply>(in fop, call);
}
