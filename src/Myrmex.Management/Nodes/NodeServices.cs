using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Routing;
using Myrmex.Coordination;
using Myrmex.Management.Etcd;
using Myrmex.Management.NodeApi;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>Why a daemon has to open its store again.</summary>
internal enum NodeChange
{
    /// <summary>The node has a place in a cluster.</summary>
    Joined,

    /// <summary>The node is alone again.</summary>
    Detached,
}

/// <summary>What <see cref="NodeServices"/> works with.</summary>
internal sealed record NodeServicesParts
{
    public required NodeOptions Options { get; init; }

    /// <summary>The node's own file.</summary>
    public required IStateStore Local { get; init; }

    /// <summary>The store of the cluster; the same object as <see cref="Local"/> for an embedded one.</summary>
    public required IStateStore Store { get; init; }

    /// <summary>
    /// <see cref="Store"/> for what must not be changed while the cluster moves to another one, where it would be
    /// missing; null when it does not move.
    /// </summary>
    public IStateStore? Guarded { get; init; }

    /// <summary>
    /// A view of every key of <see cref="Store"/>, that somebody loads before
    /// <see cref="NodeServices.OpenAsync"/> ends and follows while <see cref="NodeServices.RunAsync"/> runs.
    /// </summary>
    public required StateView View { get; init; }

    public required Seams Seams { get; init; }

    /// <summary>Commits changes of members with their events; null: without events.</summary>
    public MemberCommit? Commit { get; init; }

    /// <summary>How new nodes reach the store; null: they cannot, because it is a file.</summary>
    public StoreOffer? StoreOffer { get; init; }

    /// <summary>Others who are asked before a node is detached.</summary>
    public DetachCheck? MayDetach { get; init; }

    /// <summary>
    /// Called when everything but the node port is made: answers what adds the routes on it beside its own, see
    /// <see cref="NodeApiServer"/>.
    /// </summary>
    public Func<NodeServices, Action<IEndpointRouteBuilder>>? Map { get; init; }

    /// <summary>Of the machine; for tests.</summary>
    public Func<NodeOptions, int, NodeFacts> Facts { get; init; } =
        (options, nodePort) => NodeFacts.Read(options.Bind, options.ManagementPort, nodePort);
}

/// <summary>
/// Everything about nodes that a daemon has while one store is open: who it is, the other members, the node port, and
/// joining. A daemon calls <see cref="NodeIdentity.ApplyPendingAsync"/>, opens the store, <see cref="OpenAsync"/>,
/// <see cref="RunAsync"/>; when <see cref="Changed"/> ends or OpenAsync throws
/// <see cref="NodeDetachedException"/>, it disposes all that and begins again.
/// </summary>
internal sealed class NodeServices : IAsyncDisposable
{
    private readonly NodeServicesParts _parts;
    private readonly MemberChanges _members;
    private readonly NodeEntry _entry;
    private readonly JoiningNode _joining;
    private readonly PeerJoin _join;
    private readonly NodeApiServer _server;
    private readonly TaskCompletionSource<NodeChange> _changed =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    private NodeServices(NodeServicesParts parts, NodeIdentity identity, NodeEntry entry, NodeLife life)
    {
        var (options, store, seams) = (parts.Options, parts.Guarded ?? parts.Store, parts.Seams);
        _parts = parts;
        _entry = entry;
        Identity = identity;
        Directory = new NodeDirectory(parts.View);
        _members = new MemberChanges(store, parts.Commit);
        _joining = new JoiningNode(options, parts.Local, parts.Store, identity, seams);
        _joining.Joined += () => _changed.TrySetResult(NodeChange.Joined);
        var admitting = new AdmittingMember(store, _members, parts.StoreOffer ?? RefuseAsync, seams);
        _join = new PeerJoin(options, identity, _joining, Facts, seams);
        Probe = new PeerProbe(options, store, identity, Directory, _members, admitting, seams);
        Peers = new PeerCommands(store, identity, Directory, _members, parts.MayDetach, seams);
        Administrators = new AdministratorCommands(store, seams);
        Client = new NodeClient(() => identity.Current, Directory.Find, seams);
        Life = new NodeLifeKeeper(parts.Store, identity.Current.Id, life, seams);
        var join = new JoinService(options, identity, _joining, admitting, store, Facts, seams);
        _server = new NodeApiServer(options, identity, Directory, _members, join, parts.Map?.Invoke(this), seams);
    }

    public NodeIdentity Identity { get; }

    public NodeDirectory Directory { get; }

    public NodeClient Client { get; }

    /// <summary>The lease of this node.</summary>
    public NodeLifeKeeper Life { get; }

    public PeerProbe Probe { get; }

    public PeerCommands Peers { get; }

    public AdministratorCommands Administrators { get; }

    /// <summary>The port that the other daemons use.</summary>
    public int NodePort => _server.Port;

    /// <summary>Ends when the daemon has to open its store again.</summary>
    public Task<NodeChange> Changed => _changed.Task;

    /// <summary>
    /// Enters this node into the cluster and serves the node port. Throws <see cref="NodeDetachedException"/> when the
    /// cluster has no place for it any more, <see cref="StateStoreException"/>, and
    /// <see cref="System.IO.IOException"/> when the port is taken.
    /// </summary>
    public static async Task<NodeServices> OpenAsync(NodeServicesParts parts, CancellationToken cancellation)
    {
        // Without events: nobody follows the view yet, and commits with events wait for it.
        var entry = new NodeEntry(
            parts.Options, parts.Local, parts.Store, new MemberChanges(parts.Store), parts.Seams);
        var identity = await entry.OpenAsync(parts.Facts(parts.Options, parts.Options.NodePort), cancellation);
        var life = new NodeLife(
            Environment.ProcessId, parts.Seams.NewGfid().ToString(), parts.Options.Version,
            parts.Seams.Clock.WallNs / 1_000_000);
        var services = new NodeServices(parts, identity, entry, life);
        try
        {
            await services._server.StartAsync(cancellation);
            await entry.RefreshAsync(identity, services.Facts(), cancellation);
            await parts.View.LoadAsync(cancellation);
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks a member to be let in: <c>cluster join</c>.</summary>
    public Task JoinAsync(string target, string? token, CancellationToken cancellation) =>
        _join.RunAsync(target, token, cancellation);

    /// <summary>Keeps the node known until cancelled; nothing else ends it but a failure.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task[] loops =
        [
            Life.RunAsync(stop.Token), RefreshAsync(stop.Token), WatchAsync(stop.Token),
            _join.ConfirmAsync(LoadPendingAsync, stop.Token),
        ];
        var first = await Task.WhenAny(loops);
        await stop.CancelAsync();
        await Task.WhenAll(loops).ContinueWith(
            _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await first;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Client.Dispose();
    }

    private static Task<string> RefuseAsync(NodeId node, CancellationToken cancellation) => throw ClusterStore.InFile;

    private NodeFacts Facts() => _parts.Facts(_parts.Options, _server.Port);

    private async Task<PendingJoin?> LoadPendingAsync(CancellationToken cancellation) =>
        await NodeIdentity.LoadPendingAsync(_parts.Local, cancellation) is var (pending, _) ? pending : null;

    private async Task RefreshAsync(CancellationToken cancellation)
    {
        while (true)
        {
            await Pauses.WaitAsync(_parts.Seams.Scheduler, NodeLimits.RefreshMs, cancellation);
            try
            {
                await _entry.RefreshAsync(Identity, Facts(), cancellation);
            }
            catch (StateStoreException e)
            {
                Log.Warning("nodes", "the record of this node cannot be refreshed", ("reason", e.Message));
            }
        }
    }

    /// <summary>Notices that this node is no longer a member, and leaves.</summary>
    private async Task WatchAsync(CancellationToken cancellation)
    {
        var look = new Signal();
        void Look(StateSnapshot snapshot, IReadOnlyList<StateViewChange> changes)
        {
            if (changes.Any(c => c.Key == NodeKeys.Node(Identity.Current.Id)))
            {
                look.Set();
            }
        }

        _parts.View.Changed += Look;
        try
        {
            while (true)
            {
                if (await IsGoneAsync(cancellation))
                {
                    await Identity.LeaveAsync(_parts.Seams, cancellation);
                    _changed.TrySetResult(NodeChange.Detached);
                    await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
                }

                await look.WaitAsync(_parts.Seams.Scheduler, NodeLimits.RefreshMs, cancellation);
            }
        }
        finally
        {
            _parts.View.Changed -= Look;
        }
    }

    private async Task<bool> IsGoneAsync(CancellationToken cancellation)
    {
        var material = Identity.Current;
        if (Directory.Find(material.Id) is { } shown && IsThis(shown, material))
        {
            return false;
        }

        try
        {
            // The store itself decides, not what was seen of it.
            return await _members.FindAsync(material.Id, cancellation) is not var (record, _)
                || !IsThis(record, material);
        }
        catch (StateStoreException)
        {
            return false;
        }
    }

    private static bool IsThis(NodeRecord record, NodeMaterial material) =>
        record.PublicKey == Certificates.PublicKeyText(material.Certificate.PublicKey);
}
