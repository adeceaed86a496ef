using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// What has failed, or is a member of a replica set and could not be started, is made anew after a pause, which gets
/// longer with every failure that follows soon. Any thread.
/// </summary>
/// <param name="what">What is served, for messages.</param>
/// <param name="tryAgain">Makes that of a volume file anew if <see cref="MustRestart"/>; on a worker.</param>
internal sealed class Restarts(string what, Seams seams, Action<string> tryAgain)
{
    private const long PauseMsMin = 1_000;
    private const long PauseMsMax = 60_000;

    /// <summary>Who has worked for so long begins with short pauses again.</summary>
    private const long WellNs = 600_000_000_000;

    private readonly Dictionary<string, Trouble> _troubles = new(StringComparer.Ordinal); // Guards itself.

    /// <summary>Why what has this name does not run; null when nothing is known.</summary>
    public string? ProblemOf(string name)
    {
        lock (_troubles)
        {
            return _troubles.Values.FirstOrDefault(t => t.IsAway && t.Names.Contains(name))?.Reason;
        }
    }

    public bool MustRestart(string path)
    {
        lock (_troubles)
        {
            return _troubles.TryGetValue(path, out var trouble) && trouble.MustRestart;
        }
    }

    public void Started(string path)
    {
        lock (_troubles)
        {
            if (_troubles.TryGetValue(path, out var trouble))
            {
                trouble.MustRestart = trouble.IsPlanned; // It may have failed while it was started.
                trouble.IsAway = false;
                trouble.StartedNs = seams.Clock.MonotonicNs;
            }
        }
    }

    /// <summary>It runs and is of no use any more.</summary>
    public void Failed(string path, string reason) => Plan(path, [], reason, isAway: false);

    /// <summary>Members of replica sets are tried again; all others when the list is read again.</summary>
    public void NotStarted(string path, VolfileDocument? document, string reason)
    {
        if (document is not null && document.Blocks.Any(b => b.Type == "cluster/journal"))
        {
            Plan(path, document.Blocks[^1].Subvolumes, reason, isAway: true);
        }
    }

    /// <summary>Only these are to be served.</summary>
    public void Keep(HashSet<string> wanted)
    {
        lock (_troubles)
        {
            foreach (var path in _troubles.Keys.Where(p => !wanted.Contains(p)).ToList())
            {
                _troubles.Remove(path);
            }
        }
    }

    private void Plan(string path, IEnumerable<string> names, string reason, bool isAway)
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

            var wasWell = trouble.StartedNs != 0 && seams.Clock.MonotonicNs - trouble.StartedNs > WellNs;
            pauseMs = wasWell || trouble.PauseMs == 0 ? PauseMsMin : Math.Min(trouble.PauseMs * 2, PauseMsMax);
            trouble.PauseMs = pauseMs;
            trouble.IsAway = isAway;
            trouble.MustRestart = trouble.IsPlanned = true;
            trouble.Names = [.. names];
            trouble.Reason = $"{reason} (it is tried again every {pauseMs / 1_000} s or so)";
        }

        Log.Warning(what, $"{what} is started anew after a pause",
            ("volfile", path), ("reason", reason), ("pause_ms", pauseMs));
        _ = seams.Scheduler.Schedule(pauseMs, () => seams.Workers.Submit(new Attempt(this, path)));
    }

    private void Try(string path)
    {
        lock (_troubles)
        {
            if (!_troubles.TryGetValue(path, out var trouble))
            {
                return; // It is wanted no longer.
            }

            trouble.IsPlanned = false;
        }

        tryAgain(path);
    }

    private sealed class Attempt(Restarts restarts, string path) : IWork
    {
        public void Run() => restarts.Try(path);
    }

    /// <summary>What is wrong with what a volume file has become.</summary>
    private sealed class Trouble
    {
        public string Reason { get; set; } = string.Empty;

        public long PauseMs { get; set; }

        public long StartedNs { get; set; }

        public bool MustRestart { get; set; }

        public bool IsAway { get; set; }

        public bool IsPlanned { get; set; }

        public HashSet<string> Names { get; set; } = [];
    }
}
