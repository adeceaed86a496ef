using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Graph;

namespace Myrmex.Performance;

/// <summary>
/// performance/shared-cache: answers the looks of all clients of a proxy from memory, as long as the bricks promise to
/// tell before anybody changes what is kept. See README.md.
/// </summary>
public sealed class SharedCache : Uniform<SharedCachePolicy>
{
    private readonly Lock _guard = new(); // Guards _isStarted and _isWatching, and what is done when they change.
    private readonly List<Translator> _leaves = [];
    private bool _isStarted;
    private bool _isWatching;

    public SharedCache(TranslatorPlace place)
        : base(place, new SharedCachePolicy(new SharedCacheState(place.Seams.Clock, place.Slot)))
    {
        AddLeaves(this, _leaves);
        Policy.State.Take(place.Options);
    }

    public static TranslatorRegistration Registration { get; } = new(
        "performance/shared-cache", static place => new SharedCache(place), SharedCacheOptions.All,
        Maturity.Experimental);

    /// <summary>Counters since the start, and bytes kept now.</summary>
    public (long Hits, long Misses, long Invalidations, long Bytes) Figures =>
        (Policy.State.Hits, Policy.State.Misses, Store.Invalidations, Store.Figures.Bytes);

    internal SharedCacheStore Store => Policy.State.Store;

    public override void Start()
    {
        lock (_guard)
        {
            _isStarted = true;
            Watch(Policy.State.IsOn);
        }
    }

    public override void Stop()
    {
        lock (_guard)
        {
            _isStarted = false;
            Watch(isOn: false);
        }
    }

    public override bool Reconfigure(OptionValues options)
    {
        lock (_guard)
        {
            Policy.State.Take(options);
            Watch(Policy.State.IsOn && _isStarted);
        }

        return true;
    }

    public override void DumpState(StateDump dump)
    {
        var state = Policy.State;
        var (inodes, items, bytes) = state.Store.Figures;
        dump.Put("on", state.IsOn ? 1 : 0);
        dump.Put("leases", state.Store.LeasesHeld);
        dump.Put("leases-needed", _leaves.Count);
        dump.Put("inodes", inodes);
        dump.Put("items", items);
        dump.Put("bytes", bytes);
        dump.Put("hits", state.Hits);
        dump.Put("misses", state.Misses);
        dump.Put("invalidations", state.Store.Invalidations);
        dump.Put("losses", state.Store.Losses);
    }

    private static void AddLeaves(Translator at, List<Translator> leaves)
    {
        foreach (var below in at.Subvolumes)
        {
            if (below is ICacheLease || below.Subvolumes.Count == 0)
            {
                leaves.Add(below);
                continue; // It answers for all below it.
            }

            AddLeaves(below, leaves);
        }
    }

    /// <summary>A leaf that cannot promise anything is one too many: then nothing is ever kept.</summary>
    private void Watch(bool isOn)
    {
        if (isOn == _isWatching)
        {
            return;
        }

        _isWatching = isOn;
        Store.Open(isOn ? _leaves.Count : 0);
        foreach (var leaf in _leaves.OfType<ICacheLease>())
        {
            leaf.WatchLease(isOn ? Store : null);
        }

        if (!isOn)
        {
            Store.Close(); // Also what came meanwhile.
        }
    }
}
