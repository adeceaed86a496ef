using System;
using System.Linq;
using System.Text;
using Myrmex.Features;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// A volume that a proxy serves: a door, which stays (protocol/server, counters, the locks of its clients), and below
/// it the graph of the volume, which is replaced live. The volume file has both; the door is what is above and with
/// features/client-locks.
/// </summary>
internal sealed class ServedVolume : IServed
{
    private readonly string _path;
    private readonly GraphHost _host;
    private string _below;

    private ServedVolume(string path, VolfileDocument document, Seams seams)
    {
        _path = path;
        var (door, below) = Split(document);
        _below = below;
        var processId = NewProcessId(seams);
        _host = new GraphHost(
            Registry.All, seams,
            id => new GraphOrigin
            {
                ProcessName = "gfproxyd",
                VolfileKey = path,
                ProcessId = processId,
                GraphId = id,
            },
            firstSlot: door.Blocks.Count);
        Door = TranslatorGraph.Build(
            door, [.. Registry.All, GraphSwitch.Registration(_host)], seams,
            new GraphOrigin { ProcessName = "gfproxyd", VolfileKey = path }, OnEvent);
    }

    public TranslatorGraph Door { get; }

    public static ServedVolume Start(string path, VolfileDocument document, Seams seams)
    {
        var served = new ServedVolume(path, document, seams);
        try
        {
            served.Door.Start();
            served._host.Load(served._below);
        }
        catch
        {
            served.Stop();
            throw;
        }

        return served;
    }

    public bool TryChange(VolfileDocument document)
    {
        var (door, below) = Split(document);
        if (Door.Document.ToString() != door.ToString() && !Door.TryReconfigure(door))
        {
            return false;
        }

        if (_below != below)
        {
            _host.Load(below);
            _below = below;
        }

        return true;
    }

    /// <summary>The door first: it waits for the fops of its clients.</summary>
    public void Stop()
    {
        Door.Stop();
        _host.Stop();
    }

    public string Dump() => string.Join(
        '\n', new[] { Door.Dump() }.Concat(_host.Running.Select(g => g.Graph.Dump())));

    /// <summary>
    /// The two parts of a volume file. Throws <see cref="GraphException"/> for one that is not a chain from its top to
    /// features/client-locks.
    /// </summary>
    internal static (VolfileDocument Door, string Below) Split(VolfileDocument document)
    {
        var blocks = document.Blocks;
        var at = blocks.Count - 1;
        while (at > 0 && blocks[at].Type != ClientLocks.Registration.Type)
        {
            if (blocks[at].Subvolumes is not [var only] || only != blocks[at - 1].Name)
            {
                throw new GraphException($"volume {blocks[at].Name}: a proxy has one volume below it");
            }

            at--;
        }

        if (at == 0 || blocks[at].Subvolumes is not [var top] || top != blocks[at - 1].Name)
        {
            throw new GraphException($"the volume file of a proxy has no {ClientLocks.Registration.Type}");
        }

        var below = new VolfileDocument();
        below.Blocks.AddRange(blocks.Take(at));
        var door = new VolfileDocument();
        door.Add(top, GraphSwitch.TypeName);
        door.Blocks.AddRange(blocks.Skip(at));
        return (door, below.ToString());
    }

    private void OnEvent(GraphEvent graphEvent)
    {
        switch (graphEvent.Kind)
        {
            case GraphEventKind.ChildUp:
                Log.Information("proxy", "volume is up", ("volfile", _path));
                break;
            case GraphEventKind.ChildDown:
                Log.Error("proxy", "volume is down", ("volfile", _path), ("reason", graphEvent.Text));
                break;
            case GraphEventKind.AuthenticationFailed:
                Log.Error("proxy", "a brick refuses this proxy", ("volfile", _path), ("reason", graphEvent.Text));
                break;
        }
    }

    private static string NewProcessId(Seams seams)
    {
        Span<byte> text = stackalloc byte[36];
        seams.NewGfid().Format(text);
        return Encoding.ASCII.GetString(text);
    }
}
