using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// A change of a client behind proxies, at a replica set: steps with labels, and another run that takes the change over.
/// </summary>
public sealed class TakeOverTests
{
    private const ulong Number = 2;
    private static readonly UInt128 Client = new(5, 5);
    private static readonly Gfid First = new(1, 101);
    private static readonly Gfid Second = new(1, 102);

    [Fact]
    public void StepsOfOneChangeAreApartAndEachHappensOnce()
    {
        using var bed = NewBed();
        Assert.Equal(Errno.Ok, Make(bed, First, "a", label: 0, run: 0));
        Assert.Equal(Errno.Ok, Make(bed, Second, "b", label: 0x101, run: 0));

        // Again, as another proxy would, and after the name is gone.
        Assert.Equal(Errno.Ok, On(bed, async (top, call) => Outcome(await top.Unlink(
            new UnlinkFop { Parent = Gfid.Root, Name = "b" }, call))));
        Assert.Equal(Errno.Ok, Make(bed, Second, "b", label: 0x101, run: 0, mayBeKnown: true));
        Assert.Equal(Errno.ENOENT, Look(bed, "b"));
        Assert.Equal(Errno.EEXIST, Make(bed, Second, "a", label: 0x102, run: 0));
    }

    [Fact]
    public void ATakeOverTellsTheStepsWithTheirNotesAndRefusesWhatIsLateAlsoAtTheNextLeader()
    {
        using var bed = NewBed();
        Assert.Equal(Errno.Ok, Make(bed, First, "a", label: 0x104, run: 0, note: [1, 2, 3]));
        var (error, steps) = TakeOver(bed, run: 77);
        Assert.Equal(Errno.Ok, error);
        var step = Assert.Single(steps);
        Assert.Equal(0x104U, step.Label);
        Assert.Equal([1, 2, 3], step.Note);

        for (var leader = 0; leader < 2; leader++)
        {
            Assert.Equal(Errno.ECANCELED, Make(bed, Second, "late", label: 0x105, run: 0));
            Assert.Equal(Errno.ECANCELED, Make(bed, First, "a", label: 0x104, run: 0, mayBeKnown: true));
            Assert.Equal(Errno.Ok, Make(bed, First, "a", label: 0x104, run: 77, mayBeKnown: true));
            var to = bed.Members.First(m => m != bed.Leader);
            Transfer(bed, bed.Leader!, to);
        }

        Assert.Equal(Errno.ENOENT, Look(bed, "late"));
        Assert.Equal(Errno.Ok, Make(bed, Second, "b", label: 0x205, run: 77, mayBeKnown: true));
        (error, steps) = TakeOver(bed, run: 78);
        Assert.Equal(Errno.Ok, error);
        Assert.Equal([0x104U, 0x205U], steps.Select(s => s.Label));
        Assert.Equal(Errno.ECANCELED, Make(bed, Second, "late", label: 0x305, run: 77, mayBeKnown: true));
    }

    [Fact]
    public void ASessionThatTheSetHasNeverSeenIsBegunByATakeOver()
    {
        using var bed = NewBed(begins: false);
        var (error, steps) = TakeOver(bed, run: 9);
        Assert.Equal(Errno.Ok, error);
        Assert.Empty(steps);
        Assert.Equal(Errno.ECANCELED, Make(bed, First, "late", label: 0, run: 0));
    }

    [Fact]
    public void AChangeThatIsTooOldToBeRememberedIsRefused()
    {
        using var bed = NewBed(begins: false);
        var (error, _) = TakeOver(bed, run: 9, ageMs: ChangeRecord.AgeMaxMs + 1);
        Assert.Equal(Errno.EBADE, error);
    }

    private static StoreBed NewBed(bool begins = true)
    {
        var bed = new StoreBed(4);
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000), "nobody leads");
        if (begins)
        {
            Assert.Equal(Errno.Ok, On(bed, async (top, call) =>
            {
                var xdata = XData.Rent();
                ChangeRecord.Write(xdata, new Change(Client, 1, 0, MayBeKnown: false), 0);
                xdata.TryGetBytes(ChangeRecord.Key, out var bytes);
                xdata.SetBytes(ChangeRecord.Key, bytes[..16].ToArray());
                return Outcome(await top.Ipc(
                    new IpcFop { Operation = ChangeRecord.BeginSession, XData = xdata }, call));
            }));
        }

        return bed;
    }

    [Fact]
    public void ATakeOverFreesTheLocksThatTheFormerRunHas()
    {
        using var bed = NewBed();
        Assert.Equal(Errno.Ok, LockDirectory(bed, owner: 1, run: 0));
        Assert.Equal(Errno.EAGAIN, LockDirectory(bed, owner: 2, run: 77));
        Assert.Equal(Errno.Ok, TakeOver(bed, run: 77).Error);
        Assert.Equal(Errno.Ok, LockDirectory(bed, owner: 2, run: 77));
    }

    private static Errno LockDirectory(StoreBed bed, ulong owner, uint run) => On(bed, async (top, call) =>
    {
        call.LockOwner = LkOwner.From(owner);
        var xdata = XData.Rent();
        ChangeRecord.Write(xdata, new Change(Client, Number, 0, MayBeKnown: false) { Run = run }, 0);
        return Outcome(await top.Inodelk(
            new InodelkFop
            {
                Gfid = Gfid.Root,
                Command = LockCommand.SetLock,
                Type = LockType.Write,
                Flock = new Flock(LockType.Write, 0, 0, 0, 0, default),
                Domain = "dht.layout.heal",
                XData = xdata,
            },
            call));
    });

    private static Errno Make(
        StoreBed bed, Gfid gfid, string name, uint label, uint run, bool mayBeKnown = false, byte[]? note = null) =>
        On(bed, async (top, call) =>
        {
            var xdata = XData.Rent();
            xdata.SetGfid("gfid-req"u8, gfid);
            var change = new Change(Client, Number, 0, mayBeKnown) { Label = label, Run = run, Note = note };
            ChangeRecord.Write(xdata, in change, 0);
            return Outcome(await top.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call));
        });

    private static (Errno Error, List<KnownStep> Steps) TakeOver(StoreBed bed, uint run, long ageMs = 0)
    {
        var steps = new List<KnownStep>();
        var error = On(bed, async (top, call) =>
        {
            var xdata = XData.Rent();
            var change = new Change(Client, Number, 0, MayBeKnown: true) { Run = run };
            ChangeRecord.Write(xdata, in change, ageMs * 1_000_000);
            var reply = await top.Ipc(new IpcFop { Operation = ChangeRecord.TakeOver, XData = xdata }, call);
            if (reply.IsOk)
            {
                Assert.True(reply.XData!.TryGetBytes(ChangeRecord.Steps, out var bytes));
                Assert.True(KnownSteps.TryDecode(bytes, steps));
            }

            return Outcome(reply);
        });
        return (error, steps);
    }

    private static Errno Look(StoreBed bed, string name) => On(bed, async (top, call) => Outcome(
        await top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call)));

    private static void Transfer(StoreBed bed, StoreMember from, StoreMember to)
    {
        from.Node.Seams.Scheduler.Post(() => from.Replica!.TransferLead(77, to.Id));
        Assert.True(bed.World.RunUntil(() => bed.Leader == to && to.IsServing, 30_000), "the lead is not handed over");
        bed.World.RunFor(200);
    }

    private static Errno On(StoreBed bed, Func<Translator, Call, Task<Errno>> fop)
    {
        var member = bed.Leader!;
        var task = SimTasks.Start(member.Node, () => fop(member.Top!, new Call()));
        Assert.True(bed.World.RunUntil(() => task.IsCompleted, 10_000), "no answer");
        return task.GetAwaiter().GetResult();
    }
}
