using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Graph;

/// <summary>
/// A node of the graph. Every fop is a virtual of the same name; the default hands it to the first subvolume with a tail
/// call. Fops of one graph arrive on many threads at once. A fop never throws for an expected outcome: the error is in the
/// reply. Lifetime: constructed with its place, <see cref="Start"/>, fops, <see cref="Stop"/>.
/// </summary>
public abstract partial class Translator : FopHandler
{
    private readonly List<Translator> _parents = [];
    private readonly Translator? _next;

    protected Translator(TranslatorPlace place)
    {
        Place = place;
        _next = place.Subvolumes.Count > 0 ? place.Subvolumes[0] : null;
        foreach (var subvolume in place.Subvolumes)
        {
            subvolume._parents.Add(this);
        }
    }

    /// <summary>Name of the volume block in the volfile.</summary>
    public string Name => Place.Name;

    /// <summary>Type in the volfile, e.g. "cluster/distribute".</summary>
    public string Type => Place.Type;

    /// <summary>Index of this translator in its graph: the slot for its context on an <see cref="Fd"/>.</summary>
    public int Slot => Place.Slot;

    public IReadOnlyList<Translator> Subvolumes => Place.Subvolumes;

    public OptionValues Options => Place.Options;

    /// <summary>It answers writes before they are done, so that their errors come with FLUSH, FSYNC or a later write.</summary>
    public virtual bool DefersWrites => false;

    protected TranslatorPlace Place { get; }

    protected Seams Seams => Place.Seams;

    /// <summary>The first subvolume; a leaf has none and overrides every fop (see <see cref="LeafTranslator"/>).</summary>
    protected Translator Next => _next ?? throw new InvariantException($"{Name} ({Type}) has no subvolume");

    /// <summary>Begins work (connect, open the brick). Subvolumes are started first. Throws GraphException when it cannot.</summary>
    public virtual void Start()
    {
    }

    /// <summary>Ends work and frees everything; parents are stopped first. No fop is under way.</summary>
    public virtual void Stop()
    {
    }

    /// <summary>
    /// An event from a subvolume (or from the translator itself). The default passes it to the parents; the graph hears what
    /// the top passes on. May come on any thread.
    /// </summary>
    public virtual void Notify(in GraphEvent graphEvent, Translator source) => NotifyParents(in graphEvent);

    /// <summary>A client has left for good: drop its locks. The default tells all subvolumes.</summary>
    public virtual void ClientGone(ClientIdentity client)
    {
        foreach (var subvolume in Subvolumes)
        {
            subvolume.ClientGone(client);
        }
    }

    /// <summary>
    /// Takes changed options while running. False when a changed option cannot be changed live: the graph is then rebuilt.
    /// The default accepts options that the translator's table marks live and its properties read on every use.
    /// </summary>
    public virtual bool Reconfigure(OptionValues options) => false;

    /// <summary>Writes counters, queues and per-file state for people to read.</summary>
    public virtual void DumpState(StateDump dump)
    {
    }

    protected void NotifyParents(in GraphEvent graphEvent)
    {
        if (_parents.Count == 0)
        {
            Place.TopListener?.Invoke(graphEvent);
            return;
        }

        foreach (var parent in _parents)
        {
            parent.Notify(in graphEvent, this);
        }
    }

    protected static Exception BadOption(string message) => new GraphException(message);
}

/// <summary>Where a translator stands: filled in by the graph builder.</summary>
public sealed class TranslatorPlace
{
    public required string Name { get; init; }

    public required string Type { get; init; }

    public required int Slot { get; init; }

    public required IReadOnlyList<Translator> Subvolumes { get; init; }

    public required OptionValues Options { get; init; }

    public required Seams Seams { get; init; }

    /// <summary>Hears the events that reach the top.</summary>
    public Action<GraphEvent>? TopListener { get; init; }

    /// <summary>Process-wide facts a graph came with: volfile server, process name, sub-directory of the mount.</summary>
    public GraphOrigin Origin { get; init; } = new();
}

/// <summary>Where the volfile came from and for whom.</summary>
public sealed record GraphOrigin
{
    /// <summary>Host that served the volfile; stands in for a missing remote-host.</summary>
    public string VolfileServer { get; init; } = string.Empty;

    public string VolfileKey { get; init; } = string.Empty;

    /// <summary>"fuse", "gfapi", "brick", …: process-name of SETVOLUME.</summary>
    public string ProcessName { get; init; } = string.Empty;

    /// <summary>Directory of the volume that is the root of this mount, starting with a slash; empty for all of it.</summary>
    public string SubDirectory { get; init; } = string.Empty;

    /// <summary>Counts the graphs of this process: GRAPH_ID of the process-uuid.</summary>
    public int GraphId { get; init; }

    /// <summary>Identity of this process, CTX_ID of the process-uuid.</summary>
    public string ProcessId { get; init; } = string.Empty;
}

public enum GraphEventKind
{
    /// <summary>A subvolume can serve fops.</summary>
    ChildUp,

    /// <summary>A subvolume cannot serve fops now.</summary>
    ChildDown,

    /// <summary>The server says that something cached about a file is no longer true.</summary>
    Invalidate,

    /// <summary>The server refused us for good, e.g. authentication failed; the text says why.</summary>
    AuthenticationFailed,

    /// <summary>The volume file has changed and should be fetched again.</summary>
    VolfileChanged,

    /// <summary>Somebody wants a lock that a client holds; see <see cref="GraphEvent.Contention"/>.</summary>
    LockContention,

    /// <summary>
    /// A lease is to be given back: <see cref="GraphEvent.LeaseId"/> on <see cref="GraphEvent.Gfid"/>, down to the type
    /// in the flags (<see cref="LeaseType"/>). Source: callback program 52743234, procedure 8.
    /// </summary>
    RecallLease,

    /// <summary>
    /// A connection has gone over which leases may have been taken: who has some has to ask for them again, or to do
    /// without.
    /// </summary>
    LeasesUnsure,

    /// <summary>
    /// Calls that are under way here may not be answered for a long time, because a disk does not answer, and what is
    /// open here is of no use any more: who waits, or has files open, must be cut off, so that it goes elsewhere.
    /// </summary>
    Hung,

    /// <summary>
    /// A translator has failed for good, and a graph made anew may work; the text says why. Said once.
    /// </summary>
    Failed,
}

/// <summary>Something a translator tells those above it.</summary>
public readonly record struct GraphEvent(
    GraphEventKind Kind, Gfid Gfid = default, uint Flags = 0, Errno Error = Errno.Ok, string? Text = null)
{
    /// <summary>Set for <see cref="GraphEventKind.LockContention"/>.</summary>
    public LockContention? Contention { get; init; }

    /// <summary>
    /// Of <see cref="GraphEventKind.Invalidate"/> and <see cref="GraphEventKind.RecallLease"/>: who is to be told; null
    /// for everybody, and in clients.
    /// </summary>
    public ClientIdentity? Only { get; init; }

    /// <summary>Set for <see cref="GraphEventKind.RecallLease"/>.</summary>
    public Gfid LeaseId { get; init; }

    /// <summary>
    /// Of <see cref="GraphEventKind.RecallLease"/> to a proxy or a door: whose the lease is (<see cref="LockSession"/>,
    /// or the session of a replica set); 0 for whoever is at the other end of the connection.
    /// </summary>
    public UInt128 Holder { get; init; }

    /// <summary>Of <see cref="GraphEventKind.Invalidate"/>: how long who looks again will be told.</summary>
    public uint Seconds { get; init; }
}

/// <summary>
/// A lock that is in somebody's way, and who holds it. Source: callback program 52743234, procedures 10 (inode lock) and
/// 11 (entry lock).
/// </summary>
/// <param name="Holder">The client to tell.</param>
/// <param name="Domain">Domain of the lock; with the suffix ":metadata" for metadata locks.</param>
/// <param name="Pid">Process id of the call that took it.</param>
public sealed record LockContention(ClientIdentity Holder, string Domain, int Pid)
{
    /// <summary>The held range; meaningless for an entry lock.</summary>
    public Flock Flock { get; init; }

    /// <summary>The locked name, empty for the whole directory; null for an inode lock.</summary>
    public Name? EntryName { get; init; }
}

/// <summary>A volfile or an option that cannot work; the message is for the administrator.</summary>
public sealed class GraphException : Exception
{
    public GraphException(string message)
        : base(message)
    {
    }

    public GraphException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
