using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Turns fops into operations on a leader: checks what must hold against the store, which has the effects of all
/// earlier operations with a common key, and resolves everything to absolute values. The caller holds the keys of the
/// KeysFor methods from before the evaluation until the operation is applied; when the operation has keys that are not
/// covered (<see cref="ConflictKeys.Cover"/>), what was read may be old: it lets all go, takes these too and evaluates
/// again. Reads only; nothing it does has an effect.
/// <para>
/// Times: the leader's clock, made to run forward only. Usually a stamp only moves times forward, which commutes, so
/// that writers of one file and creators in one directory need not wait for each other; a file whose times lie ahead of
/// the clock, or that has no stored times yet, gets all three as absolute values.
/// </para>
/// </summary>
public sealed partial class Evaluator
{
    private const TimeFlags OwnTimes = TimeFlags.Atime | TimeFlags.Mtime | TimeFlags.Ctime;
    private const uint GroupExecute = 8;

    private readonly Translator _store;
    private readonly Seams _seams;
    private readonly Lock _clockLock = new(); // Guards _lastStampNs; a leaf lock.
    private long _lastStampNs;
    private long _spaceCheckedNs = long.MinValue / 2;
    private bool _isFull;

    /// <param name="store">The stack that ends in the store.</param>
    /// <param name="seams">Its clock stamps, its randomness makes gfids.</param>
    public Evaluator(Translator store, Seams seams)
    {
        _store = store;
        _seams = seams;
    }

    /// <summary>
    /// Whether a file that loses its last name lives on, because somebody may have it open. Asked with its inode held
    /// alone when it counts. Null: no file does.
    /// </summary>
    /// <param name="inode">The file.</param>
    /// <param name="isInternal">It is taken away by one of the cluster's own.</param>
    public delegate bool KeepRule(in Iatt inode, bool isInternal);

    /// <inheritdoc cref="KeepRule"/>
    public KeepRule? MustKeep { get; set; }

    /// <summary>It is one of the cluster's own that asks.</summary>
    private static bool IsInternal(Call? client) => client is null or { Pid: < 0 };

    /// <summary>What UNLINK and RENAME say of the inode that they take a name from.</summary>
    private uint FlagsOfLoss(in Iatt inode, bool isInternal) =>
        inode.IsDirectory ? JournalOperation.LastName
        : inode.Nlink > 1 ? 0
        : inode.IsRegular && MustKeep is { } mustKeep && mustKeep(in inode, isInternal)
            ? JournalOperation.LastName | JournalOperation.Keep
        : JournalOperation.LastName;

    private readonly record struct Stamp(long Seconds, uint Nanoseconds);

    private Stamp NewStamp()
    {
        long now;
        lock (_clockLock)
        {
            now = _lastStampNs = Math.Max(_lastStampNs + 1, _seams.Clock.WallNs);
        }

        return new Stamp(now / 1_000_000_000, (uint)(now % 1_000_000_000));
    }

    /// <summary>The times lie ahead of every stamp given so far.</summary>
    private bool IsAhead(InodeTimes times, TimeFlags touches)
    {
        var last = new Stamp(0, 0);
        lock (_clockLock)
        {
            last = new Stamp(_lastStampNs / 1_000_000_000, (uint)(_lastStampNs % 1_000_000_000));
        }

        bool IsLater(long seconds, uint nanoseconds) =>
            seconds > last.Seconds || (seconds == last.Seconds && nanoseconds > last.Nanoseconds);
        return ((touches & TimeFlags.Atime) != 0 && IsLater(times.Atime, times.AtimeNsec))
            || ((touches & TimeFlags.Mtime) != 0 && IsLater(times.Mtime, times.MtimeNsec))
            || ((touches & TimeFlags.Ctime) != 0 && IsLater(times.Ctime, times.CtimeNsec));
    }

    /// <summary>All times of an inode after a touch, when moving them forward is not enough; else null.</summary>
    private InodeTimes? TimesFor(in InodeView view, TimeFlags touches, Stamp stamp)
    {
        touches &= OwnTimes;
        if (touches == TimeFlags.None)
        {
            return null;
        }

        return view.Times is { } times && !IsAhead(times, touches)
            ? null
            : (view.Times ?? InodeTimes.Of(view.Iatt)).With(touches, stamp.Seconds, stamp.Nanoseconds);
    }

    /// <summary>The iatt of an inode after a touch.</summary>
    private static Iatt Touched(in Iatt iatt, TimeFlags touches, Stamp stamp)
    {
        var after = iatt;
        InodeTimes.Of(in iatt).With(touches, stamp.Seconds, stamp.Nanoseconds).CopyTo(ref after);
        return after;
    }

    private JournalOperation NewOperation(FopCode fop, in Gfid gfid, TimeFlags touches, Stamp stamp) => new()
    {
        Fop = fop,
        Gfid = gfid,
        Touches = touches,
        StampSeconds = stamp.Seconds,
        StampNanoseconds = stamp.Nanoseconds,
    };

    private ValueTask<InodeView> StatAsync(in Gfid gfid, Call call) => StoreView.StatAsync(_store, gfid, call);

    private ValueTask<InodeView> LookupAsync(in Gfid parent, Name name, Call call) =>
        StoreView.LookupAsync(_store, parent, name, call);

    /// <summary>
    /// A lookup of what can be an entry: a lookup of nothing, "." and ".." succeeds, and means no name.
    /// </summary>
    private async ValueTask<InodeView> LookupEntryAsync(Gfid parent, Name name, Call call)
    {
        var error = name.CheckEntry();
        return error == Errno.Ok ? await LookupAsync(parent, name, call) : new InodeView(error, default, null);
    }

    /// <summary>ENOSPC while the store has no room for clients; looked at once a second.</summary>
    private async ValueTask<Errno> CheckSpaceAsync(Call client, XData? xdata, Call call)
    {
        if (client.Pid < 0 || (xdata is not null && xdata.Contains(JournalKeys.InternalFop)))
        {
            return Errno.Ok;
        }

        var now = _seams.Clock.MonotonicNs;
        var last = Volatile.Read(ref _spaceCheckedNs);
        if (now - last > JournalLimits.SpaceCheckNs
            && Interlocked.CompareExchange(ref _spaceCheckedNs, now, last) == last)
        {
            var reply = await _store.Statfs(new StatfsFop { Gfid = Gfid.Root }, call);
            if (reply.IsOk)
            {
                Volatile.Write(ref _isFull, reply.StatFs.BlocksAvailable == 0);
            }

            reply.Release();
        }

        return Volatile.Read(ref _isFull) ? Errno.ENOSPC : Errno.Ok;
    }

    private static Call ReadCall()
    {
        var call = Call.Internal();
        call.TimeFlags = TimeFlags.ForwardOnly;
        return call;
    }

    /// <summary>The mode after a write by somebody who is not root: set-id bits go.</summary>
    private static uint ModeAfterWrite(uint mode, Call client)
    {
        if (client.Uid == 0 || client.Pid < 0)
        {
            return mode;
        }

        mode &= ~FileMode.SetUid;
        return (mode & GroupExecute) != 0 ? mode & ~FileMode.SetGid : mode;
    }

    private static Errno CheckRegular(in Iatt iatt) =>
        iatt.IsRegular ? Errno.Ok
        : iatt.IsDirectory ? Errno.EISDIR
        : iatt.IsSymbolicLink ? Errno.ELOOP
        : Errno.ENXIO;

    private static Evaluation NoEffect(params Iatt[] iatts) =>
        new() { Outcome = new RecordedOutcome { Iatts = iatts } };
}
