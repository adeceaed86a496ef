using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Cluster.Sending;
using Myrmex.Graph;

namespace Myrmex.Cluster.Aha;

/// <summary>
/// cluster/aha: one volume from the proxies that serve it. Sends everything to one proxy, keeps what is under way when
/// that is lost, and sends it again to another, so that each fop takes effect once and nobody above notices.
/// See README.md.
/// </summary>
public sealed class Aha : ServerClient
{
    /// <summary>
    /// So often a proxy is asked for something while locks are held: it must be noticed when it vanishes, also by a
    /// client that does nothing, for others may get its locks.
    /// </summary>
    private const long BeatMs = 500;

    private readonly Lock _lock = new(); // Guards _beat and _isStarted; a leaf lock.
    private IDisposable? _beat;
    private bool _isStarted;
    private int _isBeating;

    public Aha(TranslatorPlace place)
        : this(place, ProxiesOf(place), new AhaRules(place.Seams) { WaitMs = AhaOptions.WaitMs(place.Options) })
    {
    }

    private Aha(TranslatorPlace place, Server[] proxies, AhaRules rules)
        : base(
            place, proxies,
            new ProxyFinder(
                place.Name, place.Seams, proxies, place.Options.Words(AhaOptions.Local),
                place.Options.Words(AhaOptions.Near), rules),
            rules, SpreadOf(place, proxies))
    {
    }

    public static TranslatorRegistration Registration { get; } =
        new("cluster/aha", static place => new Aha(place), AhaOptions.Table, Maturity.Experimental)
        {
            SubvolumesMax = SendingLimits.ServersMax,
        };

    /// <summary>Once there was a proxy, nobody above hears that there is none for a while.</summary>
    private protected override bool GoesDown => false;

    public override void Start()
    {
        base.Start();
        lock (_lock)
        {
            _isStarted = true;
        }

        ScheduleBeat();
    }

    public override void Stop()
    {
        lock (_lock)
        {
            _isStarted = false;
            _beat?.Dispose();
        }

        base.Stop();
    }

    public override bool Reconfigure(OptionValues options)
    {
        if (options.Text(AhaOptions.Local) != Options.Text(AhaOptions.Local)
            || options.Text(AhaOptions.Readers) != Options.Text(AhaOptions.Readers))
        {
            return false;
        }

        Rules.WaitMs = AhaOptions.WaitMs(options);
        Sender.Spread?.BytesMin = options.Size(AhaOptions.ReadSize);
        ((ProxyFinder)Finder).SetNear(options.Words(AhaOptions.Near));
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("proxy", Finder.Choice?.Server.Translator.Name ?? "none");
        dump.Put("proxy.moves", Finder.Moves);
        dump.Put("proxy.probes", Finder.Probes);
        dump.Put("proxy.waiting", Finder.WaitingCount);
        base.DumpState(dump);
        DumpServers(dump, "proxy");
    }

    private void ScheduleBeat()
    {
        lock (_lock)
        {
            _beat = _isStarted ? Seams.Scheduler.Schedule(BeatMs, Beat) : null;
        }
    }

    private void Beat()
    {
        if ((!Sender.Fds.Locks.IsEmpty || Sender.LeasesCount > 0) && Finder.Choice is { } choice)
        {
            Check(choice.Server);
        }

        ScheduleBeat();
    }

    /// <summary>
    /// What is answered does not matter: protocol/client notices when nothing is. It asks the proxy alone; a fop would
    /// go on to the bricks, for each of thousands of clients that do nothing.
    /// </summary>
    private void Check(Server server)
    {
        if (server.Translator is IServerCheck check)
        {
            check.Check();
        }
        else if (Interlocked.Exchange(ref _isBeating, 1) == 0)
        {
            _ = BeatAsync(server);
        }
    }

    private async Task BeatAsync(Server server)
    {
        await Finder.AskAsync(server);
        Volatile.Write(ref _isBeating, 0);
    }

    /// <summary>A proxy on the client's own machine is the one for all of its reads.</summary>
    private static ReadSpread? SpreadOf(TranslatorPlace place, Server[] proxies)
    {
        var local = place.Options.Words(AhaOptions.Local);
        var names = place.Options.Words(AhaOptions.Readers);
        var readers = proxies.Where(p => names.Contains(p.Translator.Name)).ToArray();
        return readers.Length == 0 || local.Length > 0
            ? null : new ReadSpread(place.Seams, proxies.Length, null, readers)
            {
                BytesMin = place.Options.Size(AhaOptions.ReadSize),
            };
    }

    private static Server[] ProxiesOf(TranslatorPlace place) =>
        [.. place.Subvolumes.Select((subvolume, i) => new Server(i, i, subvolume))];
}
