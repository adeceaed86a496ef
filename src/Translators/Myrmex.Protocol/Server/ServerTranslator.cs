using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Protocol;

/// <summary>
/// protocol/server: the door of a brick or proxy graph. Each subvolume is an export that clients attach to by name; the door itself
/// is an entry in the process' <see cref="ExportTable"/>, so that all bricks of a node share one port.
/// </summary>
public sealed class ServerTranslator : Translator
{
    private readonly ExportTable _exports;
    private readonly Func<uint, uint[]?> _lookUpGroups;
    private readonly Dictionary<Translator, Export> _exportOf; // Filled by the constructor, then only read.
    private readonly Lock _drainLock = new(); // Guards _drainNotice and _isStopped; a leaf lock.
    private volatile ServerSettings _settings;
    private IDisposable? _drainNotice;
    private bool _isStopped;

    /// <param name="exports">The doors of this process.</param>
    /// <param name="lookUpGroups">All groups of a uid, null for an unknown one; by default the user database of the machine.</param>
    public ServerTranslator(TranslatorPlace place, ExportTable exports, Func<uint, uint[]?>? lookUpGroups = null)
        : base(place)
    {
        _exports = exports;
        _lookUpGroups = lookUpGroups ?? UserDatabase.GroupsOf;
        _settings = new ServerSettings(place.Options, place.Seams, _lookUpGroups);

        // What is reached over the network is up when it says so; a brick is up from the start.
        _exportOf = place.Subvolumes.ToDictionary(s => s, s => new Export(s.Name, this, s, place.Seams) { IsUp = !HasClients(s) });
    }

    internal ServerSettings Settings => _settings;

    /// <param name="exports">The doors of this process.</param>
    public static TranslatorRegistration Registration(ExportTable exports) =>
        new("protocol/server", place => new ServerTranslator(place, exports), ServerOptions.Table, Maturity.Preview)
        {
            SubvolumesMax = 256,
        };

    public override void Start()
    {
        _exports.Add(_exportOf.Values);
        ScheduleDrainNotice();
    }

    /// <summary>
    /// Closes the clients' connections and waits for their fops to end, so that nothing is under way below when this returns; except on
    /// a loop that serves such a client, which cannot wait for itself.
    /// </summary>
    public override void Stop()
    {
        lock (_drainLock)
        {
            _isStopped = true;
            _drainNotice?.Dispose();
        }

        var onLoop = Place.Seams.Scheduler.IsCurrentThread || _exports.IsOnLoopOf(this);
        _exports.Remove(this);
        if (!onLoop && !_exports.WaitForEnd(this, ServerLimits.StopWaitMs))
        {
            Log.Warning("server", "clients have fops under way although the server stops", ("volume", Name));
        }
    }

    public override bool Reconfigure(OptionValues options)
    {
        var wasDraining = _settings.IsDraining;
        _settings = new ServerSettings(options, Place.Seams, _lookUpGroups);
        if (_settings.IsDraining != wasDraining)
        {
            Log.Information("server", wasDraining ? "no longer draining" : "draining", ("volume", Name));
            _exports.AskToLeave(this, leave: !wasDraining, static _ => true);
            ScheduleDrainNotice();
        }

        if (options.Boolean(ServerOptions.DynamicAuth))
        {
            _exports.CloseWhere(this, a => !ServerAuthentication.Allows(options, a.Request, out _), "not allowed any more");
        }

        return true;
    }

    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        if (_exportOf.TryGetValue(source, out var export))
        {
            Tell(export, in graphEvent);
        }

        NotifyParents(in graphEvent);
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("draining", _settings.IsDraining ? 1 : 0);
        foreach (var client in _exports.ClientsOf(this).OrderBy(c => c.Uid, StringComparer.Ordinal))
        {
            dump.Put("client", client);
        }
    }

    /// <summary>
    /// What a member of a replica set has besides its store are the ways to the others: it serves without.
    /// </summary>
    private static bool HasClients(Translator translator) =>
        translator is ILateStarter
        || translator.Subvolumes.Take(translator is IPeerReceiver ? 1 : int.MaxValue).Any(HasClients);

    /// <summary>
    /// Who still uses the server is asked again: it may have found no other one before, or have come back.
    /// </summary>
    private void ScheduleDrainNotice()
    {
        lock (_drainLock)
        {
            _drainNotice?.Dispose();
            _drainNotice = _settings.IsDraining && !_isStopped
                ? Place.Seams.Scheduler.Schedule(ServerLimits.DrainNoticeMs, OnDrainNotice) : null;
        }
    }

    private void OnDrainNotice()
    {
        if (_settings.IsDraining)
        {
            _exports.AskToLeave(this, leave: true, static c => c.IsInUse);
        }

        ScheduleDrainNotice();
    }

    private void Tell(Export export, in GraphEvent graphEvent)
    {
        switch (graphEvent.Kind)
        {
            case GraphEventKind.ChildUp:
            case GraphEventKind.ChildDown:
                export.IsUp = graphEvent.Kind == GraphEventKind.ChildUp;
                _exports.Broadcast(export, export.IsUp);
                break;
            case GraphEventKind.Invalidate:
                _exports.Invalidate(export, in graphEvent);
                break;
            case GraphEventKind.RecallLease:
                (graphEvent.Only?.Connection as ServerConnection)?.SendRecall(in graphEvent);
                break;
            case GraphEventKind.LockContention:
                _exports.Contend(in graphEvent);
                break;
            case GraphEventKind.Hung:
                _exports.CloseBusy(export, "it has to go elsewhere: what it waits for may not be answered");
                break;
        }
    }
}
