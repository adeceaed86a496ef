using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Management.Bricks;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Runtime;

namespace Myrmex.Management.Etcd;

/// <summary>
/// The store of the cluster as this node uses it: the one that its own file names, and the member of etcd that this
/// node runs for it. Open it, run <see cref="RunAsync"/> beside everything else, and open it again when that says
/// that the cluster has moved to another store.
/// </summary>
public sealed class ClusterStore : IAsyncDisposable
{
    private const long RetryMs = 500;

    private readonly IStateStore _local;
    private readonly EtcdNodeOptions _options;
    private readonly IStoreOpener _opener;
    private readonly EtcdNode _node;
    private readonly Seams _seams;
    private readonly CancellationTokenSource _closing = new();
    private readonly Signal _look = new();
    private Task _supervision = Task.CompletedTask;
    private IStateStore? _store; // Without the guard; set by OpenAsync.
    private GuardedStore? _guarded;
    private StoreChoice _choice = StoreChoice.Embedded;
    private readonly SemaphoreSlim _beginning = new(1, 1); // Held while a move begins, or its rest is taken away.
    private long _cannotRunUntilNs;
    private int _moves; // Asked for on this node and not at their end.

    private ClusterStore(
        IStateStore local, EtcdNodeOptions options, IStoreOpener opener, IProcessControl processes, Seams seams)
    {
        _local = local;
        _options = options;
        _opener = opener;
        _seams = seams;
        _node = new EtcdNode(options, local, processes, opener.ProbeAsync, seams);
    }

    /// <summary>
    /// The cluster's state. While the cluster moves to another store changes throw
    /// <see cref="TransactionRefusedException"/>.
    /// </summary>
    public IStateStore Store => _guarded ?? throw new InvalidOperationException("not open");

    /// <summary>Which store it is. <see cref="StoreChoice.ToText"/> of it is what a node that joins needs.</summary>
    public StoreChoice Choice => Volatile.Read(ref _choice);

    /// <summary>Somebody waits for the outcome of <see cref="MoveAsync"/>.</summary>
    public bool IsMoving => Volatile.Read(ref _moves) > 0;

    /// <summary>For status reports: how the member of etcd on this node does; null when it has none.</summary>
    public string? MemberState => _node.State switch
    {
        { Phase: EtcdPhase.None } => null,
        { Reason: { } reason } state => $"{state.Phase}: {reason}",
        var state => state.Phase.ToString(),
    };

    /// <summary>Why a node cannot join a cluster whose state is in a file.</summary>
    internal static CommandException InFile => new(
        CommandFailure.Conflict,
        "the state of this cluster is in a file of this node, where others cannot reach it",
        "Move it first: myrmex cluster move-store managed");

    private IStateStore Raw => _store ?? throw new InvalidOperationException("not open");

    /// <summary>
    /// Opens the store of the cluster: the one in the node's own file, else <paramref name="given"/>, else that file.
    /// The member of etcd that this node has is started before. Throws <see cref="StateStoreException"/> when the store
    /// does not answer or must not be used.
    /// </summary>
    /// <param name="local">The node's own file; stays open and is the caller's.</param>
    /// <param name="given">
    /// What the daemon was told; when its file names an etcd that was given before, where it is now; else it does not
    /// count.
    /// </param>
    public static Task<ClusterStore> OpenAsync(
        IStateStore local, EtcdNodeOptions options, StoreChoice? given, Seams seams, CancellationToken cancellation) =>
        OpenAsync(
            local, options, given, new StoreOpener(local, options.Certificates, seams), new LinuxProcessControl(),
            seams, cancellation);

    internal static async Task<ClusterStore> OpenAsync(
        IStateStore local, EtcdNodeOptions options, StoreChoice? given, IStoreOpener opener, IProcessControl processes,
        Seams seams, CancellationToken cancellation)
    {
        var store = new ClusterStore(local, options, opener, processes, seams);
        try
        {
            await store.OpenAsync(given, cancellation);
            return store;
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Follows the members of a managed etcd, runs the one of this node, has the members follow the nodes when this
    /// daemon is elected, and finishes moves of the store. Runs until it is cancelled, and throws
    /// <see cref="StoreMovedException"/> when the cluster is in another store.
    /// </summary>
    /// <param name="nodes">All nodes of the cluster as they are known now; empty as long as they are not.</param>
    public async Task RunAsync(Func<IReadOnlyList<ClusterNode>> nodes, CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation, _closing.Token);
        await using var administration = Choice.Kind == StoreKind.Managed ? _opener.Administer(Choice) : null;
        var meta = new StateView(Raw, KeyRange.Prefix(StoreMoveRecord.Meta), _seams.Scheduler);
        meta.Changed += (_, _) => _look.Set();
        List<Task> loops = [meta.FollowAsync(stop.Token), FollowMovesAsync(meta, nodes, stop.Token)];
        if (administration is not null)
        {
            var members = new StateView(Raw, KeyRange.Prefix(EtcdDocument.Key), _seams.Scheduler);
            var leader = new EtcdLeader(Store, administration, _options.NodeId, nodes, _seams);
            loops.Add(members.FollowAsync(stop.Token));
            loops.Add(FollowMembersAsync(members, administration, stop.Token));
            loops.Add(leader.RunAsync(stop.Token));
        }

        var first = await Task.WhenAny(loops);
        await stop.CancelAsync();
        await Task.WhenAll(loops).ContinueWith(
            _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        await first;
    }

    /// <summary>
    /// Moves the cluster to another store; ends when it is there, and then <see cref="RunAsync"/>, which must run,
    /// throws
    /// <see cref="StoreMovedException"/> on every daemon. Throws <see cref="CommandException"/> when it is refused
    /// or was taken back: then everything is as it was. When this daemon is killed meanwhile, the daemons that start
    /// next finish it or take it back.
    /// </summary>
    /// <param name="target">
    /// <see cref="StoreChoice.External"/>, or <see cref="StoreChoice.Managed"/> without members for one that begins on
    /// this node.
    /// </param>
    public async Task MoveAsync(StoreChoice target, CancellationToken cancellation)
    {
        CheckTarget(target);
        Interlocked.Increment(ref _moves);
        try
        {
            await MoveAndWaitAsync(target, cancellation);
        }
        finally
        {
            Interlocked.Decrement(ref _moves);
        }
    }

    private async Task MoveAndWaitAsync(StoreChoice target, CancellationToken cancellation)
    {
        string move;
        await _beginning.WaitAsync(cancellation);
        try
        {
            await CheckNotJoiningAsync(cancellation);
            var mover = new StoreMover(Raw, _opener, _seams);
            move = await mover.NameAsync(cancellation);
            if (target.Kind == StoreKind.Managed)
            {
                await _node.BeginAsync(move, cancellation);
                target = StoreChoice.Managed(_options.Self.ClientUrl);
            }

            await mover.BeginAsync(target, cancellation);
        }
        catch (StateStoreException e)
        {
            throw new CommandException(CommandFailure.Failed, e.Message);
        }
        finally
        {
            _beginning.Release();
            _look.Set();
        }

        await OutcomeAsync(move, cancellation);
    }

    /// <summary>
    /// What a node that joins is told of the store. Throws <see cref="CommandException"/> while the cluster moves,
    /// because what is told then would not hold, and when the store is a file.
    /// </summary>
    public async Task<string> OfferAsync(CancellationToken cancellation)
    {
        // The first one from before etcd is started, which takes a while; the second on all nodes.
        if (IsMoving || await Raw.GetAsync(StoreMoveRecord.Key, cancellation) is not null)
        {
            throw new CommandException(
                CommandFailure.Conflict, "the state of this cluster is being moved to another store; try again soon",
                "'myrmex cluster store' shows when it is there.");
        }

        return Choice.Kind == StoreKind.Embedded ? throw InFile : Choice.ToText();
    }

    /// <summary>Closes the store; a member of etcd on this node goes on.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await _supervision.ContinueWith(
            _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        if (_store is not null)
        {
            await _store.DisposeAsync();
        }
    }

    private void CheckTarget(StoreChoice target)
    {
        var refused = target.Kind == StoreKind.Embedded ? "a cluster cannot be moved to the file of one node"
            : target.Kind == StoreKind.Managed && Choice.Kind == StoreKind.Managed
                ? "the cluster runs its own etcd already"
            : target.Kind == StoreKind.Managed && _node.Spec is not null
                ? "etcd on this node is still needed for nodes that have not heard of the last move"
            : null;
        if (refused is not null)
        {
            throw new CommandException(CommandFailure.Conflict, refused);
        }
    }

    /// <summary>What a node has in its file goes when it joins: it must not be on its way elsewhere.</summary>
    private async Task CheckNotJoiningAsync(CancellationToken cancellation)
    {
        if (await _local.GetAsync(NodeKeys.LocalJoin, cancellation) is not null)
        {
            throw new CommandException(CommandFailure.Conflict, StoreMover.IsJoining);
        }
    }

    private async Task OutcomeAsync(string move, CancellationToken cancellation)
    {
        while (Choice.Move != move)
        {
            try
            {
                var record = StoreMoveRecord.From(await Raw.GetAsync(StoreMoveRecord.Key, cancellation));
                if (record?.Phase == StoreMovePhase.Moved)
                {
                    return;
                }

                if (record is null)
                {
                    var why = StoreMoveRecord.Text(await Raw.GetAsync(StoreMoveRecord.FailedKey, cancellation));
                    throw new CommandException(CommandFailure.Failed, $"the move was taken back: {why}");
                }
            }
            catch (StateStoreException e)
            {
                // Asked again; the move goes on without it.
                if (_closing.IsCancellationRequested && Choice.Move != move)
                {
                    throw new CommandException(CommandFailure.Failed, $"the move is not finished: {e.Message}");
                }
            }

            await Pauses.WaitAsync(_seams.Scheduler, EtcdLimits.ProbePeriodMs, cancellation);
        }
    }

    private async Task OpenAsync(StoreChoice? given, CancellationToken cancellation)
    {
        var entry = await _local.GetAsync(StoreChoice.Key, cancellation);
        var kept = entry is null ? null : StoreChoice.FromBytes(entry.Value.Span);
        var choice = await ChooseAsync(kept, given, cancellation);
        await _node.LoadAsync(cancellation);
        _supervision = _node.RunAsync(_closing.Token);
        for (var moves = 0; moves <= EtcdLimits.MovesFollowedMax; moves++)
        {
            var store = _opener.Open(choice);
            try
            {
                if (await UsableAsync(store, choice, cancellation) is { } next)
                {
                    choice = next;
                    await SaveAsync(choice, cancellation);
                    await store.DisposeAsync();
                    continue;
                }
            }
            catch
            {
                await store.DisposeAsync();
                throw;
            }

            _store = store;
            _guarded = new GuardedStore(store);
            await SaveAsync(choice, cancellation);
            await ClearFileAsync(cancellation);
            return;
        }

        throw new StateStoreException("the stores of the cluster name each other as the one it was moved to");
    }

    /// <summary>
    /// Takes out of the node's file what was moved from there: when this node has left the cluster, it must not find
    /// it.
    /// </summary>
    private async Task ClearFileAsync(CancellationToken cancellation)
    {
        if (Choice.Kind == StoreKind.Embedded
            || StoreMoveRecord.From(await _local.GetAsync(StoreMoveRecord.Key, cancellation))
                is not { Phase: StoreMovePhase.Moved })
        {
            return;
        }

        await _local.CommitAsync(StateTransaction.Always([.. StateKeys.DeletionOfCluster]), cancellation);
    }

    private async Task<StoreChoice> ChooseAsync(
        StoreChoice? kept, StoreChoice? given, CancellationToken cancellation)
    {
        if (kept is { Kind: StoreKind.External } && given is not null)
        {
            return given with { Move = kept.Move }; // Where it is now.
        }

        if (kept is not null)
        {
            if (given is not null)
            {
                Log.Warning("store", "--etcd does not count: the store was chosen before", ("kind", kept.Kind));
            }

            return kept;
        }

        if (given is null)
        {
            return StoreChoice.Embedded;
        }

        var passedOver = await _local.RangeAsync(KeyRange.Prefix(StateKeys.Volumes), cancellation);
        return passedOver.Count == 0 ? given : throw new StateStoreException(
            $"the file of this node holds {passedOver.Count} volumes that are not used with --etcd; start without "
            + "--etcd, or move the state to etcd first");
    }

    /// <summary>
    /// Null when the store is the one; else the one that the cluster was moved to. A managed etcd is waited for: the
    /// machines may have been switched on together.
    /// </summary>
    private async Task<StoreChoice?> UsableAsync(
        IStateStore store, StoreChoice choice, CancellationToken cancellation)
    {
        var deadlineNs = _seams.Clock.MonotonicNs + (EtcdLimits.StoreWaitMs * 1_000_000);
        while (true)
        {
            try
            {
                await StateCopy.CheckUsableAsync(store, cancellation);
                var moved = StoreMoveRecord.From(await store.GetAsync(StoreMoveRecord.Key, cancellation));
                if (moved is { Phase: StoreMovePhase.Moved })
                {
                    return moved.Target with { Move = moved.Name };
                }

                await ArriveAsync(store, choice, cancellation);
                return null;
            }
            catch (StateStoreException e) when (choice.Kind == StoreKind.Managed)
            {
                if (_seams.Clock.MonotonicNs > deadlineNs)
                {
                    throw new StateStoreException(
                        MemberState is { } state ? $"{e.Message}. The etcd of this node: {state}" : e.Message, e);
                }

                Log.Information("store", "the etcd of the cluster is waited for", ("reason", e.Message));
                await Pauses.WaitAsync(_seams.Scheduler, RetryMs, cancellation);
            }
        }
    }

    /// <summary>Tells the store that it is in use, and by whom.</summary>
    private async Task ArriveAsync(IStateStore store, StoreChoice choice, CancellationToken cancellation)
    {
        var from = await store.GetAsync(StoreMoveRecord.FromKey, cancellation);
        if (from is not null && StoreMoveRecord.Text(from) != choice.Move)
        {
            throw new StateStoreException(
                "the store holds the copy of a cluster that is in use elsewhere; the move there was not finished");
        }

        if (choice.Move is not { } move)
        {
            return;
        }

        var key = StoreMoveRecord.Switched + _options.NodeId;
        if (from is not null || StoreMoveRecord.Text(await store.GetAsync(key, cancellation)) != move)
        {
            await store.CommitAsync(
                StateTransaction.Always(
                    Operation.DeleteKey(StoreMoveRecord.FromKey),
                    Operation.PutValue(key, Encoding.UTF8.GetBytes(move))),
                cancellation);
        }
    }

    private async Task SaveAsync(StoreChoice choice, CancellationToken cancellation)
    {
        var kept = await _local.GetAsync(StoreChoice.Key, cancellation);
        var bytes = choice.ToBytes();
        if (kept is null ? choice.Kind != StoreKind.Embedded : !kept.Value.Span.SequenceEqual(bytes))
        {
            await _local.PutAsync(StoreChoice.Key, bytes, cancellation);
        }

        Volatile.Write(ref _choice, choice);
    }

    private async Task FollowMovesAsync(
        StateView meta, Func<IReadOnlyList<ClusterNode>> nodes, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                // The view may be late.
                var record = meta.Find(StoreMoveRecord.Key) is null ? null
                    : StoreMoveRecord.From(await Raw.GetAsync(StoreMoveRecord.Key, cancellation));
                if (record is { Phase: StoreMovePhase.Moved })
                {
                    await SaveAsync(record.Target with { Move = record.Name }, cancellation);
                    throw new StoreMovedException(record.Target);
                }

                if (record is not null)
                {
                    await new StoreMover(Raw, _opener, _seams).DriveAsync(cancellation);
                    continue;
                }

                await DropMemberAsync(meta, nodes(), cancellation);
            }
            catch (Exception e) when (e is StateStoreException or LeaseNotFoundException)
            {
                Log.Warning("store", "the store is not looked after", ("reason", e.Message));
            }

            await _look.WaitAsync(_seams.Scheduler, EtcdLimits.LookPeriodMs, cancellation);
        }
    }

    /// <summary>Ends a member of etcd here that the cluster does not use.</summary>
    private async Task DropMemberAsync(
        StateView meta, IReadOnlyList<ClusterNode> nodes, CancellationToken cancellation)
    {
        var choice = Choice;
        if (choice.Kind == StoreKind.Managed || _node.Spec is null || meta.Current.Revision == Revision.None
            || !await _beginning.WaitAsync(0, cancellation))
        {
            return;
        }

        try
        {
            if (_node.Spec is { } spec && !IsStillNeeded(spec, choice, meta, nodes)
                && await Raw.GetAsync(StoreMoveRecord.Key, cancellation) is null)
            {
                await _node.DropAsync(cancellation);
            }
        }
        finally
        {
            _beginning.Release();
        }
    }

    /// <summary>
    /// After a move away from a managed etcd it goes on until all nodes have read there where the cluster is.
    /// </summary>
    private static bool IsStillNeeded(
        EtcdMemberSpec spec, StoreChoice choice, StateView meta, IReadOnlyList<ClusterNode> nodes) =>
        spec.Move is null && choice.Move is not null
        && !(nodes.Count > 0 && nodes.All(n =>
            StoreMoveRecord.Text(meta.Find(StoreMoveRecord.Switched + n.Id)) == choice.Move));

    private async Task FollowMembersAsync(
        StateView members, IEtcdAdministration administration, CancellationToken cancellation)
    {
        var look = new Signal();
        members.Changed += (_, _) => look.Set();
        while (true)
        {
            try
            {
                if (members.Find(EtcdDocument.Key) is { } entry)
                {
                    await ApplyAsync(EtcdDocument.FromBytes(entry.Value.Span), administration, cancellation);
                }

                await ReportAsync(members, cancellation);
            }
            catch (Exception e) when (e is StateStoreException or JsonException)
            {
                Log.Warning("etcd", "the members are not followed", ("reason", e.Message));
            }

            await look.WaitAsync(_seams.Scheduler, EtcdLimits.LookPeriodMs, cancellation);
        }
    }

    private async Task ApplyAsync(
        EtcdDocument document, IEtcdAdministration administration, CancellationToken cancellation)
    {
        // The own member first, then the others, from node to node in another order.
        var own = document.Find(_options.NodeId)?.Client;
        var all = document.Endpoints;
        var first = Math.Abs(_options.NodeId.Sum(c => c)) % Math.Max(1, all.Count);
        var endpoints = all.Skip(first).Concat(all.Take(first)).OrderBy(e => e == own ? 0 : 1).ToList();
        if (endpoints.Count > 0)
        {
            (Raw as EtcdStore)?.UseEndpoints(endpoints);
            (administration as EtcdAdministration)?.UseEndpoints(endpoints);
            if (Choice.Endpoints is null || !Choice.Endpoints.SequenceEqual(endpoints))
            {
                await SaveAsync(Choice with { Endpoints = endpoints }, cancellation);
            }
        }

        await _node.ApplyAsync(document, cancellation);
    }

    /// <summary>Tells the leader of what is wrong with the member of this node, and when it is over.</summary>
    private async Task ReportAsync(StateView members, CancellationToken cancellation)
    {
        var key = EtcdReport.KeyOf(_options.NodeId);
        var told = members.Find(key);
        var trouble = _node.Trouble;
        var nowNs = _seams.Clock.MonotonicNs;
        if (trouble is { Trouble: EtcdTrouble.CannotRun })
        {
            _cannotRunUntilNs = nowNs + (EtcdLimits.CannotRunMs * 1_000_000);
        }

        if (trouble is null)
        {
            // When the leader has given up on this node it has no member, and is left in peace for a while.
            var isOver = _node.State.Phase == EtcdPhase.Serving
                || (_node.State.Phase == EtcdPhase.None && nowNs >= _cannotRunUntilNs);
            if (told is not null && isOver)
            {
                await Store.DeleteAsync(key, cancellation);
            }
        }
        else if (told is null || !told.Value.Span.SequenceEqual(trouble.ToBytes()))
        {
            await Store.PutAsync(key, trouble.ToBytes(), cancellation);
        }
    }
}
