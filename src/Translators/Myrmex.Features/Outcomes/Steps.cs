using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Features.Outcomes;

/// <summary>Carries a step of a change out, or answers what came of it before.</summary>
internal sealed class Steps(TranslatorPlace place, OutcomeTable table)
{
    private readonly IClock _clock = place.Seams.Clock;

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, XData xdata, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (typeof(TFop) == typeof(IpcFop))
        {
            return SessionAsync<TFop, TReply>(next, fop, xdata, call);
        }

        if (!ChangeRecord.TryRead(xdata, _clock.MonotonicNs, out var change) || change.IsNone)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EINVAL));
        }

        if (IsLock<TFop>())
        {
            return LockAsync<TFop, TReply>(next, fop, change, call);
        }

        var plain = xdata.Count > 1 ? xdata.Clone() : null; // Nobody below needs the record.
        plain?.Remove(ChangeRecord.Key);
        return Changes<TFop, TReply>(in fop) ? RunAsync<TFop, TReply>(next, fop, plain, change, call)
            : PassAsync<TFop, TReply>(next, fop, plain, call);
    }

    /// <summary>The locks that clustering translators take by gfid.</summary>
    private static bool IsLock<TFop>() => typeof(TFop) == typeof(InodelkFop) || typeof(TFop) == typeof(EntrylkFop);

    /// <summary>OPEN changes the volume when it cuts the file.</summary>
    private static bool Changes<TFop, TReply>(in TFop fop)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        TFop.Code.Has(FopTraits.Mutates) || fop is OpenFop { Flags: var flags } && (flags & OpenFlags.Truncate) != 0;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<TReply> PassAsync<TFop, TReply>(Translator next, TFop fop, XData? plain, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var ask = TFop.WithXData(in fop, plain);
        var reply = await TFop.Invoke(next, in ask, call);
        plain?.Release();
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> RunAsync<TFop, TReply>(
        Translator next, TFop fop, XData? plain, Change change, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var ask = TFop.WithXData(in fop, plain);
        while (true)
        {
            var verdict = table.Begin(in change, out var outcome);
            if (verdict == StepVerdict.Wait)
            {
                await outcome!.Done.Task; // Begin has found it.
                continue;
            }

            var reply = verdict switch
            {
                StepVerdict.Known => await RepeatAsync<TFop, TReply>(next, ask, (TReply)outcome!.Reply!, call),
                StepVerdict.Superseded => TReply.Fail(Errno.ECANCELED),
                StepVerdict.Acknowledged => TReply.Fail(Errno.EBADE),
                _ => await CarryOutAsync<TFop, TReply>(
                    next, ask, change, outcome, verdict == StepVerdict.RunGuarded, call),
            };
            plain?.Release();
            return reply;
        }
    }

    /// <summary>Whatever happens, the step ends: others wait for it.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> CarryOutAsync<TFop, TReply>(
        Translator next, TFop fop, Change change, Outcome? outcome, bool isGuarded, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        TReply? kept = null;
        try
        {
            var ageMs = ChangeRecord.AgeMs(in change, _clock.MonotonicNs);
            var reply = isGuarded
                ? await Guards.RunAsync<TFop, TReply>(next, fop, ageMs, _clock, call)
                : await TFop.Invoke(next, in fop, call);
            if (reply.IsOk && outcome is not null)
            {
                kept = TReply.Rent();
                kept.CopyFrom(reply);
            }

            return reply;
        }
        finally
        {
            if (outcome is not null)
            {
                table.End(in change, outcome, kept);
            }
        }
    }

    /// <summary>The first answer again. What it opened is opened for whoever asks now.</summary>
    private static async ValueTask<TReply> RepeatAsync<TFop, TReply>(
        Translator next, TFop fop, TReply first, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var error = fop switch
        {
            CreateFop create => await OpenAgainAsync(
                next, ((CreateReply)(object)first).Iatt.Gfid, create.Flags, create.Fd, call),
            OpenFop open => await OpenAgainAsync(next, open.Gfid, open.Flags, open.Fd, call),
            _ => Errno.Ok,
        };
        if (error != Errno.Ok)
        {
            return TReply.Fail(error);
        }

        var reply = TReply.Rent();
        reply.CopyFrom(first);
        return reply;
    }

    internal static async ValueTask<Errno> OpenAgainAsync(Translator next, Gfid gfid, uint flags, Fd fd, Call call)
    {
        fd.Gfid = gfid;
        flags &= ~(OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate);
        var reply = await next.Open(new OpenFop { Gfid = gfid, Flags = flags, Fd = fd }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>
    /// A lock that a step takes: features/locks below keeps it for the next run when this one is lost, so it hears
    /// whose it is. None is taken for a run that has nothing to say any more.
    /// </summary>
    private async ValueTask<TReply> LockAsync<TFop, TReply>(
        Translator next, TFop fop, Change change, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var asked = InternalLock.Of(in fop, out var unlocks);
        if (unlocks)
        {
            return await TFop.Invoke(next, in fop, call);
        }

        var error = table.CheckRun(in change);
        if (error != Errno.Ok)
        {
            return TReply.Fail(error);
        }

        var reply = await TFop.Invoke(next, in fop, call);
        error = reply.IsOk ? table.CheckRun(in change) : Errno.Ok;
        if (error == Errno.Ok)
        {
            return reply;
        }

        await asked.GiveUpAsync(next, call.LockOwner, call.Client);
        reply.Release();
        return TReply.Fail(error);
    }

    private async ValueTask<TReply> SessionAsync<TFop, TReply>(Translator next, TFop fop, XData xdata, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var session = ChangeRecord.SessionOf(xdata);
        var operation = ((IpcFop)(object)fop).Operation; // Only an IPC comes here.
        switch (operation)
        {
            case ChangeRecord.BeginSession when session != 0:
                return table.TryBegin(session) ? TReply.Rent() : TReply.Fail(Errno.EAGAIN);
            case ChangeRecord.EndSession or ChangeRecord.LeaveSession when session != 0:
                table.EndSession(session);
                return TReply.Rent();
            case ChangeRecord.TakeOver:
                ChangeRecord.TryRead(xdata, _clock.MonotonicNs, out var change);
                return change.IsNone || change.Run == 0
                    ? TReply.Fail(Errno.EINVAL) : await TakeOverAsync<TReply>(next, change, xdata);
            default:
                return await TFop.Invoke(next, in fop, call);
        }
    }

    private async ValueTask<TReply> TakeOverAsync<TReply>(Translator next, Change change, XData record)
        where TReply : Reply, IReply<TReply>
    {
        var taken = await table.TakeOverAsync(change);
        if (taken.Error != Errno.Ok)
        {
            return TReply.Fail(taken.Error);
        }

        var call = Call.Internal();
        (await next.Ipc(new IpcFop { Operation = ChangeRecord.TakeOver, XData = record }, call)).Release();
        call.Release();
        var reply = TReply.Rent();
        reply.NeedXData().SetBytes(ChangeRecord.Steps, KnownSteps.Encode(taken.Steps));
        if (taken.IsUncertain)
        {
            reply.NeedXData().SetInt(ChangeRecord.Uncertain, 1);
        }

        return reply;
    }
}
