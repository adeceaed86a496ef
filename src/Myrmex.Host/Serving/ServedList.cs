using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Graph;
using Myrmex.Management.Bricks;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// What one process serves, by the path of its volume files: bricks, or the volumes of a proxy. A list file says which;
/// reading it again starts, changes and stops what differs, while the others go on serving. What is in hands is said in
/// a file (<see cref="HeldList"/>).
/// </summary>
internal sealed class ServedList
{
    private const int HandOverMs = 3_000;

    private readonly string _what;
    private readonly string _listPath;
    private readonly Func<string, VolfileDocument, Action<string>, IServed> _start;
    private readonly Restarts _restarts;
    private readonly Dictionary<string, IServed> _served = new(StringComparer.Ordinal);
    private volatile IServed[] _running = [];
    private readonly Lock _lock = new(); // Held while something is started and stopped: one reload at a time.

    /// <param name="what">What is served, for messages: brick, proxy.</param>
    /// <param name="listPath">File with the paths of volume files, one a line.</param>
    /// <param name="seams">The time, and where what has failed is started anew.</param>
    /// <param name="start">
    /// Starts serving by a volume file, and says later with the reason when it has failed for good; throws
    /// <see cref="GraphException"/> when it cannot.
    /// </param>
    public ServedList(
        string what, string listPath, Seams seams, Func<string, VolfileDocument, Action<string>, IServed> start)
    {
        (_what, _listPath, _start) = (what, listPath, start);
        _restarts = new Restarts(what, seams, TryAgain);
    }

    public int Count => _running.Length;

    /// <summary>The doors that are open now; never waits for a reload.</summary>
    public IReadOnlyList<TranslatorGraph> Running => [.. _running.Select(s => s.Door)];

    /// <summary>Follows the list. What cannot start is logged and tried at the next reload.</summary>
    /// <returns>Number of those that should run but do not.</returns>
    public int Reload()
    {
        lock (_lock)
        {
            var wanted = ReadListAndHold();
            foreach (var path in _served.Keys.Where(p => !wanted.Contains(p)).ToList())
            {
                Stop(path);
            }

            _restarts.Keep(wanted);
            var failed = 0;
            foreach (var path in wanted.Order(StringComparer.Ordinal))
            {
                failed += TryLoad(path) ? 0 : 1;
            }

            TellHeld(wanted);
            return failed;
        }
    }

    /// <summary>
    /// Members of replica sets that lead let others lead, as long as their bricks are to be served: before the process
    /// ends. What is being stopped everywhere keeps its leaders. Ends in a few seconds.
    /// </summary>
    public void HandOver()
    {
        lock (_lock)
        {
            var wanted = ReadList();
            var moves = _served.Where(s => wanted.Contains(s.Key))
                .SelectMany(s => s.Value.Door.Translators.OfType<IReplicaLead>())
                .Select(l => l.MoveLeadAsync(target: null)).ToArray();
            if (!Task.WaitAll(moves, HandOverMs))
            {
                Log.Warning(_what, "not every lead was handed over in time");
            }
        }
    }

    public void StopAll()
    {
        lock (_lock)
        {
            foreach (var path in _served.Keys.ToList())
            {
                Stop(path);
            }
        }
    }

    /// <summary>State of all graphs, for people.</summary>
    public string Dump() => string.Join('\n', _running.Select(s => s.Dump()));

    /// <summary>Why what has this name does not run; null when nothing is known.</summary>
    public string? ProblemOf(string name) => _restarts.ProblemOf(name);

    private HashSet<string> ReadList() => File.ReadAllLines(_listPath).Select(l => l.Trim())
        .Where(l => l.Length > 0 && l[0] != '#').ToHashSet();

    /// <summary>What the list says, after it was told that this is in hands from now on.</summary>
    private HashSet<string> ReadListAndHold()
    {
        var wanted = ReadList();
        while (true)
        {
            TellHeld(wanted.Union(_served.Keys));
            var now = ReadList();
            if (now.SetEquals(wanted))
            {
                return wanted;
            }

            wanted = now; // Who has taken something out of it may have read that it is not in hands.
        }
    }

    private void TellHeld(IEnumerable<string> paths)
    {
        try
        {
            HeldList.Write(_listPath, paths);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error(_what, "cannot tell what is in hands", ("list", _listPath), ("reason", e.Message));
        }
    }

    private void TryAgain(string path)
    {
        lock (_lock)
        {
            if (_restarts.MustRestart(path)) // Else somebody did it meanwhile.
            {
                _ = TryLoad(path);
            }
        }
    }

    private bool TryLoad(string path)
    {
        VolfileDocument? document = null;
        try
        {
            document = VolfileDocument.Parse(File.ReadAllText(path));
            if (_served.TryGetValue(path, out var running))
            {
                if (!_restarts.MustRestart(path) && running.TryChange(document))
                {
                    return true;
                }

                Stop(path);
            }

            _served.Add(path, _start(path, document, reason => _restarts.Failed(path, reason)));
            _running = [.. _served.Values];
            _restarts.Started(path);
            Log.Information(_what, $"{_what} started", ("volfile", path));
            return true;
        }
        catch (Exception e) when (e is GraphException or IOException or UnauthorizedAccessException)
        {
            Log.Error(_what, $"{_what} cannot start", ("volfile", path), ("reason", e.Message));
            _restarts.NotStarted(path, document, e.Message);
            return false;
        }
    }

    private void Stop(string path)
    {
        _served.Remove(path, out var served);
        _running = [.. _served.Values];
        served?.Stop();
        Log.Information(_what, $"{_what} stopped", ("volfile", path));
    }
}

/// <summary>What one volume file of a <see cref="ServedList"/> has become.</summary>
internal interface IServed
{
    /// <summary>The graph whose top is the server.</summary>
    TranslatorGraph Door { get; }

    /// <summary>
    /// Takes a changed volume file while it serves; false when it has to be stopped and started for it. Throws
    /// <see cref="GraphException"/>, and goes on as it is, for one that cannot work.
    /// </summary>
    bool TryChange(VolfileDocument document);

    void Stop();

    string Dump();
}
