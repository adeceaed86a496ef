using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Plans that make a change of a client which may ask for it again through another proxy. Each step has a label and
/// tells what the plan was. A run that is not the first takes the change over at all subvolumes: from then on no step
/// of an earlier run can happen, and what has happened is known. A change that was decided is finished and answered as
/// it was the first time; one that was not is taken back and begun anew. See README.md.
/// </summary>
public sealed partial class Distribute
{
    /// <summary>Runs a fop with several steps as a run of the client's change.</summary>
    /// <param name="run">The plan.</param>
    /// <param name="resume">
    /// Finishes what an earlier run has decided, or takes it back and answers null. The last attempt's plan is given.
    /// </param>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> AsRunAsync<TFop, TReply>(
        TFop fop, Call call, Func<Distribute, TFop, Call, ValueTask<TReply>> run,
        Func<Distribute, TFop, Past, PlanNote, Call, ValueTask<TReply?>> resume)
        where TFop : struct
        where TReply : Reply, IReply<TReply>
    {
        var own = Call.Rent();
        own.CopyIdentityFrom(call);
        own.Change = call.Change with { Label = Change.NoLabel, Note = null };
        TReply? reply = null;
        Past? past = null;
        if (own.Change.MayBeKnown)
        {
            (var error, past) = await TakeOverAsync(own);
            reply = error != Errno.Ok ? TReply.Fail(error)
                : past.TryPlan(_subvolumes, out var note) ? await ResumeAsync(fop, past, note, own, resume)
                : null;
            own.Change = own.Change with { Label = Past.LabelOf(past.LastAttempt + 1, StepKind.Own), Note = null };
        }

        if (past is not null && (reply is null || !IsLeftToOthers(reply.Error, own)))
        {
            await FreeLocksAsync(own);
        }

        reply ??= await run(this, fop, own);
        if (past is { IsUncertain: true })
        {
            JudgeUncertain(fop, reply);
        }

        own.Release();
        return reply;
    }

    private async ValueTask<TReply?> ResumeAsync<TFop, TReply>(
        TFop fop, Past past, PlanNote note, Call own,
        Func<Distribute, TFop, Past, PlanNote, Call, ValueTask<TReply?>> resume)
        where TFop : struct
        where TReply : Reply, IReply<TReply>
    {
        if (!past.IsHeard(note.Data) || !past.IsHeard(note.Hashed) || !past.IsHeard(note.OldHashed))
        {
            return TReply.Fail(Errno.ENOTCONN); // Nobody can say now what was decided.
        }

        own.Change = own.Change with { Label = Past.LabelOf(past.LastAttempt, StepKind.Own), Note = note.Encode() };
        return await resume(this, fop, past, note, own);
    }

    /// <summary>
    /// What is not found any more may have been removed by an earlier run, of which nothing is known because a brick
    /// has started since.
    /// </summary>
    private static void JudgeUncertain<TFop>(TFop fop, Reply reply)
        where TFop : struct
    {
        if (reply.Error == Errno.ENOENT && fop is UnlinkFop or RmdirFop)
        {
            (reply.Error, reply.OpRet) = (Errno.Ok, 0);
        }
        else if (reply.Error == Errno.ENOENT && fop is RenameFop)
        {
            reply.Error = Errno.EIO;
        }
    }

    /// <summary>
    /// Takes the change over at all subvolumes, those that are away left out, and asks what they know. EBADE: the
    /// client has said that it has the outcome. ECANCELED: yet another run has taken over.
    /// </summary>
    private async ValueTask<(Errno Error, Past Past)> TakeOverAsync(Call own)
    {
        own.Change = own.Change with { Run = NewRun() };
        var request = XData.Rent();
        ChangeRecord.Write(request, own.Change, Seams.Clock.MonotonicNs);
        var ask = new IpcFop { Operation = ChangeRecord.TakeOver, XData = request };
        var answers = Answers<IpcReply>.Rent(_subvolumes.Length);
        AskAll<IpcFop, IpcReply>(answers, in ask, own);
        await answers.JoinAsync();
        request.Release();
        var past = new Past();
        var worst = Errno.Ok;
        for (var i = 0; i < answers.Count; i++)
        {
            var error = Hear(answers[i]!, _subvolumes[i], past);
            worst = error != Errno.Ok ? error : worst;
        }

        answers.Release();
        return (worst, past);
    }

    /// <summary>
    /// What earlier runs have locked is free now: the change is finished, or nothing of it is left. A subvolume that
    /// does not hear it frees it by time.
    /// </summary>
    private async ValueTask FreeLocksAsync(Call own)
    {
        var request = XData.Rent();
        ChangeRecord.Write(request, own.Change with { Note = null }, Seams.Clock.MonotonicNs);
        var ask = new IpcFop { Operation = ChangeRecord.FreeLocks, XData = request };
        var answers = Answers<IpcReply>.Rent(_subvolumes.Length);
        AskAll<IpcFop, IpcReply>(answers, in ask, own);
        await answers.JoinAsync();
        answers.Release();
        request.Release();
    }

    private static Errno Hear(IpcReply reply, Subvolume at, Past past)
    {
        switch (reply.Error)
        {
            case Errno.Ok when reply.XData is { } xdata && xdata.TryGetBytes(ChangeRecord.Steps, out var bytes):
                var steps = new List<KnownStep>();
                if (!KnownSteps.TryDecode(bytes, steps))
                {
                    return Errno.EIO;
                }

                steps.ForEach(s => past.Add(at, s));
                past.IsUncertain |= xdata.Contains(ChangeRecord.Uncertain);
                return Errno.Ok;
            case Errno.Ok or Errno.EOPNOTSUPP or Errno.ENOSYS:
                past.IsUncertain = true; // It remembers nothing.
                return Errno.Ok;
            case Errno.ENOTCONN:
                past.AddUnheard(at);
                return Errno.Ok;
            default:
                return reply.Error;
        }
    }

    private uint NewRun()
    {
        Span<byte> bytes = stackalloc byte[4];
        Seams.Random.Fill(bytes);
        return BinaryPrimitives.ReadUInt32LittleEndian(bytes) | 1;
    }

    /// <summary>The steps of the next attempt are others than those of this one.</summary>
    private static void BeginNextAttempt(Call call)
    {
        if (!call.Change.IsNone)
        {
            call.Change = call.Change with { Label = (call.Change.Label & ~0xFFU) + 0x100 };
        }
    }

    /// <summary>From here on the steps tell what is planned.</summary>
    private static void NotePlan(Call call, LockSet? locks, in PlanNote note)
    {
        if (!call.Change.IsNone)
        {
            call.Change = call.Change with { Note = note.Encode() };
            if (locks is not null)
            {
                locks.Plan.Change = call.Change;
            }
        }
    }

    /// <summary>A call for one step; give it back with <see cref="EndStep"/>.</summary>
    private static Call BeginStep(Call call, StepKind kind)
    {
        if (call.Change.IsNone)
        {
            return call;
        }

        var step = Call.Rent();
        step.CopyIdentityFrom(call);
        step.Change = call.Change with { Label = (call.Change.Label & ~0xFFU) | (uint)kind };
        return step;
    }

    private static void EndStep(Call step, Call call)
    {
        if (step != call)
        {
            step.Release();
        }
    }

    /// <summary>
    /// The step that decides has no known outcome, and another run will find out: nothing may be taken back.
    /// </summary>
    internal static bool IsLeftToOthers(Errno error, Call call) =>
        !call.Change.IsNone && error is Errno.ENOTCONN or Errno.ECANCELED;

    /// <summary>The gfid of a new file or directory: random, but the same in each run of a change.</summary>
    private Gfid NewGfid(Call call)
    {
        if (call.Change.IsNone)
        {
            return Seams.NewGfid();
        }

        Span<byte> seed = stackalloc byte[24];
        BinaryPrimitives.WriteUInt128LittleEndian(seed, call.Change.Session);
        BinaryPrimitives.WriteUInt64LittleEndian(seed[16..], call.Change.Number);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(seed, hash);
        hash[6] = (byte)((hash[6] & 0x0F) | 0x40);
        hash[8] = (byte)((hash[8] & 0x3F) | 0x80);
        return Gfid.FromBytes(hash[..Gfid.Size]);
    }

    /// <summary>Removes the link file of a name if it stands for that file; the name is locked.</summary>
    private static async ValueTask<Errno> RemoveLinkOfAsync(
        Subvolume at, Gfid parent, Name name, Gfid gfid, Call root, StepKind kind)
    {
        var lookup = await at.Translator.Lookup(new LookupFop { Parent = parent, Name = name }, root);
        var isIt = lookup.IsOk && lookup.Iatt.Gfid == gfid;
        lookup.Release();
        return isIt ? await RemoveLinkAsync(at, parent, name, sparesOpen: false, root, kind) : Errno.Ok;
    }
}
