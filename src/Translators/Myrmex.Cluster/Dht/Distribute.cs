using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// cluster/distribute: one volume over many subvolumes. A directory exists on all of them, a file on the one whose hash
/// range (kept per directory) contains the hash of its name; a file that lies elsewhere has a link file there.
/// Concurrent GlusterFS clients may use the same subvolumes: names, ranges, link files, locks and their order are
/// theirs.
/// </summary>
/// <remarks>
/// With a single subvolume nothing can lie elsewhere: every fop is passed on, except that mkdir gives the new directory
/// the full range and virtual attributes are answered.
/// </remarks>
public sealed partial class Distribute : Translator
{
    private const string Room = "dht";

    private readonly Subvolume[] _subvolumes;
    private readonly Subvolume[] _byName;
    private readonly NameMunger _munger;
    private readonly GfidMap<FileState> _files = new(DhtLimits.FilesMax);
    private readonly GfidMap<DirectoryState> _directories = new(DhtLimits.DirectoriesMax);
    private readonly GfidMap<NameHint> _hints = new(DhtLimits.NameHintsMax);
    private readonly Lock _eventLock = new(); // Guards _announced, _events and _sending; a leaf lock.
    private readonly Queue<GraphEventKind> _events = new();
    private readonly bool _isSingle;
    private readonly int _fdSlots; // Fds opened by this translator itself need room for every context below it.
    private volatile DhtSettings _settings;
    private int _generation;
    private bool _announced;
    private bool _sending;

    public Distribute(TranslatorPlace place)
        : base(place)
    {
        _settings = new DhtSettings(place.Options);
        _munger = new NameMunger(
            place.Options.Text(DhtOptions.RsyncHashRegex), place.Options.Text(DhtOptions.ExtraHashRegex));
        _subvolumes = new Subvolume[place.Subvolumes.Count];
        for (var i = 0; i < _subvolumes.Length; i++)
        {
            _subvolumes[i] = new Subvolume(i, place.Subvolumes[i]);
        }

        _isSingle = _subvolumes.Length == 1;
        _byName = SortByName(_subvolumes);
        _fdSlots = HighestSlot(this) + 1;
        MarkDecommissioned();
    }

    public static TranslatorRegistration Registration { get; } =
        new("cluster/distribute", static place => new Distribute(place), DhtOptions.Table, Maturity.Experimental)
        {
            SubvolumesMax = DhtLimits.SubvolumesMax,
        };

    /// <summary>
    /// The first report of an arrival goes up when every subvolume has said something and one is up, so that the root
    /// can be looked up everywhere at once. Later arrivals are passed on; a departure only when nobody is left, because
    /// the volume as a whole still works.
    /// </summary>
    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        switch (graphEvent.Kind)
        {
            case GraphEventKind.ChildUp:
                Report(source, up: true);
                break;
            case GraphEventKind.ChildDown:
                Report(source, up: false);
                break;
            default:
                NotifyParents(in graphEvent);
                break;
        }
    }

    public override bool Reconfigure(OptionValues options)
    {
        if (options.Text(DhtOptions.RsyncHashRegex) != Options.Text(DhtOptions.RsyncHashRegex)
            || options.Text(DhtOptions.ExtraHashRegex) != Options.Text(DhtOptions.ExtraHashRegex))
        {
            return false;
        }

        _settings = new DhtSettings(options);
        MarkDecommissioned();
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        dump.Put("subvolumes", _subvolumes.Length);
        dump.Put("generation", Volatile.Read(ref _generation));
        dump.Put("volume-commit-hash", VolumeCommitHash);
        dump.Put("files-remembered", _files.Count);
        dump.Put("directories-remembered", _directories.Count);
        dump.Put("names-remembered", _hints.Count);
        foreach (var subvolume in _subvolumes)
        {
            dump.Put($"subvolume[{subvolume.Index}].name", subvolume.Name);
            var state = subvolume.IsUp ? "up" : subvolume.HasReported ? "down" : "unheard";
            dump.Put($"subvolume[{subvolume.Index}].state", state);
            dump.Put($"subvolume[{subvolume.Index}].decommissioned", subvolume.IsDecommissioned);
        }
    }

    private static Subvolume[] SortByName(Subvolume[] subvolumes)
    {
        var sorted = (Subvolume[])subvolumes.Clone();
        Array.Sort(sorted, static (a, b) =>
            Encoding.UTF8.GetBytes(a.Name).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(b.Name)));
        for (var i = 0; i < sorted.Length; i++)
        {
            sorted[i].Order = i;
            var key = NameHash.Compute(Encoding.UTF8.GetBytes(sorted[i].Name));
            while (key == 0 || Array.Exists(sorted, s => s.Key == key))
            {
                key++;
            }

            sorted[i].Key = key;
        }

        return sorted;
    }

    private void MarkDecommissioned()
    {
        foreach (var subvolume in _subvolumes)
        {
            subvolume.IsDecommissioned = _settings.Decommissioned.Contains(subvolume.Name);
        }
    }

    private void Report(Translator source, bool up)
    {
        var subvolume = Array.Find(_subvolumes, s => s.Translator == source);
        if (subvolume is null)
        {
            return;
        }

        lock (_eventLock)
        {
            var changed = subvolume.Report(up);
            if (changed && up)
            {
                // What was looked up without this subvolume is looked up again before it is relied upon.
                Interlocked.Increment(ref _generation);
            }

            if (EventFor(up, changed) is { } kind)
            {
                _announced |= kind == GraphEventKind.ChildUp;
                _events.Enqueue(kind);
            }
        }

        SendEvents();
    }

    private GraphEventKind? EventFor(bool up, bool changed)
    {
        var anyUp = false;
        foreach (var subvolume in _subvolumes)
        {
            if (!subvolume.HasReported)
            {
                return null;
            }

            anyUp |= subvolume.IsUp;
        }

        return anyUp && (!_announced || (up && changed)) ? GraphEventKind.ChildUp
            : !anyUp && changed ? GraphEventKind.ChildDown
            : null;
    }

    /// <summary>Passes events on in order, one thread at a time and without the lock.</summary>
    private void SendEvents()
    {
        while (true)
        {
            GraphEventKind kind;
            lock (_eventLock)
            {
                if (_sending || !_events.TryDequeue(out kind))
                {
                    return;
                }

                _sending = true;
            }

            NotifyParents(new GraphEvent(kind));
            lock (_eventLock)
            {
                _sending = false;
            }
        }
    }

    private Subvolume? SubvolumeNamed(ReadOnlySpan<byte> linkTo)
    {
        foreach (var subvolume in _subvolumes)
        {
            if (subvolume.IsNamed(linkTo))
            {
                return subvolume;
            }
        }

        return null;
    }
}
