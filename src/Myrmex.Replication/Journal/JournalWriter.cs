using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Replication.Journal;

/// <summary>Who appends through a <see cref="JournalWriter"/>; called on the writer's scheduler.</summary>
public interface IJournalOwner
{
    /// <summary>Entries were written, or synced. Numbers in between may be left out.</summary>
    /// <param name="written">All entries up to here survive the end of the process.</param>
    /// <param name="durable">All entries up to here survive a loss of power.</param>
    /// <param name="generation">
    /// What <see cref="JournalWriter.Append"/> was given with the last that is written.
    /// </param>
    void OnProgress(JournalIndex written, JournalIndex durable, ulong generation);

    /// <summary>
    /// An append was refused: it and all that were queued behind it are dropped, the journal ends at <paramref
    /// name="last"/>, and appends answer <paramref name="error"/> until <see cref="JournalWriter.Resume"/>.
    /// </summary>
    void OnRefused(Errno error, JournalIndex last);
}

/// <summary>
/// Owns a journal: one job at a time on the workers takes everything that is queued, writes it in as few batches as
/// possible and tells the owner how far the journal is durable. What is to happen between appends (cuts, reads,
/// compaction, the superblock) is queued with them by <see cref="Do"/>. All members are safe for all threads.
/// </summary>
/// <remarks>
/// With <see cref="IsLazy"/> batches are only written; they are synced beside the appends, by another job, when one of
/// them is <see cref="LazyMs"/> old, when there are <see cref="LazyBytes"/> of them, or when <see cref="Sync"/> asks.
/// </remarks>
public sealed class JournalWriter : IWork
{
    /// <summary>Batches after which other jobs of the workers get their turn.</summary>
    private const int BatchesPerTurn = 16;

    /// <summary>Bytes of the next segment zeroed after a batch.</summary>
    private const int ZeroedPerBatch = 256 << 10;

    /// <summary>Milliseconds without an append after which the header index is written.</summary>
    private const int IdleMs = 10;

    private readonly ReplicaJournal _journal;
    private readonly IWorkers _workers;
    private readonly IScheduler _scheduler;
    private readonly IJournalOwner _owner;
    private readonly Notice _notice;
    private readonly List<JournalEntry> _entries = []; // Of the job, of which there is one at a time.
    private readonly Lock _lock = new(); // Guards everything below; a leaf lock.
    private readonly Queue<Request> _queue = [];
    private bool _isRunning;
    private bool _isIdleTimerSet;
    private bool _isStopped;
    private bool _hasNews;
    private bool _isNoticePosted;
    private Errno _refusal;
    private bool _isRefusalTold = true;
    private JournalIndex _written;
    private JournalIndex _durable;
    private ulong _generation; // Of the entry at _written.
    private bool _isLazyTimerSet;
    private bool _isSyncing; // Or about to: a sync is queued or under way.
    private bool _isSyncOwed; // Another one after it.
    private bool _isLazy; // Not guarded, like all that follows: numbers.
    private long _lazyBytes; // Written since the last sync was begun; the worker's.
    private long _queuedBytes; // About what the appends that wait will take.
    private long _capacity; // Not guarded, like the next two: numbers that the worker says.
    private long _free;
    private long _turns;

    /// <param name="journal">The writer's from now on, until <see cref="Stop"/> has called back.</param>
    /// <param name="workers">Where the disk is waited for.</param>
    /// <param name="scheduler">Where the owner is called.</param>
    /// <param name="owner">Hears what is durable.</param>
    public JournalWriter(ReplicaJournal journal, IWorkers workers, IScheduler scheduler, IJournalOwner owner)
    {
        _journal = journal;
        _workers = workers;
        _scheduler = scheduler;
        _owner = owner;
        _written = journal.Last;
        _durable = journal.Durable;
        (_capacity, _free) = journal.Space;
        _notice = new Notice(this);
    }

    /// <summary>What is appended from now on is only written, and synced soon.</summary>
    public bool IsLazy
    {
        get => Volatile.Read(ref _isLazy);
        set => Volatile.Write(ref _isLazy, value);
    }

    /// <summary>Milliseconds that a written batch waits for its sync.</summary>
    public int LazyMs { get; set; } = JournalLimits.LazyMs;

    /// <summary>Bytes of batches that wait for their sync.</summary>
    public long LazyBytes { get; set; } = JournalLimits.LazyBytes;

    /// <summary>Counters of the journal; see <see cref="JournalMetrics"/>.</summary>
    public JournalMetrics Metrics => _journal.Metrics;

    /// <summary>The room of the journal with all that is queued in it.</summary>
    public JournalSpace Space => new(
        Volatile.Read(ref _capacity),
        Math.Max(0, Volatile.Read(ref _free) - Interlocked.Read(ref _queuedBytes)));

    /// <summary>What an entry may take at most when it is alone in its batch.</summary>
    public static long BytesOf(int metaLength, int dataLength) =>
        metaLength + dataLength + (2L * JournalLimits.BlockBytes);

    /// <summary>Counts what is done: while it stands still and the writer is busy, the disk makes it wait.</summary>
    public long Turns => Volatile.Read(ref _turns);

    public bool IsBusy
    {
        get
        {
            lock (_lock)
            {
                return _isRunning || _isSyncing;
            }
        }
    }

    /// <summary>Requests waiting.</summary>
    public int QueueLength
    {
        get
        {
            lock (_lock)
            {
                return _queue.Count;
            }
        }
    }

    /// <summary>
    /// Queues an entry; its data is retained until it is written. EAGAIN when the queue is full, ECANCELED after <see
    /// cref="Stop"/>, or the error that stopped the journal: nothing is queued then.
    /// </summary>
    /// <param name="entry">The next one.</param>
    /// <param name="generation">
    /// Comes back when it is durable: tells it from an entry at the same place before a cut.
    /// </param>
    public Errno Append(JournalEntry entry, ulong generation = 0)
    {
        lock (_lock)
        {
            if (_refusal != Errno.Ok || _isStopped)
            {
                return _isStopped ? Errno.ECANCELED : _refusal;
            }

            if (_queue.Count >= JournalLimits.QueueMax)
            {
                return Errno.EAGAIN;
            }

            entry.Data.Retain();
            Interlocked.Add(ref _queuedBytes, BytesOf(entry.Meta.Length, entry.Data.Length));
            _queue.Enqueue(new Request(entry, generation, null, null));
            return Start();
        }
    }

    /// <summary>
    /// Queues work on the journal; it sees all appends before it and none after it, and must not keep the journal.
    /// <paramref name="done"/> then runs on the scheduler. Errors as of <see cref="Append"/>, but a journal that
    /// refuses appends takes work.
    /// </summary>
    public Errno Do(Action<ReplicaJournal> work, Action? done = null)
    {
        lock (_lock)
        {
            if (_isStopped)
            {
                return Errno.ECANCELED;
            }

            if (_queue.Count >= JournalLimits.QueueMax)
            {
                return Errno.EAGAIN;
            }

            _queue.Enqueue(new Request(null, 0, work, done));
            return Start();
        }
    }

    /// <summary>Syncs what was appended so far. Nothing when there is nothing to sync.</summary>
    public void Sync()
    {
        lock (_lock)
        {
            if (!_isStopped)
            {
                QueueSync();
            }
        }
    }

    /// <summary>Takes appends again, after the owner has dealt with what was refused.</summary>
    public void Resume()
    {
        lock (_lock)
        {
            _refusal = Errno.Ok;
        }
    }

    /// <summary>
    /// Writes what is queued, closes the journal in good order, and then calls back on the scheduler.
    /// </summary>
    public void Stop(Action<Errno> stopped)
    {
        lock (_lock)
        {
            Invariant.Check(!_isStopped);
            var result = Errno.Ok;
            _isStopped = true;
            _queue.Enqueue(new Request(
                null,
                0,
                journal =>
                {
                    result = journal.Close();
                    journal.Dispose();
                },
                () => stopped(result)));
            Start();
        }
    }

    /// <summary>A turn on a worker; only the pool calls it.</summary>
    public void Run()
    {
        var entries = _entries;
        var generation = 0UL;
        for (var turn = 0; turn < BatchesPerTurn; turn++)
        {
            Request job;
            entries.Clear();
            lock (_lock)
            {
                if (_queue.Count == 0)
                {
                    _isRunning = false;
                    return;
                }

                job = TakeBatch(entries, ref generation);
            }

            _workers.Spread();
            Write(entries, generation);
            if (job.Work is not null)
            {
                job.Work(_journal);
                Measure();
                TellIfSynced();
                if (job.Done is not null)
                {
                    _scheduler.Post(job.Done);
                }
            }

            Volatile.Write(ref _turns, _turns + 1);
        }

        _workers.Submit(this);
    }

    /// <summary>Under the lock.</summary>
    private void QueueSync()
    {
        if (_isSyncing)
        {
            _isSyncOwed = true;
            return;
        }

        _isSyncing = true;
        _queue.Enqueue(new Request(null, 0, BeginSync, null));
        Start();
    }

    private void BeginSync(ReplicaJournal journal)
    {
        _lazyBytes = 0;
        if (journal.BeginSync() is { } sync)
        {
            _workers.Submit(new SyncJob(this, sync));
        }
        else
        {
            SyncIsOver();
        }
    }

    private void EndSync(JournalSync sync)
    {
        lock (_lock)
        {
            _queue.Enqueue(new Request(
                null,
                0,
                journal =>
                {
                    // After the stop the journal is closed, and synced.
                    Tell(journal.EndSync(sync), _generation);
                    SyncIsOver();
                },
                null));
            Start();
        }
    }

    private void SyncIsOver()
    {
        lock (_lock)
        {
            _isSyncing = false;
            if (_isSyncOwed && !_isStopped)
            {
                _isSyncOwed = false;
                QueueSync();
            }
        }
    }

    private Errno Start()
    {
        if (!_isRunning)
        {
            _isRunning = true;
            _workers.Submit(this);
        }

        return Errno.Ok;
    }

    /// <summary>Takes entries up to the next piece of work, and that piece when nothing is before it.</summary>
    private Request TakeBatch(List<JournalEntry> entries, ref ulong generation)
    {
        while (_queue.TryPeek(out var request) && request.Entry is not null)
        {
            entries.Add(request.Entry);
            generation = request.Generation;
            _queue.Dequeue();
        }

        return entries.Count == 0 ? _queue.Dequeue() : default;
    }

    private void Write(List<JournalEntry> entries, ulong generation)
    {
        if (entries.Count == 0)
        {
            return;
        }

        var left = CollectionsMarshal.AsSpan(entries);
        var error = Errno.Ok;
        while (error == Errno.Ok && left.Length > 0)
        {
            error = _journal.Append(left, out var taken, isDurable: !IsLazy);
            left = left[taken..];
            if (error == Errno.Ok)
            {
                Measure(); // Before the owner hears of it.
                Tell(Errno.Ok, generation);
                MaybeSync();
                _ = _journal.Maintain(ZeroedPerBatch);
            }
        }

        var bytes = 0L;
        foreach (var entry in entries)
        {
            bytes += BytesOf(entry.Meta.Length, entry.Data.Length);
            entry.Data.Release();
        }

        Interlocked.Add(ref _queuedBytes, -bytes);
        _lazyBytes += bytes;
        entries.Clear();
        if (error != Errno.Ok)
        {
            Tell(error, generation);
        }
    }

    private void Measure()
    {
        lock (_lock)
        {
            if (_isStopped && _queue.Count == 0)
            {
                return; // It may be closed.
            }
        }

        var (capacity, free) = _journal.Space;
        Volatile.Write(ref _capacity, capacity);
        Volatile.Write(ref _free, free);
    }

    private void Tell(Errno error, ulong generation)
    {
        lock (_lock)
        {
            _written = _journal.Last;
            _durable = _journal.Durable;
            _generation = generation;
            _hasNews = true;
            if (error != Errno.Ok && _refusal == Errno.Ok)
            {
                _refusal = error;
                _isRefusalTold = false;
                DropAppends();
            }

            if (_isNoticePosted)
            {
                return;
            }

            _isNoticePosted = true;
        }

        _scheduler.Hand(_notice);
    }

    /// <summary>Work may have synced what was only written.</summary>
    private void TellIfSynced()
    {
        lock (_lock)
        {
            if (_journal.Durable <= _durable || (_isStopped && _queue.Count == 0))
            {
                return;
            }
        }

        Tell(Errno.Ok, _generation);
    }

    private void DropAppends()
    {
        for (var i = _queue.Count; i > 0; i--)
        {
            var request = _queue.Dequeue();
            if (request.Entry is { } entry)
            {
                Interlocked.Add(ref _queuedBytes, -BytesOf(entry.Meta.Length, entry.Data.Length));
                entry.Data.Release();
            }
            else
            {
                _queue.Enqueue(request);
            }
        }
    }

    /// <summary>On the scheduler: tells the owner, and sees to the index when nothing more comes.</summary>
    private void Deliver()
    {
        JournalIndex written;
        JournalIndex durable;
        ulong generation;
        Errno refusal;
        bool tellsRefusal;
        bool setsTimer;
        lock (_lock)
        {
            _isNoticePosted = false;
            _hasNews = false;
            written = _written;
            durable = _durable;
            generation = _generation;
            refusal = _refusal;
            tellsRefusal = !_isRefusalTold;
            _isRefusalTold = true;
            setsTimer = !_isIdleTimerSet && !_isStopped;
            _isIdleTimerSet |= setsTimer;
        }

        if (setsTimer)
        {
            _ = _scheduler.Schedule(IdleMs, LookWhetherIdle);
        }

        _owner.OnProgress(written, durable, generation);
        if (tellsRefusal)
        {
            _owner.OnRefused(refusal, written);
        }
    }

    private void LookWhetherIdle()
    {
        lock (_lock)
        {
            _isIdleTimerSet = false;
            if (_hasNews || _isRunning || _isStopped || _queue.Count > 0)
            {
                return; // The next notice sets the timer again.
            }
        }

        _ = Do(journal => journal.FlushIndex());
    }

    /// <summary>After a batch, by the worker.</summary>
    private void MaybeSync()
    {
        if (_journal.IsSynced)
        {
            return;
        }

        bool setsTimer;
        bool isLate;
        lock (_lock)
        {
            isLate = _isSyncing && _lazyBytes >= 2 * LazyBytes;
            if (_lazyBytes >= LazyBytes && !_isSyncing)
            {
                QueueSync();
            }

            setsTimer = !_isLazyTimerSet;
            _isLazyTimerSet = true;
        }

        if (setsTimer)
        {
            _ = _scheduler.Schedule(LazyMs, SyncLate);
        }

        if (isLate)
        {
            // The disk does not keep up: now who appends waits for it.
            _lazyBytes = 0;
            Tell(_journal.Sync(), _generation);
        }
    }

    private void SyncLate()
    {
        lock (_lock)
        {
            _isLazyTimerSet = false;
            if (!_isStopped)
            {
                QueueSync();
            }
        }
    }

    private sealed class SyncJob(JournalWriter writer, JournalSync sync) : IWork
    {
        public void Run()
        {
            sync.Run();
            writer.EndSync(sync);
        }
    }

    private readonly record struct Request(
        JournalEntry? Entry, ulong Generation, Action<ReplicaJournal>? Work, Action? Done);

    private sealed class Notice(JournalWriter writer) : IWork
    {
        public void Run() => writer.Deliver();
    }
}
