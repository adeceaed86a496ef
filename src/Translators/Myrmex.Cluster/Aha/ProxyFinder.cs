using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Cluster.Sending;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Aha;

/// <summary>
/// Finds a proxy that serves: the local ones first, then those that are near, then all in their order, begun at a place
/// that differs between clients; those that were left lately come last. One that does not answer at once gets company.
/// </summary>
internal sealed class ProxyFinder : ServerFinder
{
    /// <summary>The next proxy is asked as well when the former has not answered by then.</summary>
    public const long CompanyMs = 300;

    /// <summary>So long a proxy that was left comes after the others.</summary>
    public const long RestMs = 30_000;

    /// <summary>So long a proxy that does not answer is not asked again; each time it is twice as long.</summary>
    public const long PatienceMs = 20_000;

    public const long PatienceMsMax = 80_000;

    private const long GlanceMs = 20;

    private readonly Server[] _local; // In their order.
    private readonly Server[] _others; // In their order, begun at a random one.
    private volatile Server[] _preferred;
    private readonly long[] _leftNs; // By index; 0 for one that was never left.
    private readonly Lock _probeLock = new(); // Guards _probes and what they hold; a leaf lock.
    private readonly Probe?[] _probes; // By index: what was asked last and has no answer yet.
    private Late? _late;
    private Race? _race; // Of the present search, or the last one.

    public ProxyFinder(
        string volume, Seams seams, Server[] proxies, string[] local, string[] near, SendingRules rules)
        : base(volume, seams, proxies, rules)
    {
        var start = (int)(Next(seams) % (uint)proxies.Length);
        _local = [.. proxies.Where(p => local.Contains(p.Translator.Name))];
        _others =
        [
            .. proxies.Select((_, i) => proxies[(start + i) % proxies.Length])
                .Where(p => !local.Contains(p.Translator.Name)),
        ];
        _preferred = Preferred(near);
        _leftNs = new long[proxies.Length];
        _probes = new Probe?[proxies.Length];
    }

    /// <summary>Which proxies come after the local ones, from the next choice on.</summary>
    public void SetNear(string[] near) => _preferred = Preferred(near);

    private Server[] Preferred(string[] near) =>
        [.. _local, .. _others.OrderBy(p => near.Contains(p.Translator.Name) ? 0 : 1)]; // A stable order.

    protected override async ValueTask<Server?> FindAsync()
    {
        if (Moves == 0)
        {
            await HearFirstAsync();
        }
        else if (TakeLate() is { } late)
        {
            return late;
        }

        return await FirstOfAsync(Ordered(mayBeUp: true)) ?? await FirstOfAsync(Ordered(mayBeUp: false));
    }

    private async ValueTask<Server?> FirstOfAsync(Server[] proxies)
    {
        var race = new Race(Seams);
        Volatile.Write(ref _race, race);
        foreach (var proxy in proxies)
        {
            Run(race, proxy);
            if (await race.WaitAsync(CompanyMs) is { } quick)
            {
                return quick;
            }
        }

        return await race.WaitAsync(SendingLimits.ProbeMs);
    }

    /// <summary>
    /// One that comes while others are asked, and do not answer, is asked as well: a proxy that died is back after a
    /// moment, and the other may have no way to the bricks. At the beginning all come, and their order counts.
    /// </summary>
    public override void CameUp(Server server)
    {
        if (Moves > 0 && Choice is null && Volatile.Read(ref _race) is { IsOpen: true } race)
        {
            Run(race, server);
        }
    }

    /// <summary>At the beginning the first of all is given the time to attach.</summary>
    private async ValueTask HearFirstAsync()
    {
        for (var waitedMs = 0L; waitedMs < CompanyMs && !_preferred[0].IsHeard; waitedMs += GlanceMs)
        {
            var glance = new Waiter(Seams);
            glance.EndAfter(GlanceMs);
            await glance.Task;
        }
    }

    protected override void OnLost(Server server) => Volatile.Write(ref _leftNs[server.Index], Seams.Clock.MonotonicNs);

    /// <summary>A proxy that was away has forgotten everything.</summary>
    protected override bool IsSame(Choice former, Server found) =>
        former.Server == found && former.Losses == found.Losses;

    /// <summary>Clients that have lost the same proxy do not come back at the same moment.</summary>
    protected override long NextPauseMs(long pauseMs) => (pauseMs / 2) + (Next(Seams) % (pauseMs / 2));

    private static uint Next(Seams seams)
    {
        Span<byte> bytes = stackalloc byte[4];
        seams.Random.Fill(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes);
    }

    /// <summary>
    /// Those that have said that they are down are asked when no other one serves: one that drains serves who has
    /// nowhere else to go. The others answer at once that they are away.
    /// </summary>
    private Server[] Ordered(bool mayBeUp)
    {
        var nowNs = Seams.Clock.MonotonicNs;
        return [.. _preferred.Where(p => p.MayBeUp == mayBeUp).OrderBy(p => RestsSince(p, nowNs))]; // A stable order.
    }

    private long RestsSince(Server proxy, long nowNs)
    {
        var leftNs = Volatile.Read(ref _leftNs[proxy.Index]);
        return leftNs > 0 && nowNs - leftNs < RestMs * 1_000_000 ? leftNs : 0;
    }

    /// <summary>
    /// A proxy that has not answered yet is not asked again for a while: it is slow because too many ask it, and to ask
    /// again and again would make it slower. One that was lost meanwhile answers that, and is asked anew.
    /// </summary>
    private void Run(Race race, Server proxy)
    {
        race.Begin();
        var nowNs = Seams.Clock.MonotonicNs;
        Probe probe;
        lock (_probeLock)
        {
            var last = _probes[proxy.Index];
            if (last is not null && nowNs - last.SinceNs < last.PatienceMs * 1_000_000)
            {
                last.Races.Add(race);
                return;
            }

            var patienceMs = last is null ? PatienceMs : Math.Min(last.PatienceMs * 2, PatienceMsMax);
            probe = new Probe(proxy, nowNs, patienceMs);
            probe.Races.Add(race);
            _probes[proxy.Index] = probe;
        }

        _ = AskAsync(probe);
    }

    private async Task AskAsync(Probe probe)
    {
        var serves = await ServesAsync(probe.Proxy);
        Race[] races;
        lock (_probeLock)
        {
            races = [.. probe.Races];
            if (ReferenceEquals(_probes[probe.Proxy.Index], probe))
            {
                _probes[probe.Proxy.Index] = null;
            }
        }

        Array.ForEach(races, r => r.End(serves ? probe.Proxy : null));
    }

    private async Task<bool> ServesAsync(Server proxy)
    {
        var losses = proxy.Losses;
        var (serves, _) = await AskAsync(proxy);
        if (serves)
        {
            Volatile.Write(ref _late, new Late(proxy, losses, Seams.Clock.MonotonicNs));
            HurryUp();
        }

        return serves;
    }

    /// <summary>The proxy that has said, between two rounds, that it serves.</summary>
    private Server? TakeLate() =>
        Interlocked.Exchange(ref _late, null) is { } late && late.Proxy.Losses == late.Losses && late.Proxy.MayBeUp
            && Seams.Clock.MonotonicNs - late.SinceNs < SendingLimits.ProbeMs * 1_000_000
            && late.SinceNs > Volatile.Read(ref _leftNs[late.Proxy.Index])
            ? late.Proxy : null;

    /// <summary>A question that has no answer yet, and the searches that wait for it.</summary>
    private sealed class Probe(Server proxy, long sinceNs, long patienceMs)
    {
        public Server Proxy => proxy;

        public long SinceNs => sinceNs;

        public long PatienceMs => patienceMs;

        public List<Race> Races { get; } = [];
    }

    /// <summary>Somebody has said that it serves, at that time and before it was lost once more.</summary>
    private sealed record Late(Server Proxy, int Losses, long SinceNs);

    /// <summary>Proxies that have been asked, until one serves.</summary>
    private sealed class Race(Seams seams)
    {
        private readonly Lock _lock = new(); // Guards the fields below; a leaf lock.
        private int _running;
        private Server? _winner;
        private Waiter? _waiter;

        /// <summary>Somebody has been asked and has not answered, and nobody serves yet.</summary>
        public bool IsOpen
        {
            get
            {
                lock (_lock)
                {
                    return _running > 0 && _winner is null;
                }
            }
        }

        public void Begin()
        {
            lock (_lock)
            {
                _running++;
            }
        }

        public void End(Server? winner)
        {
            Waiter? waiter;
            lock (_lock)
            {
                _running--;
                _winner ??= winner;
                waiter = _winner is not null || _running == 0 ? _waiter : null;
            }

            waiter?.TryComplete(true);
        }

        /// <summary>The first one that serves; null when none does, or not in time.</summary>
        public async ValueTask<Server?> WaitAsync(long limitMs)
        {
            var waiter = new Waiter(seams);
            lock (_lock)
            {
                if (_winner is not null || _running == 0)
                {
                    return _winner;
                }

                _waiter = waiter;
            }

            waiter.EndAfter(limitMs);
            await waiter.Task;
            lock (_lock)
            {
                return _winner;
            }
        }
    }
}
