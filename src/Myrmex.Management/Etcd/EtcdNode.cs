using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Management.Bricks;
using Myrmex.Runtime;

namespace Myrmex.Management.Etcd;

/// <summary>
/// The member of this node: which one it is, kept in the node's own file, and its process. What the file says is done
/// without asking anybody, so that a cluster of which every machine was switched off comes back.
/// </summary>
internal sealed class EtcdNode
{
    private readonly EtcdNodeOptions _options;
    private readonly IStateStore _local;
    private readonly Func<Uri, CancellationToken, Task<EtcdStatus?>> _probe;
    private readonly Seams _seams;
    private readonly EtcdProcess _process;
    private readonly SemaphoreSlim _change = new(1, 1); // Held while the specification changes.
    private EtcdMemberSpec? _spec;

    public EtcdNode(
        EtcdNodeOptions options, IStateStore local, IProcessControl processes,
        Func<Uri, CancellationToken, Task<EtcdStatus?>> probe, Seams seams)
    {
        _options = options;
        _local = local;
        _probe = probe;
        _seams = seams;
        _process = new EtcdProcess(options, processes, probe, LearnAsync, seams);
    }

    /// <summary>The member this node runs, or null.</summary>
    public EtcdMemberSpec? Spec => Volatile.Read(ref _spec);

    public EtcdProcessState State => _process.State;

    /// <summary>What the others must know of this node's member; null when nothing is wrong.</summary>
    public EtcdReport? Trouble => State switch
    {
        { Phase: EtcdPhase.DataLost, Spec: { } spec } state => new EtcdReport(
            _options.NodeId, EtcdTrouble.DataLost, spec.MemberId, state.Reason ?? string.Empty),
        { Phase: EtcdPhase.CannotRun, Spec: { } spec } state => new EtcdReport(
            _options.NodeId, EtcdTrouble.CannotRun, spec.MemberId, state.Reason ?? string.Empty),
        _ => null,
    };

    /// <summary>Reads which member this node has; call once before <see cref="RunAsync"/>.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        var entry = await _local.GetAsync(EtcdMemberSpec.Key, cancellation);
        var spec = entry is null ? null : EtcdMemberSpec.FromBytes(entry.Value.Span);
        Volatile.Write(ref _spec, spec);
        _process.Want(spec);
    }

    /// <summary>Looks after the process until it is cancelled.</summary>
    public Task RunAsync(CancellationToken cancellation) => _process.RunAsync(cancellation);

    /// <summary>Does what the list of members says about this node.</summary>
    public async Task ApplyAsync(EtcdDocument document, CancellationToken cancellation)
    {
        await _change.WaitAsync(cancellation);
        try
        {
            var mine = document.Find(_options.NodeId);
            var spec = Spec;
            if (mine is null)
            {
                await SaveAsync(null, cancellation);
            }
            else if (spec is null || !await IsMineAsync(spec, mine, cancellation))
            {
                var others = document.Members.Select(m => $"{m.Name}={EtcdProgram.Text(m.Peer)}");
                await SaveAsync(
                    new EtcdMemberSpec(
                        mine.Name, EtcdMemberSpec.DirectoryPrefix + mine.Id, mine.Id, string.Join(',', others),
                        IsNew: false),
                    cancellation);
            }
            else
            {
                await SaveAsync(spec with { Move = null, MemberId = mine.Id }, cancellation);
            }
        }
        finally
        {
            _change.Release();
        }
    }

    /// <summary>
    /// True when the data of this node is that of the member. After a restore from a backup it is although the
    /// number is another one: the process is asked before its data is given up.
    /// </summary>
    private async Task<bool> IsMineAsync(
        EtcdMemberSpec spec, EtcdDocumentMember mine, CancellationToken cancellation) =>
        spec.MemberId == mine.Id
        || (await _probe(_options.Self.ClientUrl, cancellation) is { } status
            && EtcdDocumentMember.IdText(status.MemberId) == mine.Id);

    /// <summary>
    /// Makes a new etcd with one member, here, for a move of the store; ends when it serves. Throws
    /// <see cref="StateStoreException"/> when it does not; then nothing is left.
    /// </summary>
    public async Task BeginAsync(string move, CancellationToken cancellation)
    {
        var name = _options.NodeId;
        var directory = EtcdMemberSpec.DirectoryPrefix + EtcdDocumentMember.IdText(NewNumber());
        var initial = $"{name}={EtcdProgram.Text(_options.Self.PeerUrl)}";
        await ChangeAsync(
            new EtcdMemberSpec(name, directory, string.Empty, initial, IsNew: true) { Move = move }, cancellation);
        var deadlineNs = _seams.Clock.MonotonicNs + (EtcdLimits.FirstStartMs * 1_000_000);
        while (State is not { Phase: EtcdPhase.Serving } serving || serving.Spec?.Directory != directory)
        {
            var state = State;
            var isHopeless = state.Spec?.Directory == directory && state.Phase == EtcdPhase.CannotRun;
            if (isHopeless || _seams.Clock.MonotonicNs > deadlineNs)
            {
                await ChangeAsync(null, cancellation);
                throw new StateStoreException(
                    $"etcd does not start on this node: {state.Reason ?? $"see {_options.LogFile}"}");
            }

            await Pauses.WaitAsync(_seams.Scheduler, EtcdLimits.ProbePeriodMs, cancellation);
        }
    }

    /// <summary>This node has no member any more.</summary>
    public Task DropAsync(CancellationToken cancellation) => ChangeAsync(null, cancellation);

    private async Task ChangeAsync(EtcdMemberSpec? spec, CancellationToken cancellation)
    {
        await _change.WaitAsync(cancellation);
        try
        {
            await SaveAsync(spec, cancellation);
        }
        finally
        {
            _change.Release();
        }
    }

    private async Task LearnAsync(EtcdMemberSpec known, CancellationToken cancellation)
    {
        await _change.WaitAsync(cancellation);
        try
        {
            if (Spec is { } spec && spec.Directory == known.Directory)
            {
                // Of what the process has found out; the rest may have changed meanwhile.
                await SaveAsync(
                    spec with { MemberId = known.MemberId, HasStarted = known.HasStarted }, cancellation);
            }
        }
        finally
        {
            _change.Release();
        }
    }

    private async Task SaveAsync(EtcdMemberSpec? spec, CancellationToken cancellation)
    {
        if (spec == Spec)
        {
            return;
        }

        if (spec is null)
        {
            await _local.DeleteAsync(EtcdMemberSpec.Key, cancellation);
        }
        else
        {
            await _local.PutAsync(EtcdMemberSpec.Key, spec.ToBytes(), cancellation);
        }

        Volatile.Write(ref _spec, spec);
        _process.Want(spec);
    }

    private ulong NewNumber()
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        _seams.Random.Fill(bytes);
        return BitConverter.ToUInt64(bytes);
    }
}
