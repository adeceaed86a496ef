using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// Acknowledging from memory, where the configuration allows it: entries count when they are written, and are synced
/// soon, and at once for who waits for that.
/// </summary>
/// <remarks>
/// Invariants: before an entry counts that is not synced, the superblock says so, with the boot of the machine in which
/// it is written: whoever finds another one after an end that was not clean counts for nothing until a leader has told
/// it what it must have. The superblock says otherwise only after everything written is synced. So nobody else has to
/// know when a configuration that forbids memory again has come to this member. A follower's store has nothing that its
/// journal does not have on the disk; a leader's may have, and the superblock says so before.
/// </remarks>
public sealed partial class Replica
{
    private readonly Queue<JournalEntry> _untold = []; // Committed, not synced here; owns its data.
    private Said _said; // By the superblock on disk.
    private bool _isSaying; // It is being written.

    /// <summary>
    /// What is written and not synced counts here. Any thread.
    /// </summary>
    public bool AnswersFromMemory => _writer.IsLazy;

    /// <summary>
    /// After a loss of power the main store may have effects of entries of terms up to this one that are not in the
    /// journal; none when it has not. They will be told as committed, before one of a later term. Before
    /// <see cref="Start"/> only.
    /// </summary>
    public Term StoreAheadThrough { get; private init; }

    /// <summary>
    /// How far the journal may be behind on the disk, where the configuration allows memory. Any thread.
    /// </summary>
    public void BoundSyncs(int ms, long bytes) => (_writer.LazyMs, _writer.LazyBytes) = (ms, bytes);

    /// <summary>
    /// A leader's proposals count from memory only when the superblock says that its store may be ahead in this
    /// term.
    /// </summary>
    private bool MayLeadFromMemory => _writer.IsLazy && _said.StoreAhead == _engine.Term;

    private void FollowMemory()
    {
        var allows = _engine.Configuration is { AllowsMemory: true } && _engine.Role != ReplicaRole.Failed;
        _writer.IsLazy &= allows; // What comes from now on is synced with everything before it.
        if (_isSaying || _engine.Configuration is null || _engine.Role == ReplicaRole.Failed)
        {
            return;
        }

        // Who does not count yet has a store of which nobody knows how it fits its journal.
        var ahead = allows && _engine.Role == ReplicaRole.Active ? _engine.Term
            : _engine.Status != MemberStatus.Voter ? _said.StoreAhead : Term.None;
        var wanted = new Said(allows, ahead, allows);
        if (wanted == _said)
        {
            _writer.IsLazy = allows;
            return;
        }

        Say(wanted);
    }

    private void Say(Said wanted)
    {
        var boot = wanted.IsOfThisBoot ? _setup.MachineBoot : default;
        var isLess = wanted.StoreAhead == Term.None && _said.StoreAhead != Term.None;
        if (isLess && _engine.Commit > _engine.Durable)
        {
            _writer.Sync(); // What the store may have is in the journal first.
            return;
        }

        _said = isLess ? _said with { StoreAhead = Term.None } : _said; // Not to be counted on any more.

        _isSaying = OnJournal(
            journal =>
            {
                var error = wanted.FromMemory && !isLess ? Errno.Ok : journal.Sync();
                return error != Errno.Ok ? error : journal.SaveState(state => state with
                {
                    FromMemory = wanted.FromMemory,
                    StoreAhead = wanted.StoreAhead,
                    MachineBoot = boot,
                });
            },
            _ =>
            {
                if (_said.FromMemory != wanted.FromMemory || !_said.IsOfThisBoot)
                {
                    Log.Information("replica", wanted.FromMemory
                        ? "changes are answered from memory, and synced soon" : "changes are answered from disk",
                        ("set", _setup.StorePrefix), ("member", Self));
                }

                (_said, _isSaying) = (wanted, false);
                FollowMemory();
            });
    }

    /// <summary>
    /// A write or sync has failed: what the page cache says of the journal is no proof any more, not even to the next
    /// process of this boot. If this cannot be written down either, the journal cannot be opened.
    /// </summary>
    private void DoubtMemory()
    {
        if (_said.FromMemory)
        {
            _ = _writer.Do(journal => journal.SaveState(state => state with { MachineBoot = default }));
        }
    }

    /// <summary>
    /// A leader's store takes it in now. That of a follower has time: after a loss of power it must not have what no
    /// journal has.
    /// </summary>
    private void TellCommitted(JournalEntry entry)
    {
        if (_untold.Count == 0 && !MustWait(entry))
        {
            _machine.Committed(entry);
            return;
        }

        entry.Data.Retain();
        _untold.Enqueue(entry);
        TellUntold();
    }

    private bool MustWait(JournalEntry entry) =>
        _said.FromMemory && _engine.Role != ReplicaRole.Active && entry.Index > _engine.Durable;

    private void TellUntold()
    {
        while (_untold.TryPeek(out var entry) && !MustWait(entry))
        {
            _ = _untold.Dequeue();
            _machine.Committed(entry);
            entry.Data.Release();
        }
    }

    /// <summary>A copy of the store has them, or nobody takes them any more.</summary>
    private void DropUntold()
    {
        while (_untold.TryDequeue(out var entry))
        {
            entry.Data.Release();
        }
    }

    private readonly record struct Said(bool FromMemory, Term StoreAhead, bool IsOfThisBoot);
}
