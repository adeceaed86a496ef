using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// Sends each fop to the server that is to be asked, and again until it is known what became of it or its time is over.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>A fop is sent only to that server, with its fds open there and their POSIX locks held there.</item>
/// <item>What may have taken effect is sent again only with the same number of the same session.</item>
/// <item>A number is given back when its fop is answered above, never before.</item>
/// <item>Whatever happens below, what a fop has taken here (room, turn, number) is given back once.</item>
/// </list>
/// </remarks>
internal sealed partial class Sender
{
    private readonly string _volume;
    private readonly Seams _seams;
    private readonly ServerFinder _finder;
    private readonly SendingRules _rules;
    private readonly Admission? _admission;
    private readonly Turns? _turns;
    private readonly InternalLocks _internalLocks = new();
    private long _retries;
    private Errno _beginError;
    private volatile bool _hasLocked; // Some POSIX lock was asked for.

    public Sender(TranslatorPlace place, ServerFinder finder, Server[] servers, SendingRules rules)
    {
        _volume = place.Name;
        _seams = place.Seams;
        _finder = finder;
        _rules = rules;
        _admission = rules.Admission;
        _turns = rules.IsOrderly ? new Turns(place.Seams) : null;
        Fds = new OpenFds(place.Name, place.Slot, place.Seams, finder, servers, rules);
        Sessions = new Sessions(place.Seams, BeginAsync);
        if (rules.IsOrderly)
        {
            finder.Prepare = PrepareAsync;
        }

        if (rules.KeepsLocks)
        {
            finder.Found += OnFound;
            Fds.SessionId = () => Sessions.Current?.Id ?? 0;
            Fds.Closing = LeaveLocks;
        }

        if (rules.NamesLocks)
        {
            finder.Found += OnFoundForLeases;
            finder.Left += OnLostForLeases;
            Fds.Closed = LeaveLease;
        }

        if (rules.TellsOpens)
        {
            finder.Found += OnFoundForFiles;
        }
    }

    public OpenFds Fds { get; }

    /// <summary>Who else may be asked for large reads; null for nobody.</summary>
    public ReadSpread? Spread { get; init; }

    public Sessions Sessions { get; }

    public int InternalLocksCount => _internalLocks.Count;

    /// <summary>How often something was sent again.</summary>
    public long Retries => Volatile.Read(ref _retries);

    /// <summary>Fops that wait, or have to be waited for, because the order of an object counts.</summary>
    public int TurnsCount => _turns?.Count ?? 0;

    public Admission? Admission => _admission;

    public ValueTask<TReply> Handle<TFop, TReply>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        call.Client is { } client && FopFacts.NamesOwner<TFop>()
            ? ForwardAsync<TFop, TReply>(fop, call, client)
            : typeof(TFop) == typeof(ReadFop) && ReaderOf(FopFacts.As<TFop, ReadFop>(in fop)) is { } reader
            ? ReadAtAsync<TFop, TReply>(fop, call, reader)
            : HandleOwn<TFop, TReply>(in fop, call);

    /// <summary>Ends the session, if that can be done at once.</summary>
    public void Stop()
    {
        _isStopped = true;
        if (Sessions.Take() is { } session && _finder.Choice is { } choice)
        {
            _ = EndAsync(session, choice.Server);
        }
    }

    private ValueTask<TReply> HandleOwn<TFop, TReply>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (typeof(TFop) == typeof(IpcFop)
            && FopFacts.As<TFop, IpcFop>(in fop).Operation == ChangeRecord.LeaveSession)
        {
            // Sessions of clients further up end when nobody uses them: what is late must still find them.
            return new ValueTask<TReply>(TReply.Rent());
        }

        if (typeof(TFop) == typeof(ReleaseFop) || typeof(TFop) == typeof(ReleasedirFop))
        {
            return Fds.CloseAsync<TFop, TReply>(in fop, TFop.FdOf(in fop)!, call); // It is on an fd.
        }

        if (typeof(TFop) == typeof(FsyncFop) && _rules.AnswersAreDurable && call.Client is null
            && _finder.Choice is { } current && Fds.Find(TFop.FdOf(in fop)) is { Place: { } at } && at.IsAt(current))
        {
            return new ValueTask<TReply>(TReply.Rent()); // Clients of a door may want the attributes.
        }

        if (typeof(TFop) == typeof(LeaseFop))
        {
            return LeaseAsync<TFop, TReply>(fop, call);
        }

        if (typeof(TFop) == typeof(LkFop) && _rules.KeepsLocks)
        {
            return LockAsync<TFop, TReply>(fop, call);
        }

        if (typeof(TFop) == typeof(FgetxattrFop) && HoldsLocks
            && HoldersOf(FopFacts.As<TFop, FgetxattrFop>(in fop)) is { } holders)
        {
            return new ValueTask<TReply>((TReply)(object)holders);
        }

        if (typeof(TFop) == typeof(FlushFop) && _rules.KeepsLocks)
        {
            return EndsLocks(TFop.FdOf(in fop)!.Gfid, call.LockOwner, TFop.XDataOf(in fop))
                ? FlushLocksAsync<TFop, TReply>(fop, call) : SendAsync<TFop, TReply>(fop, call);
        }

        if (typeof(TFop) == typeof(FlushFop) && !Fds.Locks.IsEmpty)
        {
            Fds.Locks.RemoveOwner(TFop.FdOf(in fop)!.Gfid, call.LockOwner); // As it does at the server.
        }
        else if (FopFacts.TryPosixLock(in fop, out var asked, out var end) && asked.Type == LockType.Unlock)
        {
            // Forgotten before it is sent: whatever becomes of it, its owner does not want the lock back.
            Fds.Locks.Remove(asked.Fd.Gfid, call.LockOwner, asked.Flock.Start, end);
        }

        return SendAsync<TFop, TReply>(fop, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> SendAsync<TFop, TReply>(TFop fop, Call call, LockTrip? locks = null)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var trip = new Trip
        {
            IsStep = call.Change.Session != 0 && FopFacts.NeedsNumber<TFop, TReply>(in fop),
            Lock = locks,
        };
        try
        {
            while (true)
            {
                if (!IsReady<TFop, TReply>(in fop, ref trip, out var way))
                {
                    var error = await WaitAsync(
                        way, trip.Turn, trip.LeftMs(_seams.Clock, _rules.WaitMs), FopFacts.MayBlock(TFop.Code));
                    trip.HasWaited = way.Missing is Missing.Number or Missing.Room or Missing.RoomOfFd;
                    if (error != Errno.Ok)
                    {
                        return GiveUp<TFop, TReply>(in fop, in trip, error);
                    }

                    continue;
                }

                if (FopFacts.IsInternalLock<TFop>() && CheckLost(in fop, call, way.Choice!) is { } outcome)
                {
                    return outcome == Errno.Ok ? TReply.Rent() : TReply.Fail(outcome);
                }

                var sent = Named<TFop, TReply>(in fop, call, way.Choice!, ref trip);
                var reply = FopFacts.IsListing<TFop>() && way is { Open.Listing: not null, Place: not null }
                    ? await Listings.ReadAsync<TFop, TReply>(sent, call, way.Open, way.Place)
                    : await TFop.Invoke(way.Choice!.Server.Translator, in sent, call);
                var verdict = reply.IsOk
                    ? Accept<TFop, TReply>(in fop, call, in way, in trip)
                    : Judge<TFop, TReply>(in fop, call, reply, in way, ref trip);
                if (verdict == Verdict.Answer)
                {
                    return reply;
                }

                reply.Release();
                trip.HasBegun |= verdict == Verdict.Begin && await BeginForAsync(call.Change.Session);
                if (verdict is Verdict.Gone or Verdict.Unknown or Verdict.LostChange)
                {
                    return verdict == Verdict.Gone ? TReply.Rent()
                        : GiveUp<TFop, TReply>(in fop, in trip, Errno.EIO);
                }

                LineUp<TFop, TReply>(in fop, ref trip);
                Interlocked.Increment(ref _retries);
                var leftMs = trip.LeftMs(_seams.Clock, _rules.WaitMs);
                if (leftMs == 0)
                {
                    return GiveUp<TFop, TReply>(in fop, in trip, Errno.ENOTCONN);
                }

                var pauseMs = Math.Min(leftMs, trip.NextPauseMs(verdict == Verdict.AgainLater, _rules));
                await PauseAsync(pauseMs, FopFacts.MayBlock(TFop.Code));
            }
        }
        finally
        {
            End(ref trip);
        }
    }

    /// <summary>
    /// Whether the fop can be sent now: there is room, a server, nobody before it, its fds may be used there, and it
    /// has a number if it needs one.
    /// </summary>
    private bool IsReady<TFop, TReply>(in TFop fop, ref Trip trip, out Way way)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        way = default;
        if (_admission is not null && !trip.IsAdmitted && !TryAdmit<TFop, TReply>(in fop, ref trip, ref way))
        {
            return false;
        }

        var choice = _finder.Choice;
        way.Choice = choice;
        if (choice is null)
        {
            way.Missing = Missing.Server;
            return false;
        }

        var isOrdered = _turns is not null && !FopFacts.WaitsForOthers(in fop);
        if (isOrdered && !IsItsTurn<TFop, TReply>(in fop, ref trip))
        {
            way.Missing = Missing.Turn;
            return false;
        }

        way.Missing = !HasFds<TFop, TReply>(in fop, ref way) ? Missing.Fd
            : !HasNumber<TFop, TReply>(in fop, ref trip) ? Missing.Number
            : isOrdered && !choice.TryEnter() ? Missing.Server
            : Missing.Nothing;
        if (way.Missing == Missing.Nothing)
        {
            trip.Entered = isOrdered ? choice : null;
            return true;
        }

        if (trip.Turn is { HasBegun: true } turn)
        {
            turn.Renew(trip.Session, trip.Number); // While it waits, others may be first.
        }

        return false;
    }

    private bool TryAdmit<TFop, TReply>(in TFop fop, ref Trip trip, ref Way way)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (typeof(TFop) == typeof(IpcFop))
        {
            return true; // What begins sessions must not wait for those who wait for one.
        }

        way.Bytes = FopFacts.BytesOf(in fop);
        way.Open = way.Bytes > 0 ? Fds.Find(TFop.FdOf(in fop)) : null;
        if (_admission!.TryEnter(way.Bytes, way.Open, trip.HasWaited, out var needsFd)) // The caller has looked.
        {
            trip.Admit(way.Bytes, way.Open);
            return true;
        }

        way.Missing = needsFd ? Missing.RoomOfFd : Missing.Room;
        return false;
    }

    private bool IsItsTurn<TFop, TReply>(in TFop fop, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (trip.Turn is null && _turns is { IsActive: true })
        {
            trip.Turn = _turns.Queue(FopFacts.KeysOf<TFop, TReply>(in fop));
        }

        if (trip.Turn is not { } turn)
        {
            return true;
        }

        if (!turn.TryBegin())
        {
            return false;
        }

        if (!turn.IsReturned)
        {
            turn.End(); // All it has waited for is over.
            trip.Turn = null;
        }

        return true;
    }

    private bool HasFds<TFop, TReply>(in TFop fop, ref Way way)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        way.Open = null;
        if (TFop.FdOf(in fop) is { } fd && Fds.Find(fd) is { } open)
        {
            way.Open = open;
            way.Place = open.Place;
            way.Blocked = way.Place is { } place && place.IsAt(way.Choice!) ? null : open; // The caller has looked.
        }

        if (typeof(TFop) == typeof(CopyFileRangeFop) && Fds.Find(TFop.SecondFdOf(in fop)) is { } second
            && !(second.Place is { } other && other.IsAt(way.Choice!)))
        {
            way.Blocked ??= second;
        }

        return way.Blocked is null;
    }

    private bool HasNumber<TFop, TReply>(in TFop fop, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (trip.IsNumbered
            || !(ReferenceEquals(trip.Lock, LockTrip.Change) || FopFacts.NeedsNumber<TFop, TReply>(in fop)))
        {
            return true;
        }

        if (!Sessions.TryTake(out var session, out var number, trip.HasWaited))
        {
            return false;
        }

        trip.SetNumber(session!, number, _rules.TellsAge ? _seams.Clock.MonotonicNs : 0); // TryTake has set it.
        return true;
    }

    /// <summary>Waits for what is missing. Ok: look again; ENOTCONN: not in time; else the error of the fop.</summary>
    private async ValueTask<Errno> WaitAsync(Way way, Turn? turn, long leftMs, bool mayBlock)
    {
        if (way.Missing == Missing.Fd)
        {
            return await Fds.WaitAsync(way.Blocked!, way.Choice!, leftMs, mayBlock); // Set for an fd that is missing.
        }

        var isThere = way.Missing switch
        {
            Missing.Turn => await turn!.WaitAsync(leftMs, mayBlock),
            Missing.Room or Missing.RoomOfFd => await _admission!.WaitAsync(
                way.Bytes, way.Open, way.Missing == Missing.RoomOfFd, leftMs, mayBlock),
            Missing.Number => await Sessions.WaitAsync(leftMs, mayBlock),
            _ => await _finder.WaitAsync(leftMs, mayBlock),
        };
        return isThere ? Errno.Ok : Errno.ENOTCONN;
    }

    /// <summary>
    /// The fop as it is sent: with its number, or with whose the lock is, or what change it is taken for.
    /// </summary>
    private TFop Named<TFop, TReply>(in TFop fop, Call call, Choice choice, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var isLock = typeof(TFop) == typeof(LkFop);
        if (_rules.NamesLocks && call.Client is null && FopFacts.IsAboutLeases<TFop, TReply>(in fop))
        {
            var numbered = Numbered<TFop, TReply>(in fop, call, ref trip);
            trip.Request ??= TFop.XDataOf(in numbered) is { } asked ? asked.Clone() : XData.Rent();
            Fds.SessionOf(choice, default).WriteTo(trip.Request);
            return TFop.WithXData(in numbered, trip.Request);
        }

        if ((!isLock && typeof(TFop) != typeof(FlushFop)) || !_rules.NamesLocks || call.Client is not null
            || TFop.FdOf(in fop) is null or { IsAnonymous: true })
        {
            return FopFacts.IsInternalLock<TFop>() && call.Change.Session != 0
                ? WithChange<TFop, TReply>(in fop, call, ref trip)
                : Numbered<TFop, TReply>(in fop, call, ref trip);
        }

        if (isLock)
        {
            _hasLocked = true;
        }
        else if (!_hasLocked || call.LockOwner.Length == 0)
        {
            return fop; // There is nothing that it could end.
        }

        var named = TFop.XDataOf(in fop) is { } request ? request.Clone() : XData.Rent();
        Fds.SessionOf(choice, call.LockOwner).WriteTo(named);
        trip.Request = named;
        return TFop.WithXData(in fop, named);
    }

    /// <summary>A lock that a step takes: another run of the change gives it back.</summary>
    private TFop WithChange<TFop, TReply>(in TFop fop, Call call, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var named = TFop.XDataOf(in fop) is { } request ? request.Clone() : XData.Rent();
        ChangeRecord.Write(named, call.Change, _seams.Clock.MonotonicNs);
        trip.Request = named;
        return TFop.WithXData(in fop, named);
    }

    /// <summary>
    /// The fop with its number, if it has one, in a copy of its dictionary: others may be sending the request as well.
    /// </summary>
    private TFop Numbered<TFop, TReply>(in TFop fop, Call call, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (!trip.IsNumbered && trip.Lock is null)
        {
            return fop;
        }

        var numbered = TFop.XDataOf(in fop) is { } request ? request.Clone() : XData.Rent();
        trip.Request = numbered;
        if (trip.Lock is { Ask: { } ask } asked)
        {
            var ageMs = (_seams.Clock.MonotonicNs - asked.SinceNs) / 1_000_000;
            new LockClaim(Sessions.Current?.Id ?? 0, ask, ageMs, asked.Wait).Write(numbered);
            return TFop.WithXData(in fop, numbered);
        }

        var change = trip.Session is { } session
            ? new Change(session.Id, trip.Number, session.Acknowledged, trip.IsUnknown) { SentNs = trip.NumberedNs }
            : call.Change with { MayBeKnown = call.Change.MayBeKnown || trip.IsUnknown };
        change = change with { FromMemory = _rules.MayAnswerFromMemory };
        if (trip.Session is not null && !(trip.IsUnknown && _rules.TellsAge))
        {
            ChangeRecord.WriteShort(numbered, in change);
        }
        else
        {
            ChangeRecord.Write(numbered, in change, _seams.Clock.MonotonicNs);
        }

        return TFop.WithXData(in fop, numbered);
    }

    /// <summary>
    /// A fop that has come back without an answer: it is no longer at that server, and keeps its place before what has
    /// come since.
    /// </summary>
    private void LineUp<TFop, TReply>(in TFop fop, ref Trip trip)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (trip.Turn is { } turn)
        {
            turn.Renew(trip.Session, trip.Number);
        }
        else if (_turns is not null && trip.Session is { } session && !FopFacts.WaitsForOthers(in fop))
        {
            trip.Turn = _turns.Return(FopFacts.KeysOf<TFop, TReply>(in fop), session, trip.Number);
        }

        trip.Return();
    }

    /// <summary>Gives back all that a fop has taken here.</summary>
    private void End(ref Trip trip)
    {
        trip.Return();
        Finish(ref trip);
        trip.Turn?.End();
        if (trip.IsAdmitted)
        {
            _admission!.Leave(trip.Bytes, trip.KeptFor);
        }
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

    private TReply GiveUp<TFop, TReply>(in TFop fop, in Trip trip, Errno error)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        error = error == Errno.ENOTCONN ? _rules.Expired(trip.IsUnknown) : error;
        if (trip.IsUnknown)
        {
            Log.Warning(
                _rules.Name, "it is not known whether a fop took effect: check what it was to change",
                ("volume", _volume), ("fop", TFop.Code), ("number", trip.Number), ("errno", error));
            if (_rules.TellsLostChanges && FopFacts.ChangedFile<TFop, TReply>(in fop) is { IsNull: false } gfid)
            {
                Fds.LoseChange(in gfid);
            }
        }

        return TReply.Fail(error);
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

    /// <summary>
    /// Before the first fop goes to another server: nothing is under way at the former one, nothing is open there, and
    /// the locks are held at the other; there first, when the servers know whose they are.
    /// </summary>
    private async Task PrepareAsync(Choice next, Choice? former)
    {
        if (former is null)
        {
            return;
        }

        var emptied = new Waiter(_seams);
        emptied.EndAfter(SendingLimits.BarrierMs);
        former.WhenEmpty(emptied);
        if (!await emptied.Task)
        {
            Log.Warning(
                _rules.Name, "a former server still has fops of ours", ("volume", _volume),
                ("server", former.Server.Number), ("count", former.UnderWay));
        }

        if (_rules.NamesLocks)
        {
            // The former server may still be there: nobody gets the locks in between.
            await Fds.RelockAsync(next, SendingLimits.RelockMs);
            await Fds.LeaveAsync(next.Server);
            return;
        }

        await Fds.LeaveAsync(next.Server);
        await Fds.RelockAsync(next, SendingLimits.RelockMs);
    }

    /// <summary>What a fop waits for before it can be sent.</summary>
    private enum Missing
    {
        Nothing,
        Room,
        RoomOfFd,
        Server,
        Turn,
        Fd,
        Number,
    }

    /// <summary>Where a fop goes, or what it waits for.</summary>
    private struct Way
    {
        private Choice? _choice;

        public Choice? Choice
        {
            readonly get => _choice;
            set
            {
                _choice = value;
                Losses = value?.Server.Losses ?? 0;
            }
        }

        public Missing Missing { get; set; }

        /// <summary>How often the server had been lost before.</summary>
        public int Losses { get; private set; }

        /// <summary>The fd it works on, if that was opened here.</summary>
        public OpenFd? Open { get; set; }

        public FdPlace? Place { get; set; }

        /// <summary>An fd that may not be used at the server yet.</summary>
        public OpenFd? Blocked { get; set; }

        /// <summary>What it carries.</summary>
        public long Bytes { get; set; }
    }
}
