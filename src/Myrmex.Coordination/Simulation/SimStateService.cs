using System;
using System.Collections.Generic;
using System.Globalization;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Coordination.Simulation;

/// <summary>How often and how badly the way to a simulated state store fails.</summary>
public sealed record SimStateFaults
{
    public static SimStateFaults None => new();

    /// <summary>One way takes 0 to this many milliseconds.</summary>
    public int DelayMsMax { get; init; } = 2;

    /// <summary>Of 1000 requests, so many never arrive.</summary>
    public int LostRequests { get; init; }

    /// <summary>Of 1000 answers, so many never arrive: the change was made and its maker does not know.</summary>
    public int LostAnswers { get; init; }

    /// <summary>Of 1000 messages, so many are late by up to <see cref="LateMsMax"/>.</summary>
    public int Late { get; init; }

    public int LateMsMax { get; init; } = 10_000;
}

/// <summary>
/// The twin of an etcd cluster in a simulated world: one linearizable store, reached over ways that fail, with pauses
/// for elections, partitions of clients, compaction and the end of leases. A request that is under way survives its
/// caller's patience: it may take effect long after the caller gave up, as a real one may.
/// </summary>
public sealed class SimStateService
{
    private const long ExpirePeriodMs = 500;

    private readonly SimWorld _world;
    private readonly MemoryStore _store;
    private readonly HashSet<string> _cut = new(StringComparer.Ordinal);
    private readonly List<Action> _held = []; // Arrived while no member leads.
    private readonly List<Action> _watchers = []; // Long polls that wait for the next change, in order.
    private Revision _told;
    private long _pausedUntilNs;

    public SimStateService(SimWorld world, int historyRevisionsMax = Limits.HistoryRevisionsMax)
    {
        _world = world;
        _store = new MemoryStore(new WorldClock(world), historyRevisionsMax);
        Expire();
    }

    public SimStateFaults Faults { get; set; } = SimStateFaults.None;

    /// <summary>The state itself, for checks of a test; not over any way.</summary>
    public IStateStore Truth => _store;

    public Revision Revision => _store.Engine.Revision;

    /// <summary>
    /// The store as a process on <paramref name="node"/> sees it. Ask again after a restart of the node.
    /// </summary>
    /// <param name="timeoutMs">After which a call without an answer throws.</param>
    public SimStateClient Connect(SimNode node, long timeoutMs = 5_000) => new(this, node, timeoutMs);

    /// <summary>No message between the node and the store arrives from now on; also none that is under way.</summary>
    public void Cut(SimNode node)
    {
        _world.Note($"state store: {node.Name} is cut off");
        _cut.Add(node.Name);
    }

    public void Heal(SimNode node)
    {
        _world.Note($"state store: {node.Name} is connected");
        _cut.Remove(node.Name);
    }

    /// <summary>
    /// An election: nothing is served for a while; what arrives meanwhile waits. Afterwards leases have their full time
    /// again, as the new leader of etcd gives it to them.
    /// </summary>
    public void ElectLeader(long ms)
    {
        _world.Note(string.Create(CultureInfo.InvariantCulture, $"state store: election for {ms} ms"));
        _pausedUntilNs = Math.Max(_pausedUntilNs, _world.NowNs + (ms * 1_000_000));
        _world.After(ms, Resume);
    }

    /// <summary>Forgets the changes of all revisions up to now.</summary>
    public void Compact()
    {
        _world.Note($"state store: compacted at {Revision}");
        _store.Engine.Compact();
        Tell();
    }

    /// <summary>Ends a lease now, as if its owner had not been heard of for long.</summary>
    public void EndLease(LeaseId lease)
    {
        _world.Note(string.Create(CultureInfo.InvariantCulture, $"state store: lease {lease.Value} ends"));
        Completed(_store.RevokeLeaseAsync(lease, CancellationToken.None));
        Tell();
    }

    /// <summary>Brings a request from the node to the store.</summary>
    internal void Send(SimNode node, Action<IStateStore> request) => Travel(node, Faults.LostRequests, () =>
    {
        if (_world.NowNs < _pausedUntilNs)
        {
            _held.Add(() => Serve(request));
            return;
        }

        Serve(request);
    });

    /// <summary>Brings an answer to the loop of the node.</summary>
    internal void Answer(SimNode node, IScheduler loop, Action answer) =>
        Travel(node, Faults.LostAnswers, () => loop.Post(answer));

    /// <summary>
    /// Calls back with the next changes of the range from a revision on, when there are some, or with why there cannot
    /// be any; once.
    /// </summary>
    internal void AwaitBatch(KeyRange range, Revision from, Action<WatchBatch?, Revision, Exception?> found)
    {
        try
        {
            from = from == Revision.None ? Revision.Next : from;
            var batch = _store.Engine.NextBatch(range, from, out var next);
            if (batch is null)
            {
                _watchers.Add(() => AwaitBatch(range, next, found));
                return;
            }

            found(batch, next, null);
        }
        catch (RevisionCompactedException e)
        {
            found(null, from, e);
        }
    }

    internal static void Completed(System.Threading.Tasks.Task task)
    {
        Invariant.Check(task.IsCompleted); // A store in memory never waits when it is used by one thread.
        task.GetAwaiter().GetResult();
    }

    private void Travel(SimNode node, int lost, Action arrive)
    {
        var random = _world.Random;
        var isLost = random.Between(0, 999) < lost;
        var delayMs = random.Between(0, Faults.DelayMsMax)
            + (random.Between(0, 999) < Faults.Late ? random.Between(0, Faults.LateMsMax) : 0);
        if (isLost)
        {
            _world.Note($"state store: a message of {node.Name} is lost");
            return;
        }

        _world.After(delayMs, () =>
        {
            if (!_cut.Contains(node.Name))
            {
                arrive();
            }
        });
    }

    private void Serve(Action<IStateStore> request)
    {
        request(_store);
        Tell();
    }

    /// <summary>Lets watchers look when something has changed.</summary>
    private void Tell()
    {
        if (_told == Revision && _watchers.Count == 0)
        {
            return;
        }

        _told = Revision;
        var watchers = _watchers.ToArray();
        _watchers.Clear();
        foreach (var watcher in watchers)
        {
            watcher();
        }
    }

    private void Resume()
    {
        if (_world.NowNs < _pausedUntilNs)
        {
            return; // Another election began meanwhile.
        }

        _store.Engine.RenewLeases(_world.NowNs);
        var held = _held.ToArray();
        _held.Clear();
        foreach (var request in held)
        {
            request();
        }
    }

    private void Expire()
    {
        if (_world.NowNs >= _pausedUntilNs)
        {
            Completed(_store.ExpireLeasesAsync(CancellationToken.None));
            Tell();
        }

        _world.After(ExpirePeriodMs, Expire);
    }

    /// <summary>Leases run by the world's time; while no member leads, none ends.</summary>
    private sealed class WorldClock(SimWorld world) : IClock
    {
        public long MonotonicNs => world.NowNs;

        public long WallNs => world.NowNs;
    }
}
