using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>How the applying of an operation ended.</summary>
/// <param name="Error">The store failed; the operation must be applied again before anything that conflicts with
/// it.</param>
/// <param name="IsMissing">The inode is gone: a later entry has taken its last name, or it lives only in open files
/// elsewhere.</param>
/// <param name="Iatt">The inode afterwards as the store told it on the way; default when it did not.</param>
public readonly record struct RedoResult(Errno Error, bool IsMissing = false, Iatt Iatt = default);

/// <summary>
/// Applies operations to a store by force: each makes its post-state true whatever it finds. Two modes.
/// <list type="bullet">
/// <item>Live: the store holds the effects of all earlier conflicting operations and of no later one. Operations
/// without a common key (<see cref="ConflictKeys"/>) may be applied at the same time.</item>
/// <item>Replay, between <see cref="BeginReplayAsync"/> and <see cref="EndReplayAsync"/>: the store may hold any part
/// of the effects of the entries of the window, torn ones too. All of them are applied, in order, one at a time.
/// Nothing that has data is destroyed on the way: what is displaced goes to the orphan pool, because a later entry may
/// name it. Replaying again from the start, after a failure anywhere, gives the same tree.</item>
/// </list>
/// Why a replay converges: what differs from the state before entry i is the work of later entries. Those will be
/// applied as well, reach inodes by gfid, set absolute values, and stamp times not older than that of i, so whatever i
/// changes of their work is made good by them.
/// </summary>
public sealed partial class Redo
{
    /// <summary>Stamps nothing.</summary>
    private const TimeFlags Quiet = TimeFlags.ForwardOnly;

    private readonly Translator _store;
    private readonly IForcedStore _forced;
    private long _missing;
    private long _displaced;

    /// <param name="store">The top of the stack that ends in the store.</param>
    /// <exception cref="GraphException">The store below cannot be forced.</exception>
    public Redo(Translator store)
    {
        _store = store;
        _forced = StoreView.ForcedOf(store)
            ?? throw new GraphException($"volume {store.Name}: no store below that a journal can be applied to");
    }

    /// <summary>Lets an operation wait that finds no room in the store; null: it fails.</summary>
    public IRoomWait? Room { get; set; }

    /// <summary>Which calls to the store are under way, those of reads too.</summary>
    public StoreWatch Watch { get; } = new();

    /// <summary>Which files may have been changed up to when.</summary>
    public TouchTable Touches { get; } = new();

    /// <summary>Between begin and end of a replay.</summary>
    public bool IsReplay { get; private set; }

    /// <summary>Operations whose inode was gone.</summary>
    public long Missing => Volatile.Read(ref _missing);

    /// <summary>
    /// Inodes found at the name of another one. More than 0 outside of replays means that the store has diverged.
    /// </summary>
    public long Displaced => Volatile.Read(ref _displaced);

    /// <summary>
    /// Applies an operation. The effect is in the store's cache afterwards, not on its disk. Does not throw. On a full
    /// disk it waits for room, see <see cref="Room"/>.
    /// </summary>
    /// <param name="data">The bytes of a WRITE, PUT or COPY_FILE_RANGE; borrowed.</param>
    /// <param name="stored">Where the first of them are on the disk already, if they are.</param>
    /// <param name="elided">Of a WRITE or COPY_FILE_RANGE, which bytes of it are missing; null for none.</param>
    public ValueTask<RedoResult> ApplyAsync(
        JournalOperation operation, Payload data, IStoredData? stored = null, ElidedData? elided = null)
    {
        var once = ApplyOnceAsync(operation, data, stored, elided);
        if (!once.IsCompletedSuccessfully)
        {
            return ApplyInTheEndAsync(once, operation, data, stored, elided);
        }

        var result = once.Result;
        return IsNoRoom(result.Error) ? ApplyInTheEndAsync(new(result), operation, data, stored, elided) : new(result);
    }

    private async ValueTask<RedoResult> ApplyInTheEndAsync(
        ValueTask<RedoResult> once, JournalOperation operation, Payload data, IStoredData? stored, ElidedData? elided)
    {
        var result = await once;
        if (!IsNoRoom(result.Error) || Room is not { } room)
        {
            return result;
        }

        room.Begin(operation, result.Error);
        while (IsNoRoom(result.Error) && await room.WaitAsync())
        {
            result = await ApplyOnceAsync(operation, data, stored, elided);
        }

        room.End();
        return result;
    }

    internal static bool IsNoRoom(Errno error) => error is Errno.ENOSPC or Errno.EDQUOT;

    private async ValueTask<RedoResult> ApplyOnceAsync(
        JournalOperation operation, Payload data, IStoredData? stored, ElidedData? elided)
    {
        var call = Call.Internal();
        call.Stored = elided is null ? stored : null;
        call.TimeFlags = operation.Touches | TimeFlags.ForwardOnly;
        call.CtimeSeconds = operation.StampSeconds;
        call.CtimeNanoseconds = operation.StampNanoseconds;
        RedoResult result;
        Touches.Mark(operation);
        var watched = Watch.Begin();
        try
        {
            result = elided is null ? await ApplyAsync(operation, data, call)
                : await WritePartsAsync(operation, data, elided, call);
            if (result.Error == Errno.Ok)
            {
                var error = await SettleTimesAsync(operation, elided is not null, call);
                result = error == Errno.Ok ? result : result with { Error = error };
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // How far it came is not known, and others wait to hear of it: the same as a store that fails.
            Log.Error("journal", "applying an operation has thrown", ("fop", operation.Fop), ("exception", e));
            result = new RedoResult(Errno.EIO);
        }

        Watch.End(watched);
        call.Release();
        if (result.IsMissing)
        {
            Interlocked.Increment(ref _missing);
        }

        return result;
    }

    /// <summary>Brings what was applied to the disk, on a worker.</summary>
    public async ValueTask<Errno> SyncAsync(IWorkers workers)
    {
        var work = new SyncWork(_forced);
        workers.Submit(work);
        return await work.Done.Task;
    }

    private ValueTask<RedoResult> ApplyAsync(JournalOperation operation, Payload data, Call call) =>
        operation.Fop switch
        {
            FopCode.Create or FopCode.Mknod or FopCode.Mkdir or FopCode.Symlink => CreateAsync(operation, call),
            FopCode.Put => PutAsync(operation, data, call),
            FopCode.Link => LinkAsync(operation, call),
            FopCode.Unlink => UnlinkAsync(operation, call),
            FopCode.Rmdir => RmdirAsync(operation, call),
            FopCode.Rename => RenameAsync(operation, call),
            FopCode.Write or FopCode.CopyFileRange => WriteAsync(operation, data, call),
            FopCode.Truncate or FopCode.Ftruncate => ResizeAsync(operation, call),
            FopCode.Fallocate => FallocateAsync(operation, call),
            FopCode.Discard => DiscardAsync(operation, call),
            FopCode.Zerofill => ZerofillAsync(operation, call),
            FopCode.Setattr or FopCode.Fsetattr => SetattrAsync(operation, call),
            FopCode.Setxattr or FopCode.Fsetxattr or FopCode.Removexattr or FopCode.Fremovexattr
                or FopCode.Xattrop or FopCode.Fxattrop => SetXattrsAsync(operation, call),
            _ => new(new RedoResult(Errno.EOPNOTSUPP)),
        };

    /// <summary>
    /// Times that are set and not moved; and in a replay the stamps of effects that were there already, whose fop did
    /// nothing.
    /// </summary>
    /// <param name="isForced">Here, too, it is not known what the fops have stamped.</param>
    private async ValueTask<Errno> SettleTimesAsync(JournalOperation operation, bool isForced, Call call)
    {
        const TimeFlags own = TimeFlags.Atime | TimeFlags.Mtime | TimeFlags.Ctime;
        var parents = ((operation.Touches & TimeFlags.ParentMtime) != 0 ? TimeFlags.Mtime : TimeFlags.None)
            | ((operation.Touches & TimeFlags.ParentCtime) != 0 ? TimeFlags.Ctime : TimeFlags.None);
        var error = await SettleAsync(
            operation.Gfid, operation.Touches & own, operation.Times, operation, call, isForced);
        if (error == Errno.Ok && !operation.Displaced.IsNull)
        {
            error = await SettleAsync(operation.Displaced, TimeFlags.Ctime, null, operation, call);
        }

        if (error == Errno.Ok && !operation.Parent.IsNull)
        {
            error = await SettleAsync(operation.Parent, parents, operation.ParentTimes, operation, call);
        }

        if (error == Errno.Ok && !operation.NewParent.IsNull)
        {
            error = await SettleAsync(operation.NewParent, parents, operation.NewParentTimes, operation, call);
        }

        return error;
    }

    private async ValueTask<Errno> SettleAsync(
        Gfid gfid, TimeFlags touches, InodeTimes? times, JournalOperation operation, Call call, bool isForced = false)
    {
        if (times is null && (IsReplay || isForced) && touches != TimeFlags.None)
        {
            var view = await StoreView.StatAsync(_store, gfid, call);
            if (!view.IsThere)
            {
                return view.IsMissing ? Errno.Ok : view.Error;
            }

            times = Forward(view, touches, operation.StampSeconds, operation.StampNanoseconds);
        }

        if (times is not { } wanted)
        {
            return Errno.Ok;
        }

        var error = await StoreView.SetTimesAsync(_store, gfid, wanted, call);
        return error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;
    }

    /// <summary>The times after a stamp, or null when they are as new as that already.</summary>
    private static InodeTimes? Forward(InodeView view, TimeFlags touches, long seconds, uint nanoseconds)
    {
        if (view.Times is not { } now)
        {
            // A creation that was torn has no stored times.
            return InodeTimes.Of(view.Iatt).With(touches, seconds, nanoseconds);
        }

        static bool IsNewer(long seconds, uint nanoseconds, long than, uint thanNanoseconds) =>
            seconds > than || (seconds == than && nanoseconds > thanNanoseconds);
        var flags = (IsNewer(seconds, nanoseconds, now.Atime, now.AtimeNsec) ? TimeFlags.Atime : TimeFlags.None)
            | (IsNewer(seconds, nanoseconds, now.Mtime, now.MtimeNsec) ? TimeFlags.Mtime : TimeFlags.None)
            | (IsNewer(seconds, nanoseconds, now.Ctime, now.CtimeNsec) ? TimeFlags.Ctime : TimeFlags.None);
        flags &= touches;
        return flags == TimeFlags.None ? null : now.With(flags, seconds, nanoseconds);
    }

    private static RedoResult ResultOf(Errno error) =>
        error is Errno.ESTALE or Errno.ENOENT ? new RedoResult(Errno.Ok, IsMissing: true) : new RedoResult(error);

    private sealed class SyncWork(IForcedStore store) : IWork
    {
        public TaskCompletionSource<Errno> Done { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Run() => Done.SetResult(store.SyncAll());
    }
}
