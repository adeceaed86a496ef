using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Cluster.JournalClient;

/// <summary>
/// Sends each fop to the leader, and again until it is known what became of it or its time is over.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>A fop is sent only to the leader, with its fds open there and their POSIX locks held there.</item>
/// <item>What may have taken effect is sent again only with the same number of the same session.</item>
/// <item>A number is given back when its fop is answered above, never before.</item>
/// </list>
/// </remarks>
internal sealed class Sender
{
    private readonly string _volume;
    private readonly Seams _seams;
    private readonly LeaderFinder _finder;
    private readonly InternalLocks _internalLocks = new();
    private long _retries;
    private Errno _beginError;
    private long _waitMs;

    public Sender(TranslatorPlace place, LeaderFinder finder, Member[] members)
    {
        _volume = place.Name;
        _seams = place.Seams;
        _finder = finder;
        Fds = new OpenFds(place.Name, place.Slot, place.Seams, finder, members);
        Sessions = new Sessions(place.Seams, BeginAsync);
    }

    public OpenFds Fds { get; }

    public Sessions Sessions { get; }

    public int InternalLocksCount => _internalLocks.Count;

    /// <summary>How often something was sent again.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>How long a fop may wait for a leader, from its first trouble on.</summary>
    public long WaitMs
    {
        get => Volatile.Read(ref _waitMs);
        set => Volatile.Write(ref _waitMs, value);
    }

    public ValueTask<TReply> Handle<TFop, TReply>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        call.Client is { } client && FopFacts.NamesOwner<TFop>()
            ? ForwardAsync<TFop, TReply>(fop, call, client)
            : HandleOwn<TFop, TReply>(in fop, call);

    /// <summary>A client of this door has left: the locks that it has at the leader through us would stay.</summary>
    public void ClientGone(ClientIdentity client)
    {
        foreach (var (owner, held) in _internalLocks.OfClient(client))
        {
            _ = UnlockAsync(owner, held);
        }
    }

    /// <summary>
    /// To the other members all clients of a door are one: their lock owners are told apart by what is put before them.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ForwardAsync<TFop, TReply>(TFop fop, Call call, ClientIdentity client)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var forwarded = Call.Rent();
        forwarded.CopyIdentityFrom(call);
        forwarded.LockOwner = ClientOwner.Of(client, call.LockOwner);
        var reply = await HandleOwn<TFop, TReply>(in fop, forwarded);
        forwarded.Release();
        return reply;
    }

    private async Task UnlockAsync(LkOwner owner, InternalLock held)
    {
        var call = Call.Internal();
        call.LockOwner = owner;
        Reply reply = held.Entry is not null
            ? await HandleOwn<EntrylkFop, EntrylkReply>(held.ToEntryUnlock(), call)
            : await HandleOwn<InodelkFop, InodelkReply>(held.ToInodeUnlock(owner), call);
        reply.Release();
        call.Release();
    }

    private ValueTask<TReply> HandleOwn<TFop, TReply>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (typeof(TFop) == typeof(ReleaseFop) || typeof(TFop) == typeof(ReleasedirFop))
        {
            return Fds.CloseAsync<TFop, TReply>(in fop, TFop.FdOf(in fop)!, call); // It is on an fd.
        }

        if (typeof(TFop) == typeof(FsyncFop) && call.Client is null && _finder.Lead is { } lead
            && Fds.Find(TFop.FdOf(in fop)) is { Place: { } at } && at.IsAt(lead))
        {
            // What was answered is on the disks of a write quorum; clients of a door may want the attributes.
            return new ValueTask<TReply>(TReply.Rent());
        }

        if (typeof(TFop) == typeof(FlushFop) && !Fds.Locks.IsEmpty)
        {
            Fds.Locks.RemoveOwner(TFop.FdOf(in fop)!.Gfid, call.LockOwner); // As it does at the member.
        }
        else if (FopFacts.TryPosixLock(in fop, out var asked, out var end) && asked.Type == LockType.Unlock)
        {
            // Forgotten before it is sent: whatever becomes of it, its owner does not want the lock back.
            Fds.Locks.Remove(asked.Fd.Gfid, call.LockOwner, asked.Flock.Start, end);
        }

        return SendAsync<TFop, TReply>(fop, call);
    }

    /// <summary>Ends the session, if that can be done at once.</summary>
    public void Stop()
    {
        if (Sessions.Take() is { } session && _finder.Lead is { } lead)
        {
            _ = EndAsync(session, lead.Member);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> SendAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var trip = default(Trip);
        var needsNumber = FopFacts.NeedsNumber<TFop, TReply>(in fop);
        while (true)
        {
            if (!IsReady<TFop, TReply>(in fop, needsNumber, ref trip, out var way))
            {
                var error = await WaitAsync(way, trip.LeftMs(_seams.Clock, WaitMs), FopFacts.MayBlock(TFop.Code));
                trip.HasWaited = way is { Lead: not null, Blocked: null };
                if (error != Errno.Ok)
                {
                    return GiveUp<TReply>(TFop.Code, ref trip, error);
                }

                continue;
            }

            if (FopFacts.IsInternalLock<TFop>() && CheckLost(in fop, call, way.Lead!) is { } outcome)
            {
                return outcome == Errno.Ok ? TReply.Rent() : TReply.Fail(outcome);
            }

            var request = trip.Session is null ? null : Numbered(TFop.XDataOf(in fop), in trip);
            var sent = request is null ? fop : TFop.WithXData(in fop, request);
            var reply = FopFacts.IsListing<TFop>() && way is { Open.Listing: not null, Place: not null }
                ? await ListAsync<TFop, TReply>(sent, call, way)
                : await TFop.Invoke(way.Lead!.Member.Translator, in sent, call);
            request?.Release();
            var verdict = reply.IsOk
                ? Accept<TFop, TReply>(in fop, call, in way)
                : Judge<TFop, TReply>(in fop, reply, in way, ref trip);
            if (verdict == Verdict.Answer)
            {
                Finish(ref trip);
                return reply;
            }

            reply.Release();
            if (verdict is Verdict.Unknown or Verdict.Gone)
            {
                return verdict == Verdict.Gone ? TReply.Rent() : GiveUp<TReply>(TFop.Code, ref trip, Errno.EIO);
            }

            Interlocked.Increment(ref _retries);
            var leftMs = trip.LeftMs(_seams.Clock, WaitMs);
            if (leftMs == 0)
            {
                return GiveUp<TReply>(TFop.Code, ref trip, Errno.ENOTCONN);
            }

            var pauseMs = Math.Min(leftMs, trip.NextPauseMs(verdict == Verdict.AgainLater));
            await PauseAsync(pauseMs, FopFacts.MayBlock(TFop.Code));
        }
    }

    /// <summary>
    /// Whether the fop can be sent now: there is a leader, its fds may be used there, and it has a number if it needs
    /// one.
    /// </summary>
    private bool IsReady<TFop, TReply>(in TFop fop, bool needsNumber, ref Trip trip, out Way way)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        way = new Way { Lead = _finder.Lead };
        if (way.Lead is null)
        {
            return false;
        }

        if (TFop.FdOf(in fop) is { } fd && Fds.Find(fd) is { } open)
        {
            way.Open = open;
            way.Place = open.Place;
            way.Blocked = way.Place is { } place && place.IsAt(way.Lead) ? null : open;
        }

        if (typeof(TFop) == typeof(CopyFileRangeFop) && Fds.Find(TFop.SecondFdOf(in fop)) is { } second
            && !(second.Place is { } other && other.IsAt(way.Lead)))
        {
            way.Blocked ??= second;
        }

        if (way.Blocked is not null)
        {
            return false;
        }

        if (needsNumber && trip.Session is null)
        {
            if (!Sessions.TryTake(out var session, out var number, trip.HasWaited))
            {
                return false;
            }

            trip.SetNumber(session!, number); // TryTake has set it.
        }

        return true;
    }

    /// <summary>Waits for what is missing. Ok: look again; else the error of the fop.</summary>
    private async ValueTask<Errno> WaitAsync(Way way, long leftMs, bool mayBlock)
    {
        if (way is { Lead: { } lead, Blocked: { } blocked })
        {
            return await Fds.WaitAsync(blocked, lead, leftMs, mayBlock);
        }

        var isThere = way.Lead is null
            ? await _finder.WaitAsync(leftMs, mayBlock)
            : await Sessions.WaitAsync(leftMs, mayBlock);
        return isThere ? Errno.Ok : Errno.ENOTCONN;
    }

    /// <summary>
    /// A copy of the request's dictionary with the fop's number: others may be sending the request as well.
    /// </summary>
    private static XData Numbered(XData? request, in Trip trip)
    {
        var numbered = request is null ? XData.Rent() : request.Clone();
        Span<byte> record = stackalloc byte[SessionKeys.RecordBytes];
        // The caller has looked that there is a session.
        trip.Session!.Write(record, trip.Number | (trip.IsUnknown ? SessionKeys.MayBeKnown : 0));
        numbered.SetBytes(SessionKeys.Session, record);
        return numbered;
    }

    /// <summary>
    /// Remembers what a success has opened or locked. A lock granted where its fd is not any more does not count.
    /// </summary>
    private Verdict Accept<TFop, TReply>(in TFop fop, Call call, in Way way)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (FopFacts.OpenedFd(in fop) is { } opened)
        {
            Fds.Add(opened, way.Lead!);
        }
        else if (FopFacts.TryPosixLock(in fop, out var asked, out var end))
        {
            if (asked.Type == LockType.Unlock || way is not { Open: { } open, Place: { } place })
            {
                return Verdict.Answer;
            }

            var held = new HeldLock(
                asked.Fd, place, call.LockOwner, call.Pid, asked.Flock.Pid, asked.Type, asked.Flock.Start, end);
            return open.TryAdd(Fds.Locks, held) ? Verdict.Answer : Verdict.Again;
        }
        else if (FopFacts.IsInternalLock<TFop>())
        {
            var granted = InternalLock.Of(in fop, out var unlocks);
            if (!unlocks)
            {
                _internalLocks.Add(call.LockOwner, in granted, way.Lead!, way.Losses);
            }
        }

        return Verdict.Answer;
    }

    /// <summary>What an error means for the fop.</summary>
    private Verdict Judge<TFop, TReply>(in TFop fop, TReply reply, in Way way, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        switch (reply.Error)
        {
            case Errno.EREMOTE:
                _finder.Lost(way.Lead!, _finder.HintOf(reply));
                return IsInternalUnlock(in fop) ? Verdict.Gone : Verdict.Again;
            case Errno.EAGAIN when !FopFacts.AnswersAgain<TFop>():
                return Verdict.AgainLater;
            case Errno.ENOTCONN:
                _finder.Lost(way.Lead!, null);
                trip.IsUnknown |= trip.Session is not null;
                return IsInternalUnlock(in fop) ? Verdict.Gone
                    : FopFacts.MayRepeat<TFop, TReply>(in fop, trip.Session is not null) ? Verdict.Again
                    : Verdict.Answer;
            case Errno.EBADE when trip.Session is { } session:
                Sessions.Drop(session);
                if (trip.IsUnknown)
                {
                    return Verdict.Unknown;
                }

                Finish(ref trip);
                return Verdict.Again;
            case Errno.EBADFD
                when way is { Open: { } open, Place: { } place } && trip.Reopens < ClientLimits.ReopensMax:
                trip.Reopens++;
                open.Stale(place);
                return Verdict.Again;
            default:
                return Verdict.Answer;
        }
    }

    private static bool IsInternalUnlock<TFop>(in TFop fop)
        where TFop : struct
    {
        if (!FopFacts.IsInternalLock<TFop>())
        {
            return false;
        }

        InternalLock.Of(in fop, out var unlocks);
        return unlocks;
    }

    /// <summary>
    /// What is known of an internal lock without asking: one that went with its leader is given up by forgetting it,
    /// and who has lost one gets no other. Null when the leader has to be asked.
    /// </summary>
    private Errno? CheckLost<TFop>(in TFop fop, Call call, Lead lead)
        where TFop : struct
    {
        var asked = InternalLock.Of(in fop, out var unlocks);
        if (unlocks)
        {
            var isLost = _internalLocks.TryRemove(call.LockOwner, in asked, lead, out var wasLost) && wasLost;
            return isLost ? Errno.Ok : null;
        }

        return _internalLocks.HasLost(call.LockOwner, lead) ? Errno.ENOTCONN : null;
    }

    /// <summary>The number, if there is one, will not be sent again.</summary>
    private void Finish(ref Trip trip)
    {
        if (trip.Session is { } session)
        {
            Sessions.Complete(session, trip.Number);
            trip.DropNumber();
        }
    }

    private TReply GiveUp<TReply>(FopCode code, ref Trip trip, Errno error)
        where TReply : Reply, IReply<TReply>
    {
        if (trip.IsUnknown)
        {
            Log.Warning(
                "journal-client", "it is not known whether a fop took effect: check what it was to change",
                ("volume", _volume), ("fop", code), ("number", trip.Number), ("errno", error));
        }

        Finish(ref trip);
        return TReply.Fail(error);
    }

    /// <summary>Reads a part of a directory where it is open, on from what was given out at whatever member.</summary>
    private static async ValueTask<TReply> ListAsync<TFop, TReply>(TFop fop, Call call, Way way)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var (listing, place) = (way.Open!.Listing!, way.Place!); // The caller has looked.
        var offset = Listings.OffsetOf(in fop);
        if (offset is < 0 or >= ClientLimits.ListingEntriesMax)
        {
            return TReply.Fail(offset < 0 ? Errno.EINVAL : Errno.EOVERFLOW);
        }

        listing.Begin(place, offset, out var cookie, out var position);
        while (true)
        {
            var ask = Listings.At(in fop, cookie);
            var reply = await TFop.Invoke(place.Lead.Member.Translator, in ask, call);
            if (!reply.IsOk)
            {
                return reply;
            }

            var entries = Listings.EntriesOf(reply);
            var isEnd = entries.Count == 0 || reply.Hint == Errno.ENOENT;
            cookie = entries.Count == 0 ? cookie : (long)entries[entries.Count - 1].Offset;
            if (!listing.TryTake(entries, position, place))
            {
                reply.Release();
                listing.Begin(place, offset, out cookie, out position);
                continue;
            }

            position += entries.Count;
            Listings.DropUpTo(entries, offset);
            if (isEnd || entries.Count > 0)
            {
                reply.OpRet = entries.Count;
                return reply;
            }

            reply.Release();
        }
    }

    /// <summary>Also without a pause, what may block goes on where it may.</summary>
    private async ValueTask PauseAsync(long ms, bool mayBlock)
    {
        if (ms == 0 && !mayBlock)
        {
            return;
        }

        var pause = new Waiter(_seams, mayBlock);
        if (ms > 0)
        {
            pause.EndAfter(ms);
        }
        else
        {
            pause.TryComplete(true);
        }

        await pause.Task;
    }

    private async ValueTask<bool> BeginAsync(Session session)
    {
        var xdata = IdOf(session);
        var call = Call.Internal();
        var reply = await SendAsync<IpcFop, IpcReply>(
            new IpcFop { Operation = SessionKeys.BeginSession, XData = xdata }, call);
        var error = reply.Error;
        reply.Release();
        call.Release();
        xdata.Release();
        if (error is not (Errno.Ok or Errno.ENOTCONN) && error != _beginError)
        {
            Log.Warning(
                "journal-client", "no session can be begun: changes wait", ("volume", _volume), ("errno", error));
        }

        _beginError = error;
        return error == Errno.Ok;
    }

    private static async Task EndAsync(Session session, Member member)
    {
        var xdata = IdOf(session);
        var call = Call.Internal();
        var reply = await member.Translator.Ipc(
            new IpcFop { Operation = SessionKeys.EndSession, XData = xdata }, call);
        reply.Release();
        call.Release();
        xdata.Release();
    }

    private static XData IdOf(Session session)
    {
        Span<byte> id = stackalloc byte[16];
        session.WriteId(id);
        var xdata = XData.Rent();
        xdata.SetBytes(SessionKeys.Session, id);
        return xdata;
    }

    /// <summary>What becomes of a fop after a reply.</summary>
    private enum Verdict
    {
        /// <summary>The reply is the answer.</summary>
        Answer,

        Again,

        /// <summary>Again after a pause: the member is too busy.</summary>
        AgainLater,

        /// <summary>It can never be known whether it took effect.</summary>
        Unknown,

        /// <summary>What it was to give up is gone.</summary>
        Gone,
    }

    /// <summary>Where a fop goes, or what it waits for: the leader, an fd, else a number.</summary>
    private struct Way
    {
        private Lead? _lead;

        public Lead? Lead
        {
            readonly get => _lead;
            set
            {
                _lead = value;
                Losses = value?.Member.Losses ?? 0;
            }
        }

        /// <summary>How often the leader's member had been lost before.</summary>
        public int Losses { get; private set; }

        /// <summary>The fd it works on, if that was opened here.</summary>
        public OpenFd? Open { get; set; }

        public FdPlace? Place { get; set; }

        /// <summary>An fd that may not be used at the leader yet.</summary>
        public OpenFd? Blocked { get; set; }
    }
}
