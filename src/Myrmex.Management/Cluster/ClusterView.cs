using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Management.Tasks;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Everything in the store of the cluster, in memory, kept in step by one watch over every key. Looks never wait.
/// Tables are told of a change one after the other and before <see cref="ReachAsync"/> ends, so that whoever has waited
/// for a revision sees it in all of them.
/// </summary>
internal sealed class ClusterView
{
    private readonly StateView _view;
    private StateSnapshot _shown;

    public ClusterView(IStateStore store, IScheduler scheduler)
    {
        _view = new StateView(store, KeyRange.All, scheduler);
        _shown = _view.Current;
        Nodes = new(_view, NodeKeys.Nodes, e => NodeRecord.FromBytes(e.Value.Span));
        Lives = new(_view, NodeKeys.Lives, e => NodeLife.FromBytes(e.Value.Span));
        Runs = new(_view, StateKeys.Runs, e => NodeRun.FromBytes(e.Value.Span));
        Volumes = new(_view, StateKeys.Volumes, e => VolumeJson.FromBytes(e.Value.Span));
        Ops = new(_view, StateKeys.Ops, e => Op.FromBytes(e.Value.Span));
        Parts = new(_view, StateKeys.Parts, e => OpPart.FromBytes(e.Value.Span));
        VolumeLocks = new(_view, StateKeys.VolumeLocks, e => Encoding.ASCII.GetString(e.Value.Span));
        Events = new(_view, StateKeys.Events, e => ClusterEvent.FromBytes(e.Value.Span));
        Tasks = new(_view, TaskKeys.Tasks, e => ClusterTask.FromBytes(e.Value.Span));
        _view.Changed += (snapshot, _) => // The last one: all tables show it.
        {
            Volatile.Write(ref _shown, snapshot);
            Changed?.Invoke(snapshot.Revision);
        };
    }

    /// <summary>
    /// Raised after all tables show a change, with its revision. Handlers must not wait, and not wait for the view.
    /// </summary>
    public event Action<Revision>? Changed;

    public StateTable<NodeRecord> Nodes { get; }

    /// <summary>The nodes that are heard of.</summary>
    public StateTable<NodeLife> Lives { get; }

    public StateTable<NodeRun> Runs { get; }

    public StateTable<Volume> Volumes { get; }

    public StateTable<Op> Ops { get; }

    /// <summary>By <c>OP/NODE</c>.</summary>
    public StateTable<OpPart> Parts { get; }

    public StateTable<string> VolumeLocks { get; }

    public StateTable<ClusterEvent> Events { get; }

    public StateTable<ClusterTask> Tasks { get; }

    public StateView State => _view;

    public Revision Revision => _view.Current.Revision;

    /// <summary>
    /// An entry as of the last change that all tables show, never a later one: a command that was decided on the tables
    /// with this on condition knows all that came before it.
    /// </summary>
    public StateEntry? Find(string key) => Volatile.Read(ref _shown).Entries.GetValueOrDefault(key);

    public Task LoadAsync(CancellationToken cancellation) => _view.LoadAsync(cancellation);

    /// <summary>Follows the store until it is cancelled; waits for one that is away.</summary>
    public Task FollowAsync(CancellationToken cancellation) => _view.FollowAsync(cancellation);

    /// <summary>Ends when the view shows what was committed at <paramref name="revision"/>.</summary>
    public Task ReachAsync(Revision revision, CancellationToken cancellation) =>
        _view.ReachAsync(revision, cancellation);

    /// <summary>True while the node is heard of.</summary>
    public bool IsAlive(NodeId node) => Lives.Rows.ContainsKey(node.ToString());

    /// <summary>What the node says that it does; null when it is not heard of.</summary>
    public NodeRun? RunOf(NodeId node) => Runs.TryFind(node.ToString(), out var row) ? row.Value : null;

    public NodeRecord? NodeOf(NodeId node) => Nodes.TryFind(node.ToString(), out var row) ? row.Value : null;

    /// <summary>Name of a node as people know it; its identity when it has no record.</summary>
    public string NameOf(NodeId node) => NodeOf(node)?.Name ?? node.ToString();

    public OpPart? PartOf(Op op, NodeId node) => Parts.TryFind($"{op.Id}/{node}", out var row) ? row.Value : null;

    public IEnumerable<OpPart> PartsOf(Op op) => Parts.Rows.Values.Select(r => r.Value).Where(p => p.Op == op.Id);

    /// <summary>
    /// Ends when <paramref name="reached"/> is true of the view, or false after <paramref name="timeoutMs"/>.
    /// </summary>
    public async Task<bool> WaitAsync(
        Func<bool> reached, long timeoutMs, Seams seams, CancellationToken cancellation)
    {
        var deadlineNs = seams.Clock.MonotonicNs + (timeoutMs * 1_000_000);
        var changed = new Signal();
        void Wake(Revision revision) => changed.Set();
        Changed += Wake;
        try
        {
            while (!reached())
            {
                var leftMs = (deadlineNs - seams.Clock.MonotonicNs) / 1_000_000;
                if (leftMs <= 0)
                {
                    return false;
                }

                await changed.WaitAsync(seams.Scheduler, leftMs, cancellation);
            }

            return true;
        }
        finally
        {
            Changed -= Wake;
        }
    }
}
