using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// The bricks of one process, by the path of their volume files. A list file says which; reading it again starts, changes and stops
/// what differs, while the other bricks go on serving.
/// </summary>
internal sealed partial class BrickHost(string listPath, Seams seams)
{
    private readonly Dictionary<string, TranslatorGraph> _bricks = new(StringComparer.Ordinal);
    private volatile TranslatorGraph[] _running = [];
    private readonly Lock _lock = new(); // Held while bricks are started and stopped: one reload at a time.

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _bricks.Count;
            }
        }
    }

    /// <summary>The graphs that run now; never waits for a reload.</summary>
    public IReadOnlyList<TranslatorGraph> Running => _running;

    /// <summary>Brings the bricks in line with the list. A brick that cannot start is logged and tried at the next reload.</summary>
    /// <returns>Number of bricks that should run but do not.</returns>
    public int Reload()
    {
        lock (_lock)
        {
            var wanted = File.ReadAllLines(listPath).Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#').ToHashSet();
            foreach (var path in _bricks.Keys.Where(p => !wanted.Contains(p)).ToList())
            {
                StopBrick(path);
            }

            ForgetAllBut(wanted);
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
            foreach (var path in _bricks.Keys.ToList())
            {
                StopBrick(path);
            }
        }
    }

    /// <summary>State of every brick's graph, for people.</summary>
    public string Dump()
    {
        lock (_lock)
        {
            return string.Join('\n', _bricks.Values.Select(graph => graph.Dump()));
        }
    }

    private bool TryLoad(string path)
    {
        VolfileDocument? document = null;
        try
        {
            document = VolfileDocument.Parse(File.ReadAllText(path));
            if (_bricks.TryGetValue(path, out var running))
            {
                if (!HasFailed(path)
                    && (running.Document.ToString() == document.ToString() || running.TryReconfigure(document)))
                {
                    return true;
                }

                StopBrick(path);
            }

            var graph = TranslatorGraph.Build(
                document, Registry.All, seams, new GraphOrigin { ProcessName = "brick", VolfileKey = path }, e => OnEvent(path, e));
            graph.Start();
            _bricks.Add(path, graph);
            _running = [.. _bricks.Values];
            Started(path, graph);
            Log.Information("brick", "brick started", ("volfile", path));
            return true;
        }
        catch (Exception e) when (e is GraphException or IOException or UnauthorizedAccessException)
        {
            Log.Error("brick", "brick cannot start", ("volfile", path), ("reason", e.Message));
            NotStarted(path, document, e.Message);
            return false;
        }
    }

    private void StopBrick(string path)
    {
        _bricks.Remove(path, out var graph);
        _running = [.. _bricks.Values];
        graph?.Stop();
        Log.Information("brick", "brick stopped", ("volfile", path));
    }

    private void OnEvent(string path, GraphEvent graphEvent)
    {
        if (graphEvent.Kind == GraphEventKind.Failed)
        {
            Failed(path, graphEvent.Text ?? "a part of it has failed");
        }
        else if (graphEvent.Kind == GraphEventKind.ChildDown)
        {
            Log.Error("brick", "brick is down", ("volfile", path), ("error", graphEvent.Error), ("reason", graphEvent.Text));
        }
    }
}
