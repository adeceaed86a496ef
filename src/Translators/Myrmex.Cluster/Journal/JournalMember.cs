using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Joins a <see cref="Replica"/> with the store of its brick: what is committed is applied, here by the fop that waits
/// for it and otherwise in the order of the journal, one after the other.
/// </summary>
/// <remarks>
/// Invariants: an entry is applied when it is committed and everything before it is applied, except that entries
/// proposed here, whose fops hold their keys until then, are applied side by side; this member serves in a term once
/// its store has everything up to the first entry of that term.
/// </remarks>
/// <param name="redo">Applies to the store.</param>
/// <param name="syncStore">Brings the store to its disk.</param>
/// <param name="checkpoint">What the store has already.</param>
public sealed partial class JournalMember(Redo redo, Func<ValueTask<Errno>> syncStore, JournalIndex checkpoint = default)
    : IReplicaLog, IReplicaMachine
{
    private readonly Lock _lock = new(); // Guards everything below; a leaf lock.
    private readonly Dictionary<ulong, Waiter> _byTag = [];
    private readonly Dictionary<ulong, Waiter> _byIndex = [];
    private readonly Queue<JournalEntry> _queue = []; // Committed, to be applied in order; owns its data.
    private readonly HashSet<ulong> _ahead = []; // Applied, with something before them that is not.
    private readonly List<(JournalIndex Through, Action<Errno> Done)> _persists = [];
    private readonly CancellationTokenSource _stop = new();
    private Replica? _replica;
    private ulong _tag;
    private ulong _applied = checkpoint.Value;
    private Term _serving;
    private (Term Term, ulong Index) _start; // The first entry of our own term, once it is committed.
    // Completed in place: the other way leads over the pool, out of a simulated world.
    private TaskCompletionSource _wake = new();
    private Errno _failure;

    public Term ServingTerm
    {
        get
        {
            lock (_lock)
            {
                return _failure == Errno.Ok ? _serving : Term.None;
            }
        }
    }

    /// <summary>Everything up to here is in the store.</summary>
    public JournalIndex AppliedIndex
    {
        get
        {
            lock (_lock)
            {
                return new JournalIndex(_applied);
            }
        }
    }

    /// <summary>
    /// Not Ok once a committed entry could not be applied: nothing more is, until the store is replayed.
    /// </summary>
    public Errno Failure
    {
        get
        {
            lock (_lock)
            {
                return _failure;
            }
        }
    }

    /// <summary>Begins to apply, where the caller's synchronization context says; then start the replica.</summary>
    public void Start(Replica replica)
    {
        _replica = replica;
        _ = ApplyAllAsync();
    }

    /// <summary>Applies nothing more.</summary>
    public void Stop() => _stop.Cancel();

    public async ValueTask<ProposeResult> ProposeAsync(Term term, ReadOnlyMemory<byte> meta, Payload data)
    {
        var waiter = new Waiter();
        ulong tag;
        lock (_lock)
        {
            tag = ++_tag;
            _byTag.Add(tag, waiter);
        }

        data.Retain();
        _replica!.Propose(new Proposal(tag, EntryKind.Operation, 0, 0, 0, meta, data), term); // Started.
        return await waiter.Done.Task;
    }

    public void Applied(JournalIndex index, Errno error)
    {
        EndApplying();
        if (error != Errno.Ok)
        {
            Fail(index, error);
            return;
        }

        lock (_lock)
        {
            MarkApplied(index.Value);
        }

        Wake();
    }

    void IReplicaMachine.Accepted(ulong tag, JournalIndex index)
    {
        lock (_lock)
        {
            if (_byTag.Remove(tag, out var waiter))
            {
                _byIndex.Add(index.Value, waiter);
            }
        }
    }

    void IReplicaMachine.Committed(JournalEntry entry)
    {
        Waiter? waiter;
        lock (_lock)
        {
            // Who waits for an entry applies it.
            if (_byIndex.Remove(entry.Index.Value, out waiter))
            {
                _applying++;
            }
            else
            {
                entry.Data.Retain();
                _queue.Enqueue(entry);
            }

            if (entry.Header.Kind == EntryKind.TermStart && _replica!.Role == ReplicaRole.Active
                && entry.Term == _replica.Term)
            {
                _start = (entry.Term, entry.Index.Value);
            }
        }

        waiter?.Done.TrySetResult(new ProposeResult(Errno.Ok, entry.Index));
        Wake();
    }

    void IReplicaMachine.Superseded(JournalEntry entry)
    {
        Waiter? waiter;
        lock (_lock)
        {
            _ = _byIndex.Remove(entry.Index.Value, out waiter);
        }

        waiter?.Done.TrySetResult(new ProposeResult(Errno.ENOTCONN, default));
    }

    void IReplicaMachine.Refused(ulong tag, Refusal refusal, MemberId? leader, long retryAfterMs)
    {
        var error = refusal switch
        {
            Refusal.Busy => Errno.EAGAIN,
            Refusal.Full => Errno.ENOSPC,
            _ => Errno.EROFS,
        };
        Complete(tag, new ProposeResult(error, default));
    }

    void IReplicaMachine.Answered(ulong tag, ReadOnlyMemory<byte> outcome) =>
        Complete(tag, new ProposeResult(Errno.ENOTCONN, default)); // Without a session nothing is a retry.

    void IReplicaMachine.ReadReady(ulong tag, JournalIndex index, Term? term)
    {
    }

    void IReplicaMachine.Synced(ulong tag)
    {
    }

    void IReplicaMachine.Completed(ulong tag)
    {
    }

    void IReplicaMachine.RoleChanged(ReplicaRole role, Term term, MemberId? leader)
    {
        lock (_lock)
        {
            if (role != ReplicaRole.Active)
            {
                _serving = Term.None;
                _start = default;
            }
        }
    }

    void IReplicaMachine.Persist(JournalIndex through, Action<Errno> done)
    {
        lock (_lock)
        {
            _persists.Add((through, done));
        }

        Wake();
    }

    private void Complete(ulong tag, ProposeResult result)
    {
        Waiter? waiter;
        lock (_lock)
        {
            _ = _byTag.Remove(tag, out waiter);
        }

        waiter?.Done.TrySetResult(result);
    }

    private async Task ApplyAllAsync()
    {
        try
        {
            while (true)
            {
                Task wake;
                lock (_lock)
                {
                    wake = _wake.Task;
                }

                while (TryTake(out var entry))
                {
                    await ApplyAsync(entry);
                }

                await PersistAsync();
                await wake.WaitAsync(_stop.Token);
                await Task.Yield(); // Not on the replica's scheduler.
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    /// <summary>The next entry, if everything before it is applied.</summary>
    private bool TryTake(out JournalEntry entry)
    {
        lock (_lock)
        {
            entry = null!; // Set when the answer is true.
            if (_failure != Errno.Ok || _isSuspended || !_queue.TryPeek(out var next) || next.Index.Value != _applied + 1)
            {
                return false;
            }

            entry = _queue.Dequeue();
            _applying++;
            return true;
        }
    }

    private async ValueTask ApplyAsync(JournalEntry entry)
    {
        var error = Errno.Ok;
        if (entry.Header.Kind == EntryKind.Operation)
        {
            error = OperationCodec.TryDecode(entry.Meta.Span, out var operation)
                ? (await redo.ApplyAsync(operation, entry.Data)).Error : Errno.EUCLEAN;
        }

        entry.Data.Release();
        Applied(entry.Index, error);
    }

    private async ValueTask PersistAsync()
    {
        List<Action<Errno>> ready = [];
        lock (_lock)
        {
            _persists.RemoveAll(p =>
            {
                var isReady = p.Through.Value <= _applied || _failure != Errno.Ok || _isSuspended;
                if (isReady)
                {
                    ready.Add(p.Done);
                }

                return isReady;
            });
        }

        if (ready.Count > 0)
        {
            var error = IsSuspended ? Errno.EBUSY : Failure == Errno.Ok ? await syncStore() : Failure;
            foreach (var done in ready)
            {
                done(error);
            }
        }
    }

    private void MarkApplied(ulong index)
    {
        _ = _ahead.Add(index);
        while (_ahead.Remove(_applied + 1))
        {
            _applied++;
        }

        if (_start.Index != 0 && _applied >= _start.Index)
        {
            _serving = _start.Term;
        }
    }

    private void Fail(JournalIndex index, Errno error)
    {
        Log.Error("journal", "a committed entry cannot be applied", ("index", index), ("error", error));
        lock (_lock)
        {
            _failure = error;
        }

        Wake();
    }

    private void Wake()
    {
        TaskCompletionSource wake;
        lock (_lock)
        {
            wake = _wake;
            _wake = new TaskCompletionSource();
        }

        wake.TrySetResult();
    }

    private sealed class Waiter
    {
        public TaskCompletionSource<ProposeResult> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
