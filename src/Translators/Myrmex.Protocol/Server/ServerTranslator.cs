using System;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Protocol;

/// <summary>
/// protocol/server: the door of a brick or proxy graph. Each subvolume is an export that clients attach to by name; the door itself
/// is an entry in the process' <see cref="ExportTable"/>, so that all bricks of a node share one port.
/// </summary>
public sealed class ServerTranslator : Translator
{
    private readonly ExportTable _exports;

    public ServerTranslator(TranslatorPlace place, ExportTable exports)
        : base(place)
    {
        _exports = exports;
        Settings = new ServerSettings(place.Options);
    }

    internal ServerSettings Settings { get; private set; }

    internal bool IsUp { get; private set; } = true;

    /// <param name="exports">The doors of this process.</param>
    public static TranslatorRegistration Registration(ExportTable exports) =>
        new("protocol/server", place => new ServerTranslator(place, exports), ServerOptions.Table, Maturity.Preview)
        {
            SubvolumesMax = 256,
        };

    public override void Start()
    {
        foreach (var subvolume in Subvolumes)
        {
            _exports.Add(subvolume.Name, this, subvolume, Place.Seams);
        }
    }

    public override void Stop()
    {
        foreach (var subvolume in Subvolumes)
        {
            _exports.Remove(subvolume.Name, this);
        }
    }

    public override bool Reconfigure(OptionValues options)
    {
        Settings = new ServerSettings(options);
        return true;
    }

    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        if (graphEvent.Kind is GraphEventKind.ChildDown or GraphEventKind.ChildUp)
        {
            IsUp = graphEvent.Kind == GraphEventKind.ChildUp;
            _exports.Broadcast(this, IsUp);
        }
        else if (graphEvent.Kind == GraphEventKind.Invalidate)
        {
            _exports.Invalidate(this, in graphEvent);
        }

        NotifyParents(in graphEvent);
    }

    public override void DumpState(StateDump dump)
    {
        foreach (var client in _exports.ClientsOf(this).OrderBy(c => c.Uid, StringComparer.Ordinal))
        {
            dump.Put("client", client);
        }
    }
}
