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
    /// <summary>
    /// All entries up to <paramref name="last"/> are durable. Numbers in between may be left out.
    /// </summary>
    /// <param name="generation">What <see cref="JournalWriter.Append"/> was given with the last of them.</param>
    void OnDurable(JournalIndex last, ulong generation);

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
    private JournalIndex _durable;
    private ulong _generation; // Of the entry at _durable.
    private int _usedPercent; // Not guarded: a number that the worker says.
    private long _turns; // The same.

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
        _durable = journal.Last;
        _usedPercent = journal.Space.UsedPercent;
        _notice = new Notice(this);
    }

    /// <summary>Counters of the journal; see <see cref="JournalMetrics"/>.</summary>
    public JournalMetrics Metrics => _journal.Metrics;

    /// <summary>How full the journal was after what was written or done last, 0 to 100.</summary>
    public int UsedPercent => Volatile.Read(ref _usedPercent);

    /// <summary>Counts what is done: while it stands still and the writer is busy, the disk makes it wait.</summary>
    public long Turns => Volatile.Read(ref _turns);

    public bool IsBusy
    {
        get
        {
            lock (_lock)
            {
                return _isRunning;
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

            Write(entries, generation);
            if (job.Work is not null)
            {
                job.Work(_journal);
                Measure();
                if (job.Done is not null)
                {
                    _scheduler.Post(job.Done);
                }
            }

            Volatile.Write(ref _turns, _turns + 1);
        }

        _workers.Submit(this);
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
            error = _journal.Append(left, out var taken);
            left = left[taken..];
            if (error == Errno.Ok)
            {
                Measure(); // Before the owner hears of it.
                Tell(Errno.Ok, generation);
                _ = _journal.Maintain(ZeroedPerBatch);
            }
        }

        foreach (var entry in entries)
        {
            entry.Data.Release();
        }

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

        Volatile.Write(ref _usedPercent, _journal.Space.UsedPercent);
    }

    private void Tell(Errno error, ulong generation)
    {
        lock (_lock)
        {
            _durable = _journal.Last;
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

        _scheduler.Post(_notice);
    }

    private void DropAppends()
    {
        for (var i = _queue.Count; i > 0; i--)
        {
            var request = _queue.Dequeue();
            if (request.Entry is { } entry)
            {
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
        JournalIndex durable;
        ulong generation;
        Errno refusal;
        bool tellsRefusal;
        bool setsTimer;
        lock (_lock)
        {
            _isNoticePosted = false;
            _hasNews = false;
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

        _owner.OnDurable(durable, generation);
        if (tellsRefusal)
        {
            _owner.OnRefused(refusal, durable);
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

    private readonly record struct Request(
        JournalEntry? Entry, ulong Generation, Action<ReplicaJournal>? Work, Action? Done);

    private sealed class Notice(JournalWriter writer) : IWork
    {
        public void Run() => writer.Deliver();
    }
}
