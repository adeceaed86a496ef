using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>One thing that clients can attach to.</summary>
internal sealed record Export(string Name, ServerTranslator Server, Translator Top, Seams Seams)
{
    private readonly Lock _lock = new(); // Guards _isUp and _waiting; a leaf lock.
    private readonly List<TaskCompletionSource> _waiting = [];
    private bool _isUp;

    public InlineGate Gate { get; } = new(Seams.Clock);

    /// <summary>No fop ever waits for this machine: none needs a worker.</summary>
    public bool IsRemote { get; } = EndsElsewhere(Top);

    /// <summary>Takes the messages of other members; null when nobody below does.</summary>
    public IPeerReceiver? Receiver { get; } = Find<IPeerReceiver>(Top);

    /// <summary>Fops that belong to a change may say so: what came of them is remembered below.</summary>
    public bool KeepsOutcomes { get; } = FindOutcomes(Top);

    /// <summary>Knows the locks of each client; null when nobody below does.</summary>
    public IClientLocks? Locks { get; } = Find<IClientLocks>(Top);

    /// <summary>Promises clients to tell them of changes; null when nobody below does.</summary>
    public ICacheGrants? Grants { get; } = Find<ICacheGrants>(Top);

    /// <summary>Clients may attach: what is behind it can serve.</summary>
    public bool IsUp
    {
        get => Volatile.Read(ref _isUp);
        set
        {
            TaskCompletionSource[] waiting = [];
            lock (_lock)
            {
                Volatile.Write(ref _isUp, value);
                if (value)
                {
                    waiting = [.. _waiting];
                    _waiting.Clear();
                }
            }

            foreach (var waiter in waiting)
            {
                waiter.TrySetResult();
            }
        }
    }

    /// <summary>
    /// Ends when it is up, or after <see cref="ServerLimits.UpWaitMs"/>: a proxy that has just been started is about to
    /// be, and a client that is refused tries again only after seconds.
    /// </summary>
    public async Task WaitUpAsync()
    {
        var waiter = new TaskCompletionSource();
        lock (_lock)
        {
            if (_isUp || _waiting.Count >= ServerLimits.UpWaitersMax)
            {
                return;
            }

            _waiting.Add(waiter);
        }

        using (Seams.Scheduler.Schedule(ServerLimits.UpWaitMs, () => waiter.TrySetResult()))
        {
            await waiter.Task;
        }

        lock (_lock)
        {
            _waiting.Remove(waiter);
        }

        await Task.Yield(); // Not on the thread, and under the eyes, of the one who tells that it is up.
    }

    private static bool EndsElsewhere(Translator top) =>
        top.Subvolumes.Count == 0 ? top is ILateStarter : top.Subvolumes.All(EndsElsewhere);

    private static bool FindOutcomes(Translator top)
    {
        var at = top;
        while (at.Type is not (ChangeRecord.OutcomesType or ChangeRecord.JournalType) && at.Subvolumes.Count == 1)
        {
            at = at.Subvolumes[0];
        }

        return at.Type is ChangeRecord.OutcomesType or ChangeRecord.JournalType;
    }

    private static T? Find<T>(Translator top)
        where T : class
    {
        for (var at = top; at is not null; at = at.Subvolumes.Count > 0 ? at.Subvolumes[0] : null)
        {
            if (at is T found)
            {
                return found;
            }
        }

        return null;
    }
}

/// <summary>
/// What this process serves, by the name that clients send as remote-subvolume, and who is attached. Bricks come and go while
/// others are served.
/// </summary>
public sealed partial class ExportTable
{
    private readonly object _lock = new(); // Guards all four collections; a leaf lock, pulsed when a client has ended.
    private readonly Dictionary<string, Export> _exports = new(StringComparer.Ordinal);
    private readonly HashSet<ServerConnection> _attached = [];
    private readonly HashSet<ServerConnection> _leaving = []; // Detached, with fops or fds left.
    private readonly List<FopLine> _lines = []; // One a loop of this process.
    private readonly Dictionary<string, List<ServerConnection>> _ofClient = new(StringComparer.Ordinal);

    /// <summary>
    /// How the shared port answers a client that speaks TLS; null when no export does. The client tells what it wants
    /// to attach to only under TLS, so all exports of a process have one certificate: those that want another are
    /// refused by <see cref="Add"/>.
    /// </summary>
    public TlsOptions? OfferedTls()
    {
        lock (_lock)
        {
            return FindTls();
        }
    }

    /// <summary>Opens the door to all of them, or throws <see cref="GraphException"/> when a name is taken.</summary>
    internal void Add(IReadOnlyCollection<Export> exports)
    {
        lock (_lock)
        {
            if (exports.FirstOrDefault(e => _exports.ContainsKey(e.Name)) is { } taken)
            {
                throw new GraphException($"{taken.Name} is exported already");
            }

            if (FindTls() is { } offered
                && exports.FirstOrDefault(e => e.Server.Settings.Tls is { } own && own != offered) is { } other)
            {
                throw new GraphException(
                    $"{other.Name} has other TLS files than the bricks that share its port: {offered.CertificatePath}");
            }

            foreach (var export in exports)
            {
                _exports.Add(export.Name, export);
            }
        }
    }

    /// <summary>Takes all exports of a server away and closes the connections of their clients.</summary>
    internal void Remove(ServerTranslator server)
    {
        lock (_lock)
        {
            foreach (var export in _exports.Values.Where(e => ReferenceEquals(e.Server, server)).ToList())
            {
                _exports.Remove(export.Name);
            }
        }

        CloseWhere(server, _ => true, "the brick is being stopped");
    }

    internal void CloseWhere(ServerTranslator server, Func<ServerAttachment, bool> filter, string reason)
    {
        foreach (var connection in Connections(c => ReferenceEquals(c.Export.Server, server) && filter(c)))
        {
            connection.Close(reason);
        }
    }

    /// <summary>Closes the connections of clients of an export that wait for it, or have files open there.</summary>
    internal void CloseBusy(Export export, string reason)
    {
        foreach (var connection in Connections(c => ReferenceEquals(c.Export, export)))
        {
            if (connection.IsBusy)
            {
                connection.Close(reason);
            }
        }
    }

    /// <summary>
    /// Waits until the fops of a removed server's clients have ended and their fds are released; false when that takes too long.
    /// Not on a loop that the clients' ends need.
    /// </summary>
    internal bool WaitForEnd(ServerTranslator server, int timeoutMs)
    {
        lock (_lock)
        {
            var deadline = Environment.TickCount64 + timeoutMs;
            while (_attached.Concat(_leaving).Any(c => ReferenceEquals(c.Attachment?.Export.Server, server)))
            {
                var left = deadline - Environment.TickCount64;
                if (left <= 0 || !Monitor.Wait(_lock, (int)left))
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>True when a client of the server is served by the loop of this thread.</summary>
    internal bool IsOnLoopOf(ServerTranslator server) =>
        Connections(c => ReferenceEquals(c.Export.Server, server)).Any(c => c.Rpc.Link.Scheduler.IsCurrentThread);

    /// <summary>All exports can serve.</summary>
    public bool AreUp
    {
        get
        {
            lock (_lock)
            {
                return _exports.Values.All(static e => e.IsUp);
            }
        }
    }

    /// <summary>Where the fops of the clients of a loop stand in line, at a proxy.</summary>
    internal FopLine LineOf(IScheduler loop, IClock clock)
    {
        lock (_lock)
        {
            if (_lines.Find(l => ReferenceEquals(l.Loop, loop)) is not { } line)
            {
                _lines.Add(line = new FopLine(loop, clock));
            }

            return line;
        }
    }

    internal Export? Find(string name)
    {
        lock (_lock)
        {
            return _exports.GetValueOrDefault(name);
        }
    }

    /// <summary>Counts a client in; false when what it attached to has gone meanwhile.</summary>
    internal bool TryAttach(ServerConnection connection)
    {
        lock (_lock)
        {
            var export = connection.Attachment!.Export; // Set before.
            _attached.Add(connection);
            AddOfClient(connection);
            return ReferenceEquals(_exports.GetValueOrDefault(export.Name), export);
        }
    }

    /// <summary>
    /// A client that comes back while its old connection still looks alive, after a break of the network, wants what
    /// it held there: the old one is closed now and not when the probes of TCP have given it up. Source: process-uuid,
    /// "…-RECON_NO:-N", N counts attachments.
    /// </summary>
    internal void CloseOlder(ServerConnection connection)
    {
        var own = connection.Attachment!; // It has just been attached.
        if (!TryReadAttempt(own.Identity.Uid, out var client, out var attempt))
        {
            return;
        }

        ServerConnection[] others;
        lock (_lock)
        {
            others = _ofClient.TryGetValue(client, out var ofClient) && ofClient.Count > 1 ? [.. ofClient] : [];
        }

        foreach (var other in others)
        {
            var older = other.Attachment!; // It is attached.
            if (ReferenceEquals(older.Export, own.Export) && older.Identity.User == own.Identity.User
                && TryReadAttempt(older.Identity.Uid, out _, out var olderAttempt) && olderAttempt < attempt)
            {
                other.Close("the client has connected again");
            }
        }
    }

    /// <summary>The connection is closed; <see cref="Ended"/> follows when it is attached.</summary>
    internal void Detached(ServerConnection connection)
    {
        lock (_lock)
        {
            if (_attached.Remove(connection))
            {
                RemoveOfClient(connection);
                _leaving.Add(connection);
            }
        }
    }

    /// <summary>Nothing is left of a client.</summary>
    internal void Ended(ServerConnection connection)
    {
        lock (_lock)
        {
            _leaving.Remove(connection);
            Monitor.PulseAll(_lock);
        }
    }

    internal IEnumerable<ClientIdentity> ClientsOf(ServerTranslator server) =>
        Connections(c => ReferenceEquals(c.Export.Server, server)).Select(c => c.Attachment!.Identity); // All are attached.

    /// <summary>Tells all clients of an export that what is behind it came or went.</summary>
    internal void Broadcast(Export export, bool up)
    {
        var holdsBack = up && export.Server.Settings.IsDraining;
        foreach (var connection in Connections(c => ReferenceEquals(c.Export, export)))
        {
            if (holdsBack && connection.FollowsDrain)
            {
                continue;
            }

            connection.SendCallback(up ? Programs.ChildUp : Programs.ChildDown, ReadOnlyMemory<byte>.Empty);
        }
    }

    /// <summary>
    /// Asks the clients of a server that can go elsewhere to do so, or lets them come back. They heed "child down"
    /// without losing anything: what is under way ends here, then they open and lock elsewhere.
    /// </summary>
    /// <param name="only">The clients that are asked.</param>
    internal void AskToLeave(ServerTranslator server, bool leave, Func<ServerConnection, bool> only)
    {
        foreach (var connection in Connections(c => ReferenceEquals(c.Export.Server, server)))
        {
            if (connection.FollowsDrain && only(connection) && (leave || connection.Attachment!.Export.IsUp))
            {
                connection.SendCallback(
                    leave ? Programs.ChildDown : Programs.ChildUp, ReadOnlyMemory<byte>.Empty);
            }
        }
    }

    internal void Invalidate(Export export, in GraphEvent graphEvent)
    {
        if (graphEvent.Only is { } only)
        {
            (only.Connection as ServerConnection)?.SendInvalidation(
                graphEvent.Gfid, graphEvent.Flags, graphEvent.Seconds);
            return;
        }

        foreach (var connection in Connections(c => ReferenceEquals(c.Export, export)))
        {
            connection.SendInvalidation(graphEvent.Gfid, graphEvent.Flags, graphEvent.Seconds);
        }
    }

    /// <summary>Tells the holder of a lock that somebody waits for it.</summary>
    internal void Contend(in GraphEvent graphEvent)
    {
        if (graphEvent.Contention is not { } contention)
        {
            return;
        }

        foreach (var connection in Connections(c => ReferenceEquals(c.Identity, contention.Holder)))
        {
            connection.SendContention(graphEvent.Gfid, contention);
        }
    }

    /// <summary>
    /// Who attaches is compared with its own connections and not with those of everybody: when a proxy is lost
    /// thousands attach to another one at the same moment. Under the lock.
    /// </summary>
    private void AddOfClient(ServerConnection connection)
    {
        if (TryReadAttempt(connection.Attachment!.Identity.Uid, out var client, out _)) // It has just been attached.
        {
            if (!_ofClient.TryGetValue(client, out var all))
            {
                _ofClient.Add(client, all = new List<ServerConnection>(1));
            }

            all.Add(connection);
        }
    }

    private void RemoveOfClient(ServerConnection connection)
    {
        if (TryReadAttempt(connection.Attachment!.Identity.Uid, out var client, out _) // It was attached.
            && _ofClient.TryGetValue(client, out var all) && all.Remove(connection) && all.Count == 0)
        {
            _ofClient.Remove(client);
        }
    }

    private static bool TryReadAttempt(string uid, out string client, out int attempt)
    {
        const string mark = "-RECON_NO:-";
        var at = uid.LastIndexOf(mark, StringComparison.Ordinal);
        client = at < 0 ? string.Empty : uid[..at];
        attempt = 0;
        return at > 0
            && int.TryParse(
                uid.AsSpan(at + mark.Length), NumberStyles.None, CultureInfo.InvariantCulture, out attempt);
    }

    private TlsOptions? FindTls() =>
        _exports.Values.Select(e => e.Server.Settings.Tls).FirstOrDefault(tls => tls is not null);

    private ServerConnection[] Connections(Func<ServerAttachment, bool> filter)
    {
        lock (_lock)
        {
            return [.. _attached.Where(c => filter(c.Attachment!))]; // All are attached.
        }
    }
}
