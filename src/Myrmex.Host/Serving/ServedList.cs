using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// What one process serves, by the path of its volume files: bricks, or the volumes of a proxy. A list file says which;
/// reading it again starts, changes and stops what differs, while the others go on serving.
/// </summary>
/// <param name="what">What is served, for messages: brick, proxy.</param>
/// <param name="listPath">File with the paths of volume files, one a line.</param>
/// <param name="start">Starts serving by a volume file; throws <see cref="GraphException"/> when it cannot.</param>
internal sealed class ServedList(string what, string listPath, Func<string, VolfileDocument, IServed> start)
{
    private readonly Dictionary<string, IServed> _served = new(StringComparer.Ordinal);
    private volatile IServed[] _running = [];
    private readonly Lock _lock = new(); // Held while something is started and stopped: one reload at a time.

    public int Count => _running.Length;

    /// <summary>The doors that are open now; never waits for a reload.</summary>
    public IReadOnlyList<TranslatorGraph> Running => [.. _running.Select(s => s.Door)];

    /// <summary>Follows the list. What cannot start is logged and tried at the next reload.</summary>
    /// <returns>Number of those that should run but do not.</returns>
    public int Reload()
    {
        lock (_lock)
        {
            var wanted = File.ReadAllLines(listPath).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#').ToHashSet();
            foreach (var path in _served.Keys.Where(p => !wanted.Contains(p)).ToList())
            {
                Stop(path);
            }

            var failed = 0;
            foreach (var path in wanted.Order(StringComparer.Ordinal))
            {
                failed += TryLoad(path) ? 0 : 1;
            }

            return failed;
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

    private bool TryLoad(string path)
    {
        try
        {
            var document = VolfileDocument.Parse(File.ReadAllText(path));
            if (_served.TryGetValue(path, out var running))
            {
                if (running.TryChange(document))
                {
                    return true;
                }

                Stop(path);
            }

            _served.Add(path, start(path, document));
            _running = [.. _served.Values];
            Log.Information(what, $"{what} started", ("volfile", path));
            return true;
        }
        catch (Exception e) when (e is GraphException or IOException or UnauthorizedAccessException)
        {
            Log.Error(what, $"{what} cannot start", ("volfile", path), ("reason", e.Message));
            return false;
        }
    }

    private void Stop(string path)
    {
        _served.Remove(path, out var served);
        _running = [.. _served.Values];
        served?.Stop();
        Log.Information(what, $"{what} stopped", ("volfile", path));
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
