using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// Bricks that have failed, and bricks of replica sets that could not be started, are made anew after a pause, which
/// gets longer with every failure that follows soon.
/// </summary>
internal sealed partial class BrickHost
{
    private const long PauseMsMin = 1_000;
    private const long PauseMsMax = 60_000;

    /// <summary>Who has worked for so long begins with short pauses again.</summary>
    private const long WellNs = 600_000_000_000;

    private readonly Dictionary<string, Trouble> _troubles = new(StringComparer.Ordinal); // Guards itself.

    /// <summary>Why the brick of this name does not run; null when nothing is known.</summary>
    public string? ProblemOf(string brick)
    {
        lock (_troubles)
        {
            return _troubles.Values.FirstOrDefault(t => t.IsAway && t.Bricks.Contains(brick))?.Reason;
        }
    }

    private bool HasFailed(string path)
    {
        lock (_troubles)
        {
            return _troubles.TryGetValue(path, out var trouble) && trouble.MustRestart;
        }
    }

    private void Started(string path, TranslatorGraph graph)
    {
        lock (_troubles)
        {
            if (_troubles.TryGetValue(path, out var trouble))
            {
                trouble.MustRestart = trouble.IsAway = false;
                trouble.StartedNs = seams.Clock.MonotonicNs;
                trouble.Bricks = [.. graph.Top.Subvolumes.Select(s => s.Name)];
            }
        }
    }

    private void Failed(string path, string reason) => Plan(path, [], reason, isAway: false);

    /// <summary>Others are tried again when the list is read again.</summary>
    private void NotStarted(string path, VolfileDocument? document, string reason)
    {
        if (document is not null && document.Blocks.Any(b => b.Type == "cluster/journal"))
        {
            Plan(path, document.Blocks[^1].Subvolumes, reason, isAway: true);
        }
    }

    private void ForgetAllBut(HashSet<string> wanted)
    {
        lock (_troubles)
        {
            foreach (var path in _troubles.Keys.Where(p => !wanted.Contains(p)).ToList())
            {
                _troubles.Remove(path);
            }
        }
    }

    private void Plan(string path, IEnumerable<string> bricks, string reason, bool isAway)
    {
        long pauseMs;
        lock (_troubles)
        {
            if (!_troubles.TryGetValue(path, out var trouble))
            {
                _troubles[path] = trouble = new Trouble();
            }

            if (trouble.IsPlanned)
            {
                return; // Said twice: by a member and by its door.
            }

            var isNew = trouble.StartedNs != 0 && seams.Clock.MonotonicNs - trouble.StartedNs > WellNs;
            trouble.PauseMs = isNew || trouble.PauseMs == 0 ? PauseMsMin : Math.Min(trouble.PauseMs * 2, PauseMsMax);
            trouble.IsAway = isAway;
            trouble.MustRestart = true;
            trouble.Bricks = [.. bricks];
            pauseMs = trouble.PauseMs;
            trouble.Reason = $"{reason} (it is tried again every {pauseMs / 1_000} s or so)";
            trouble.IsPlanned = true;
        }

        Log.Warning("brick", "the brick is started anew after a pause",
            ("volfile", path), ("reason", reason), ("pause_ms", pauseMs));
        _ = seams.Scheduler.Schedule(pauseMs, () => seams.Workers.Submit(new Restart(this, path)));
    }

    private void TryAgain(string path)
    {
        lock (_lock)
        {
            lock (_troubles)
            {
                if (!_troubles.TryGetValue(path, out var trouble))
                {
                    return; // It is wanted no longer.
                }

                trouble.IsPlanned = false;
                if (!trouble.MustRestart)
                {
                    return; // Somebody else did it meanwhile.
                }
            }

            _ = TryLoad(path);
        }
    }

    private sealed class Restart(BrickHost host, string path) : IWork
    {
        public void Run() => host.TryAgain(path);
    }

    /// <summary>What is wrong with a brick.</summary>
    private sealed class Trouble
    {
        public string Reason { get; set; } = string.Empty;

        public long PauseMs { get; set; }

        public long StartedNs { get; set; }

        public bool MustRestart { get; set; }

        public bool IsAway { get; set; }

        public bool IsPlanned { get; set; }

        public HashSet<string> Bricks { get; set; } = [];
    }
}
