using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>
/// A server at the other end of a bad network: every fop waits, takes effect at a time of the test's choice and is answered at a
/// later one, in any order. The bytes of a write are read when it takes effect, so a buffer given back too early shows.
/// </summary>
internal sealed class LateStore(ManualTime time) : LeafTranslator(TestPlace.For(time))
{
    private readonly List<HeldFop> _waiting = [];
    private readonly List<Action> _answers = [];

    public Dictionary<Gfid, LateFile> Files { get; } = [];

    public Dictionary<string, Gfid> Names { get; } = [];

    /// <summary>Asked for every write that takes effect: an error means that it has none.</summary>
    public Func<Errno>? WriteError { get; set; }

    /// <summary>Asked for every write: how much of it is done.</summary>
    public Func<int, int>? WriteLength { get; set; }

    /// <summary>Every write that took effect.</summary>
    public List<(long Offset, int Length)> Writes { get; } = [];

    public List<FopCode> Seen { get; } = [];

    public bool IsIdle => _waiting.Count == 0 && _answers.Count == 0;

    public int WaitingCount => _waiting.Count;

    /// <summary>Lets one fop take effect or be answered.</summary>
    public void Step(Random random)
    {
        if (_answers.Count > 0 && (_waiting.Count == 0 || random.Next(2) == 0))
        {
            var at = random.Next(_answers.Count);
            var answer = _answers[at];
            _answers.RemoveAt(at);
            answer();
            return;
        }

        var index = random.Next(_waiting.Count);
        var held = _waiting[index];
        _waiting.RemoveAt(index);
        _answers.Add(held.TakeEffect());
    }

    /// <summary>Lets everything happen in the order it came.</summary>
    public void RunAll()
    {
        while (!IsIdle)
        {
            while (_waiting.Count > 0)
            {
                var held = _waiting[0];
                _waiting.RemoveAt(0);
                _answers.Add(held.TakeEffect());
            }

            Answer();
        }
    }

    /// <summary>The connection is lost: what has not taken effect yet is answered so.</summary>
    public void Crash()
    {
        while (_waiting.Count > 0)
        {
            var held = _waiting[0];
            _waiting.RemoveAt(0);
            held.Fail(Errno.ENOTCONN);
        }

        Answer();
    }

    public override ValueTask<WriteReply> Write(in WriteFop fop, Call call)
    {
        var (gfid, offset, data) = (fop.Gfid, fop.Offset, fop.Data);
        var append = (fop.Fd.Flags & OpenFlags.Append) != 0;
        return Hold<WriteReply>(FopCode.Write, () => ApplyWrite(gfid, offset, data, append));
    }

    public override ValueTask<ReadReply> Read(in ReadFop fop, Call call)
    {
        var (gfid, offset, size) = (fop.Gfid, fop.Offset, fop.Size);
        return Hold(FopCode.Read, () =>
        {
            var file = Files[gfid];
            var reply = ReadReply.Rent();
            var length = (int)Math.Clamp(file.Length - offset, 0, size);
            reply.Data = Payload.CopyOf(file.Bytes.AsSpan((int)Math.Min(offset, file.Length), length));
            reply.OpRet = length;
            reply.Iatt = file.ToIatt(gfid);
            return reply;
        });
    }

    public override ValueTask<StatReply> Stat(in StatFop fop, Call call)
    {
        var gfid = fop.Gfid;
        return Hold(FopCode.Stat, () =>
        {
            var reply = StatReply.Rent();
            reply.Iatt = Files[gfid].ToIatt(gfid);
            return reply;
        });
    }

    public override ValueTask<FtruncateReply> Ftruncate(in FtruncateFop fop, Call call)
    {
        var (gfid, length) = (fop.Gfid, fop.Offset);
        return Hold(FopCode.Ftruncate, () =>
        {
            Files[gfid].Resize((int)length);
            var reply = FtruncateReply.Rent();
            reply.Post = Files[gfid].ToIatt(gfid);
            return reply;
        });
    }

    public override ValueTask<SetattrReply> Setattr(in SetattrFop fop, Call call)
    {
        var (gfid, mode) = (fop.Gfid, fop.Iatt.Mode);
        return Hold(FopCode.Setattr, () =>
        {
            Files[gfid].Mode = mode;
            var reply = SetattrReply.Rent();
            reply.Post = Files[gfid].ToIatt(gfid);
            return reply;
        });
    }

    public override ValueTask<LookupReply> Lookup(in LookupFop fop, Call call)
    {
        var name = fop.Name.ToString();
        return Hold(FopCode.Lookup, () =>
        {
            var reply = LookupReply.Rent();
            reply.Iatt = Files[Names[name]].ToIatt(Names[name]);
            return reply;
        });
    }

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call) =>
        Hold(FopCode.Readdirp, () =>
        {
            var reply = ReaddirpReply.Rent();
            foreach (var (name, gfid) in Names)
            {
                reply.Entries.Add(System.Text.Encoding.UTF8.GetBytes(name)).Iatt = Files[gfid].ToIatt(gfid);
            }

            reply.OpRet = Names.Count;
            return reply;
        });

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call)
    {
        var name = fop.Name.ToString();
        var mode = fop.Mode;
        return Hold(FopCode.Create, () =>
        {
            if (!Names.TryGetValue(name, out var gfid))
            {
                gfid = new Gfid(9, (ulong)Names.Count + 100);
                Names[name] = gfid;
                Files[gfid] = new LateFile { Mode = FileMode.Regular | mode };
            }

            var reply = CreateReply.Rent();
            reply.Iatt = Files[gfid].ToIatt(gfid);
            return reply;
        });
    }

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) => Hold(FopCode.Flush, FlushReply.Rent);

    public override ValueTask<FsyncReply> Fsync(in FsyncFop fop, Call call) => Hold(FopCode.Fsync, FsyncReply.Rent);

    public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call) =>
        Hold(FopCode.Release, ReleaseReply.Rent);

    public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) => Hold(FopCode.Open, OpenReply.Rent);

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) => Hold(FopCode.Lk, LkReply.Rent);

    private void Answer()
    {
        var answers = _answers.ToArray();
        _answers.Clear();
        Array.ForEach(answers, answer => answer());
    }

    private WriteReply ApplyWrite(Gfid gfid, long offset, Payload data, bool append)
    {
        var error = WriteError?.Invoke() ?? Errno.Ok;
        if (error != Errno.Ok)
        {
            return WriteReply.Fail(error);
        }

        var file = Files[gfid];
        var length = WriteLength?.Invoke(data.Length) ?? data.Length;
        var at = append ? file.Length : (int)offset;
        var pre = file.ToIatt(gfid);
        file.Resize(Math.Max(file.Length, at + length));
        data.Span[..length].CopyTo(file.Bytes.AsSpan(at));
        Writes.Add((at, length));
        var reply = WriteReply.Rent();
        reply.OpRet = length;
        reply.Pre = pre;
        reply.Post = file.ToIatt(gfid);
        return reply;
    }

    private ValueTask<TReply> Hold<TReply>(FopCode code, Func<TReply> effect)
        where TReply : Reply, IReply<TReply>
    {
        Seen.Add(code);
        var pending = PendingReply<TReply>.Rent();
        _waiting.Add(new HeldFop(
            () =>
            {
                var reply = effect();
                return () => pending.Complete(reply);
            },
            error => pending.Complete(TReply.Fail(error))));
        return pending.Task;
    }

    private sealed record HeldFop(Func<Action> TakeEffect, Action<Errno> Fail);
}

/// <summary>A file of <see cref="LateStore"/>.</summary>
internal sealed class LateFile
{
    public byte[] Bytes { get; private set; } = [];

    public int Length => Bytes.Length;

    public uint Mode { get; set; } = FileMode.Regular | 0x1A4;

    public void Resize(int length)
    {
        if (length != Bytes.Length)
        {
            var bytes = new byte[length];
            Bytes.AsSpan(0, Math.Min(length, Bytes.Length)).CopyTo(bytes);
            Bytes = bytes;
        }
    }

    public Iatt ToIatt(Gfid gfid) =>
        new() { Gfid = gfid, Mode = Mode, Size = (ulong)Length, Flags = IattFlags.Brick, Nlink = 1 };
}
