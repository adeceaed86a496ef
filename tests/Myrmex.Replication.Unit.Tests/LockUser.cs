using System;
using System.Buffers.Binary;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>A session with one lock owner, at the member that leads.</summary>
internal sealed class LockUser(ulong session, ulong owner)
{
    public static readonly Gfid File = new(5, 6);

    private ulong _number;
    private ulong _wait;

    public UInt128 Session => new(99, session);

    /// <summary>The client behind this proxy whose locks they are; none for its own.</summary>
    public LockSession Behind { get; set; }

    /// <summary>The client behind asks for what it has held before.</summary>
    public bool WasHeld { get; set; }

    /// <summary>What takes locks along from another session.</summary>
    public byte[]? Move { get; set; }

    /// <summary>The connection of this proxy.</summary>
    public ClientIdentity? Connection { get; set; }

    public LkOwner Owner => LkOwner.From(owner);

    public static StoreBed NewBed(StoreBedOptions? options = null)
    {
        var bed = new StoreBed(3, options: options);
        Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, File);
            return Outcome(await top.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata }, call));
        }));
        return bed;
    }

    public static void Transfer(StoreBed bed, StoreMember from, StoreMember to)
    {
        var isDone = false;
        for (var tries = 0; tries < 30 && !isDone; tries++)
        {
            // It is refused while the other one is not known to have everything.
            from.Node.Seams.Scheduler.Post(() => from.Replica!.TransferLead(77, to.Id));
            isDone = bed.World.RunUntil(() => bed.Leader == to && to.IsServing, 1_000);
        }

        Assert.True(isDone, "the lead is not handed over");
        bed.World.RunFor(200);
    }

    public static Errno On(StoreBed bed, StoreMember member, Func<Translator, Call, Task<Errno>> fop)
    {
        var task = SimTasks.Start(member.Node, () => fop(member.Top!, new Call()));
        Assert.True(bed.World.RunUntil(() => task.IsCompleted, 10_000), "no answer");
        return task.GetAwaiter().GetResult();
    }

    public Errno Begin(StoreBed bed) => Ipc(bed, ChangeRecord.BeginSession, null, null);

    public Errno End(StoreBed bed) => Ipc(bed, ChangeRecord.EndSession, null, null);

    public Errno Hold(StoreBed bed, ClientIdentity? client, long? graceMs = null) =>
        Ipc(bed, LockClaim.HoldSession, client, graceMs);

    /// <summary>Takes or gives up a lock, with the next number.</summary>
    public Errno Lock(StoreBed bed, long start, long length, LockType type = LockType.Write)
    {
        var number = ++_number;
        return AtLeader(bed, (top, call) => LockAsync(top, call, number, start, length, type));
    }

    /// <summary>A second sending of a number.</summary>
    public Errno Again(StoreBed bed, ulong number, long start, long length, LockType type, bool mayBeKnown) =>
        AtLeader(bed, (top, call) => LockAsync(top, call, number, start, length, type, mayBeKnown));

    public Errno Check(StoreBed bed, long start, long length) => AtLeader(bed, async (top, call) =>
    {
        call.LockOwner = Owner;
        call.Client = Connection;
        var xdata = Named(XData.Rent());
        new LockClaim(Session, LockAsk.Check, 0, 0).Write(xdata);
        var error = Outcome(await top.Lk(LkOf(start, length, LockType.Write, xdata), call));
        xdata.Release();
        return error;
    });

    public Errno Flush(StoreBed bed)
    {
        var number = ++_number;
        return AtLeader(bed, async (top, call) =>
        {
            call.LockOwner = Owner;
            call.Client = Connection;
            var xdata = Record(number, mayBeKnown: false);
            var error = Outcome(await top.Flush(
                new FlushFop { Gfid = File, Fd = Fd.Anonymous(File), XData = xdata }, call));
            xdata.Release();
            return error;
        });
    }

    /// <summary>Waits at the member that leads now.</summary>
    public Task<Errno> Wait(StoreBed bed, long start, long length, long ageMs = 0)
    {
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000));
        var member = bed.Leader!;
        var number = ++_wait;
        return SimTasks.Start(member.Node, async () =>
        {
            var call = new Call { LockOwner = Owner, Client = Connection };
            var xdata = Named(XData.Rent());
            new LockClaim(Session, LockAsk.Look, ageMs, number).Write(xdata);
            var fop = LkOf(start, length, LockType.Write, xdata) with { Command = LockCommand.SetLockWait };
            var error = Outcome(await member.Top!.Lk(fop, call));
            xdata.Release();
            return error;
        });
    }

    /// <summary>The client behind has left while its last wait was under way.</summary>
    public Errno TakeBack(StoreBed bed, long start, long length)
    {
        var number = _wait;
        return AtLeader(bed, async (top, call) =>
        {
            call.Client = Connection;
            var xdata = Named(XData.Rent());
            xdata.SetInt(LockSession.LeftKey, 1);
            new LockClaim(Session, LockAsk.Look, 0, number).Write(xdata);
            var error = Outcome(await top.Lk(LkOf(start, length, LockType.Unlock, xdata), call));
            xdata.Release();
            return error;
        });
    }

    /// <summary>Says which clients are behind this proxy, or are not any more.</summary>
    public Errno TellBehind(StoreBed bed, int operation) => Ipc(bed, operation, Connection, null, [Behind]);

    public async Task<Errno> LockAsync(
        Translator top, Call call, ulong number, long start, long length, LockType type = LockType.Write,
        bool mayBeKnown = false)
    {
        call.LockOwner = Owner;
        call.Client = Connection;
        var xdata = Record(number, mayBeKnown);
        var error = Outcome(await top.Lk(LkOf(start, length, type, xdata), call));
        xdata.Release();
        return error;
    }

    public LkFop LkOf(long start, long length, LockType type, XData? xdata) => new()
    {
        Gfid = File,
        Fd = Fd.Anonymous(File),
        Command = LockCommand.SetLock,
        Type = type,
        Flock = new Flock(type, 0, start, length, 1, Owner),
        XData = xdata,
    };

    private static Errno AtLeader(StoreBed bed, Func<Translator, Call, Task<Errno>> fop)
    {
        while (true)
        {
            Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000), "nobody leads");
            var error = On(bed, bed.Leader!, fop);
            if (error is not (Errno.EREMOTE or Errno.ENOTCONN))
            {
                return error;
            }

            bed.World.RunFor(50);
        }
    }

    private XData Record(ulong number, bool mayBeKnown)
    {
        var xdata = XData.Rent();
        ChangeRecord.WriteShort(xdata, new Change(Session, number, 0, mayBeKnown));
        return Named(xdata);
    }

    private XData Named(XData xdata)
    {
        if (!Behind.IsNone)
        {
            Behind.WriteTo(xdata);
        }

        if (Move is { } move)
        {
            xdata.SetBytes(LockMove.Key, move);
        }

        if (WasHeld)
        {
            xdata.SetInt(LockSession.HeldKey, 1);
        }

        return xdata;
    }

    private Errno Ipc(
        StoreBed bed, int operation, ClientIdentity? client, long? graceMs, LockSession[]? behind = null) =>
        AtLeader(bed, async (top, call) =>
        {
            call.Client = client;
            var xdata = XData.Rent();
            var id = new byte[16];
            BinaryPrimitives.WriteUInt128BigEndian(id, Session);
            xdata.SetBytes(ChangeRecord.Key, id);
            if (graceMs is { } grace)
            {
                xdata.SetInt(LockClaim.Grace, grace);
            }

            if (behind is not null)
            {
                LockClaim.WriteBehind(xdata, behind);
            }

            var error = Outcome(await top.Ipc(new IpcFop { Operation = operation, XData = xdata }, call));
            xdata.Release();
            return error;
        });
}
