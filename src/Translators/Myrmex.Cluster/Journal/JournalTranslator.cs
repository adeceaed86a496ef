using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The leader's end of journal-based replication in a brick graph: fops that change something are evaluated, logged,
/// committed and applied before they are answered; all others go straight to the store, which has everything that was
/// answered. Access times are not kept: only the leader sees the reads.
/// </summary>
public sealed partial class JournalTranslator : Translator
{
    private readonly Evaluator _evaluator;
    private readonly JournalLeader _leader;
    private readonly IReplicaLog _log;
    private readonly JournalLocks? _locks;
    private readonly OpenFiles? _opens;

    /// <param name="place">With one subvolume, whose stack ends in a store.</param>
    /// <param name="log">The journal of the replica set.</param>
    /// <param name="redo">Applies to the subvolume; one of its own when there is none yet.</param>
    public JournalTranslator(TranslatorPlace place, IReplicaLog log, Redo? redo = null)
        : this(place, log, redo, locks: null, opens: null)
    {
    }

    /// <param name="locks">Keeps record locks in the journal; null leaves them to what is below.</param>
    /// <param name="opens">Keeps files that are open when they lose their last name; null: none are.</param>
    internal JournalTranslator(
        TranslatorPlace place, IReplicaLog log, Redo? redo, JournalLocks? locks, OpenFiles? opens)
        : base(place)
    {
        _log = log;
        _locks = locks;
        _evaluator = new Evaluator(Next, Seams);
        Redo = redo ?? new Redo(Next);
        _leader = new JournalLeader(Redo, log);
        _opens = opens;
        if (opens is not null)
        {
            _evaluator.MustKeep = opens.MustKeep;
            opens.End = EndKeptAsync;
        }
    }

    /// <summary>Applies operations to the store below.</summary>
    public Redo Redo { get; }

    public override void DumpState(StateDump dump)
    {
        dump.Put("fops.pending", _leader.Count);
        dump.Put("failed", _leader.HasFailed);
        dump.Put("redo.missing", Redo.Missing);
        dump.Put("redo.displaced", Redo.Displaced);
    }

    /// <summary>O_TRUNC is an operation of its own, before the open.</summary>
    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
        (fop.Flags & OpenFlags.Truncate) != 0 ? OpenEmptiedAsync(fop, call)
        : _opens is { } opens ? OpenCountedAsync(opens, fop, call)
        : Next.Open(in fop, call);

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
    {
        if (_opens is { } opens && fop.Fd.Take(Slot) is OpenMark { File.IsNull: false } mark)
        {
            opens.Leave(
                mark.Term, mark.File, isLost: call.Client is { IsGone: true } || LockSession.HasLeft(fop.XData));
        }

        return Next.Release(in fop, call);
    }

    /// <summary>What is available is what the members have room for beyond their reserves.</summary>
    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call) => StatfsAsync(fop, call);

    /// <summary>
    /// What was answered is in the journals of a write quorum; here, on their disks. The journal is one sequence: what
    /// makes the file reachable is there too.
    /// </summary>
    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) => SyncedAsync(fop, call);

    /// <summary>See <see cref="Fsync"/>.</summary>
    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) => DirectorySyncedAsync();

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call) =>
        KeepsTimes(call) ? Next.Read(in fop, call) : QuietlyAsync<ReadFop, ReadReply>(fop, call);

    public override ValueTask<ReaddirReply> Readdir(in ReaddirFop fop, Call call) =>
        KeepsTimes(call) ? Next.Readdir(in fop, call) : QuietlyAsync<ReaddirFop, ReaddirReply>(fop, call);

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) =>
        KeepsTimes(call) ? Next.Readdirp(in fop, call) : QuietlyAsync<ReaddirpFop, ReaddirpReply>(fop, call);

    private static bool KeepsTimes(Call call) => call.TimeFlags is TimeFlags.None or TimeFlags.ForwardOnly;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> QuietlyAsync<TFop, TReply>(TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var quiet = Call.Rent();
        quiet.CopyIdentityFrom(call);
        quiet.TimeFlags = TimeFlags.ForwardOnly;
        var reply = await TFop.Invoke(Next, in fop, quiet);
        quiet.Release();
        return reply;
    }

    private async ValueTask<StatfsReply> StatfsAsync(StatfsFop fop, Call call)
    {
        var reply = await Next.Statfs(in fop, call);
        if (reply.IsOk && reply.StatFs.FragmentSize > 0)
        {
            var stat = reply.StatFs;
            var room = (ulong)Math.Max(0, _log.RoomBytes) / stat.FragmentSize;
            reply.StatFs = stat with { BlocksAvailable = Math.Min(stat.BlocksAvailable, room) };
        }

        return reply;
    }

    private async ValueTask<FsyncdirReply> DirectorySyncedAsync()
    {
        var error = await _log.SyncAsync(_log.ServingTerm);
        return error == Errno.Ok ? FsyncdirReply.Rent() : FsyncdirReply.Fail(error);
    }

    private async ValueTask<FsyncReply> SyncedAsync(FsyncFop fop, Call call)
    {
        var error = await _log.SyncAsync(_log.ServingTerm);
        if (error != Errno.Ok)
        {
            return FsyncReply.Fail(error);
        }

        var stat = await Next.Fstat(new FstatFop { Gfid = fop.Gfid, Fd = fop.Fd }, call);
        var reply = stat.IsOk ? FsyncReply.Rent() : FsyncReply.Fail(stat.Error);
        (reply.Pre, reply.Post) = (stat.Iatt, stat.Iatt);
        stat.Release();
        return reply;
    }

    private async ValueTask<OpenReply> OpenEmptiedAsync(OpenFop fop, Call call)
    {
        var access = fop.Flags & OpenFlags.AccessMode;
        var answer = await _leader.RunAsync(
            SessionKey.Of(fop.XData).OfOpen,
            Evaluator.KeysForTruncate(fop.Gfid),
            () => _evaluator.TruncateAsync(new TruncateFop { Gfid = fop.Gfid, Offset = 0 }, call));
        return answer.Error == Errno.Ok
            ? await Open(fop with { Flags = fop.Flags & ~OpenFlags.Truncate | access }, call)
            : OpenReply.Fail(answer.Error);
    }

    /// <summary>
    /// Counts the open from before it is one, with the inode held: whoever takes the last name away sees it, or was
    /// first.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<OpenReply> OpenCountedAsync(OpenFiles opens, OpenFop fop, Call call)
    {
        var term = fop.Fd.Get(Slot) is OpenMark mark ? mark.Term : Term.None; // By the gate.
        var number = await _leader.HoldAsync([ConflictKeys.Shared(ConflictKind.Inode, fop.Gfid)]);
        if (number == 0)
        {
            return OpenReply.Fail(Errno.EAGAIN);
        }

        var isCounted = opens.TryEnter(term, fop.Gfid);
        var isOpen = false;
        try
        {
            var reply = await Next.Open(in fop, call);
            isOpen = reply.IsOk;
            return reply;
        }
        finally
        {
            if (isCounted && isOpen)
            {
                fop.Fd.Set(Slot, new OpenMark(term, fop.Gfid));
            }
            else if (isCounted)
            {
                opens.Leave(term, fop.Gfid, isLost: false);
            }

            _leader.LetGo(number);
        }
    }

    /// <summary>With its inode held alone nobody opens it, and nothing that it is to get is under way.</summary>
    private async ValueTask<Errno> EndKeptAsync(Gfid gfid)
    {
        var keys = ConflictKeys.Of(_evaluator.EndKept(gfid).Operation!); // It always is one.
        var answer = await _leader.RunAsync(default, keys, () => new(_opens!.IsInUse(gfid)
            ? Evaluation.Fail(Errno.EBUSY) : _evaluator.EndKept(gfid)));
        return answer.Error;
    }

    /// <summary>Takes a fop through and makes its reply.</summary>
    /// <param name="fill">Puts the iatts of the outcome into the reply.</param>
    /// <param name="xdata">Of the request: its session, and what it asks about.</param>
    /// <param name="about">The inode whose attributes the xdata may ask for; null when it asks for none.</param>
    /// <param name="isSync">Whatever the request says, it is answered when it is on disks.</param>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> RunAsync<TReply>(
        List<ConflictKey> keys, Func<ValueTask<Evaluation>> evaluate, Action<TReply, Iatt[]> fill, XData? xdata,
        Gfid about = default, bool isSync = false)
        where TReply : Reply, IReply<TReply>
    {
        var session = SessionKey.Of(xdata);
        session = isSync ? session with { FromMemory = false } : session;
        var answer = await _leader.RunAsync(session, keys, evaluate);
        var reply = answer.Error == Errno.Ok ? TReply.Rent() : TReply.Fail(answer.Error);
        if (answer.Error == Errno.Ok)
        {
            reply.OpRet = answer.Outcome.OpRet;
            fill(reply, IattsOf(in answer));
        }

        foreach (var (key, value) in answer.Evaluation.Answers)
        {
            reply.NeedXData().SetInt(key, value);
        }

        if (answer.Error == Errno.Ok && !about.IsNull && AsksSomething(xdata))
        {
            await AnswerXDataAsync(xdata!, about, reply); // Something is in it.
        }

        return reply;
    }

    /// <summary>The recorded iatts; the block count of changed data is the one that the store has told.</summary>
    private static Iatt[] IattsOf(in LeaderAnswer answer)
    {
        var iatts = answer.Outcome.Iatts;
        if (answer.Evaluation.Operation is { Length: > 0 } && !answer.Applied.Iatt.IsNull)
        {
            var index = answer.Evaluation.Operation.Fop == FopCode.Put ? 0 : iatts.Length - 1;
            iatts[index].Blocks = answer.Applied.Iatt.Blocks;
        }

        return iatts;
    }

    private static bool AsksSomething(XData? xdata) =>
        xdata is not null && xdata.Count > (xdata.Contains(ChangeRecord.Key) ? 1 : 0);

    /// <summary>What the request asks about the inode by key, as the store answers it.</summary>
    private async ValueTask AnswerXDataAsync(XData xdata, Gfid about, Reply reply)
    {
        var call = Call.Internal();
        var stat = await Next.Stat(new StatFop { Gfid = about, XData = xdata }, call);
        if (stat.IsOk && stat.XData is { Count: > 0 } answers)
        {
            reply.NeedXData().Merge(answers);
        }

        stat.Release();
        call.Release();
    }
}
