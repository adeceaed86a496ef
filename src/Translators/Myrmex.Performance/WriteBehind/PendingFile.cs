using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// The writes of one file that are not done yet, from whatever open file they came, as a state machine: the steps run under
/// <see cref="Guard"/>, what they want done is carried out after it.
/// Invariants:
/// - a write is sent only when no earlier write that conflicts with it is pending, so overlapping writes land in order;
/// - at most the window is answered and not written; a write beyond it is answered when room comes or when it is done;
/// - whoever waits for writes up to a sequence number is woken when none of them is pending;
/// - an error of an answered write is counted, and every handle that was there is told once.
/// </summary>
internal sealed class PendingFile(Gfid gfid, IPendingFileOwner owner)
{
    private const uint PrivilegeBits = FileMode.SetUid | FileMode.SetGid;

    private readonly List<(long Sequence, WriteWaiter Waiter)> _waiters = [];
    private PendingWrite? _head;
    private PendingWrite? _tail;
    private long _sequence;
    private long _urgentSequence; // Writes up to here are sent without waiting for company, and not joined any more.
    private bool _isHeld; // The first write waits for what follows; nothing else is pending.
    private int _count;
    private int _sentCount;
    private int _answeredBytes;
    private uint? _mode;
    private long _errorCount;

    /// <summary>Guards everything here; a leaf lock but for the owner's observers.</summary>
    public Lock Guard { get; } = new();

    public Gfid Gfid { get; } = gfid;

    /// <summary>Open files with a handle; guarded by the owner's table.</summary>
    public int HandleCount { get; set; }

    public bool HasPending => Volatile.Read(ref _count) != 0;

    public Errno LastError { get; private set; }

    public long ErrorCount => Volatile.Read(ref _errorCount);

    /// <summary>
    /// True when a write may be answered before it is done: the caller of a late answer gets no attributes, so it could not see
    /// that it must take set-uid bits away. They must be known to be absent.
    /// </summary>
    public bool MayAnswerEarly => _mode is { } mode && (mode & PrivilegeBits) == 0;

    /// <summary>Bytes answered and not written, and writes pending; for people.</summary>
    public (int AnsweredBytes, int Count, int SentCount) Figures => (_answeredBytes, _count, _sentCount);

    /// <summary>Learns the mode of the file; null attributes teach nothing.</summary>
    public void Learn(in Iatt iatt)
    {
        if (!iatt.IsNull)
        {
            _mode = iatt.Mode;
        }
    }

    /// <summary>The mode may have been changed: null attributes mean that it is not known any more.</summary>
    public void Relearn(in Iatt iatt) => _mode = iatt.IsNull ? null : iatt.Mode;

    /// <summary>
    /// Takes a write into the queue. True when it is answered as done at once; otherwise <paramref name="task"/> is completed
    /// when it is done or when there is room.
    /// </summary>
    public bool Accept(
        in WriteFop fop, Call call, WriteBehindSettings settings, WriteEffects effects, out ValueTask<WriteReply> task)
    {
        task = default;
        var length = fop.Data.Length;
        var isEarly = HasRoom(length, settings) && owner.TryReserve(length);
        if (isEarly && _tail is not null && _tail.Sequence > _urgentSequence
            && _tail.IsContinuedBy(in fop, call, settings.AggregateBytes))
        {
            _tail.Join(fop.Data);
        }
        else
        {
            var write = PendingWrite.Rent(this, ++_sequence, in fop, call);
            Append(write);
            _isHeld = isEarly && _sequence == 1 && length < settings.AggregateBytes && settings.HoldMs > 0
                && owner.TryHold(this);
            effects.Holds |= _isHeld;
            if (!isEarly)
            {
                write.Unanswered = PendingReply<WriteReply>.Rent();
                task = write.Unanswered.Task;
            }
        }

        _answeredBytes += isEarly ? length : 0;
        Pump(settings, effects);
        return isEarly;
    }

    /// <summary>
    /// Asks to be woken when all writes that are pending now and reach beyond <paramref name="offset"/> are done; 0 means all.
    /// False when there is nothing to wait for. Such writes are sent without delay.
    /// </summary>
    public bool TryWait(long offset, WriteBehindSettings settings, WriteEffects effects, out ValueTask wait)
    {
        wait = default;
        var last = _tail;
        while (last is not null && last.End <= offset)
        {
            last = last.Previous;
        }

        if (last is null)
        {
            return false;
        }

        var waiter = WriteWaiter.Rent();
        wait = waiter.Task;
        _waiters.Add((last.Sequence, waiter));
        _urgentSequence = System.Math.Max(_urgentSequence, last.Sequence);
        Pump(settings, effects);
        return true;
    }

    /// <summary>Sends all that is pending without waiting for company.</summary>
    public void Hurry(WriteBehindSettings settings, WriteEffects effects)
    {
        _urgentSequence = System.Math.Max(_urgentSequence, _tail?.Sequence ?? 0);
        Pump(settings, effects);
    }

    /// <summary>
    /// A sent write has come back. A short one goes on with its rest. True when the write is over; the caller releases it.
    /// </summary>
    public bool Complete(PendingWrite write, WriteReply reply, WriteBehindSettings settings, WriteEffects effects)
    {
        Invariant.Check(write.IsSent);
        var error = reply.Error;
        if (error == Errno.Ok && reply.OpRet < write.Length)
        {
            if (reply.OpRet > 0)
            {
                write.Advance(reply.OpRet);
                effects.Sends.Enqueue(write);
                return false;
            }

            error = Errno.EIO; // Nothing written and no reason given: trying again could go on for ever.
        }

        // A writer that waited because nothing may be answered early gets the attributes: no answered write can be missing in them.
        var wasLate = !MayAnswerEarly;
        if (error == Errno.Ok)
        {
            Learn(in reply.Post);
        }

        Remove(write);
        Settle(write, error, wasLate || !MayAnswerEarly ? reply : null, effects);
        AnswerWaitingWriters(settings, effects);
        WakeWaiters(effects);
        Pump(settings, effects);
        return true;
    }

    /// <summary>The reply of a write without attributes: what they will be is not known yet.</summary>
    public static WriteReply Accepted(int length)
    {
        var reply = WriteReply.Rent();
        reply.OpRet = length;
        return reply;
    }

    private bool HasRoom(int length, WriteBehindSettings settings) =>
        MayAnswerEarly && _answeredBytes + (long)length <= settings.WindowBytes
        && _count < WriteBehindLimits.PendingPerFileMax;

    /// <summary>Sends what may go: in order, unless it would overtake something it conflicts with.</summary>
    private void Pump(WriteBehindSettings settings, WriteEffects effects)
    {
        for (var write = _head; write is not null && _sentCount < WriteBehindLimits.SentPerFileMax; write = write.Next)
        {
            if (!write.IsSent && IsReady(write, settings) && !ConflictsWithEarlier(write))
            {
                write.IsSent = true;
                _sentCount++;
                effects.Sends.Enqueue(write);
            }
        }
    }

    /// <summary>
    /// The last write waits for company while others are under way: small writes are joined by themselves to the speed of the
    /// subvolume. The first one of a file waits for a moment too, so that a small file that is written in steps is one
    /// write; nothing else lingers when the subvolume is idle.
    /// </summary>
    private bool IsReady(PendingWrite write, WriteBehindSettings settings) =>
        (_sentCount == 0 && !_isHeld) || !ReferenceEquals(write, _tail) || write.Sequence <= _urgentSequence
        || write.Length >= settings.AggregateBytes || write.Unanswered is not null;

    private static bool ConflictsWithEarlier(PendingWrite write)
    {
        for (var earlier = write.Previous; earlier is not null; earlier = earlier.Previous)
        {
            if (earlier.Conflicts(write))
            {
                return true;
            }
        }

        return false;
    }

    private void Settle(PendingWrite write, Errno error, WriteReply? attributes, WriteEffects effects)
    {
        if (write.Unanswered is { } writer)
        {
            var answer = error == Errno.Ok ? Accepted(write.TotalLength) : WriteReply.Fail(error);
            answer.Pre = attributes?.Pre ?? default;
            answer.Post = attributes?.Post ?? default;
            effects.Answers.Add((writer, answer));
            return;
        }

        _answeredBytes -= write.TotalLength;
        owner.GiveBack(write.TotalLength);
        if (error != Errno.Ok)
        {
            LastError = error;
            Volatile.Write(ref _errorCount, _errorCount + 1);
        }
    }

    private void AnswerWaitingWriters(WriteBehindSettings settings, WriteEffects effects)
    {
        for (var write = _head; write is not null; write = write.Next)
        {
            if (write.Unanswered is not { } writer)
            {
                continue;
            }

            if (!HasRoom(write.TotalLength, settings) || !owner.TryReserve(write.TotalLength))
            {
                return;
            }

            _answeredBytes += write.TotalLength;
            write.Unanswered = null;
            effects.Answers.Add((writer, Accepted(write.TotalLength)));
        }
    }

    private void WakeWaiters(WriteEffects effects)
    {
        var oldest = _head?.Sequence ?? long.MaxValue;
        for (var i = 0; i < _waiters.Count; i++)
        {
            if (_waiters[i].Sequence < oldest)
            {
                effects.Wakes.Add(_waiters[i].Waiter);
                _waiters.RemoveAt(i--);
            }
        }
    }

    private void Append(PendingWrite write)
    {
        if (_count == 0)
        {
            owner.BecameBusy();
        }

        write.Previous = _tail;
        if (_tail is null)
        {
            _head = write;
        }
        else
        {
            _tail.Next = write;
        }

        _tail = write;
        Volatile.Write(ref _count, _count + 1);
    }

    private void Remove(PendingWrite write)
    {
        if (write.Previous is null)
        {
            _head = write.Next;
        }
        else
        {
            write.Previous.Next = write.Next;
        }

        if (write.Next is null)
        {
            _tail = write.Previous;
        }
        else
        {
            write.Next.Previous = write.Previous;
        }

        _sentCount--;
        if (_count == 1)
        {
            owner.BecameIdle(Gfid);
        }

        Volatile.Write(ref _count, _count - 1);
    }
}

/// <summary>What all files share: the bytes answered early, and who is busy.</summary>
internal interface IPendingFileOwner
{
    /// <summary>Counts bytes that will be answered before they are written; false when there are too many.</summary>
    bool TryReserve(int bytes);

    void GiveBack(int bytes);

    /// <summary>
    /// Sees to it that <see cref="PendingFile.Hurry"/> is called after a while; false when too many wait.
    /// </summary>
    bool TryHold(PendingFile file);

    /// <summary>Called before the first pending write of a file is answered.</summary>
    void BecameBusy();

    /// <summary>Called when the last pending write of a file is done, before it is no longer seen as busy.</summary>
    void BecameIdle(in Gfid gfid);
}
