using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>Locks are good for one term of one leader.</summary>
public sealed class TermLockTests
{
    private static readonly Gfid File = new(5, 6);

    [Fact]
    public void AMemberThatDoesNotLeadGrantsNoLock()
    {
        using var bed = NewBed();
        var follower = bed.Members.First(m => m != bed.Leader);
        var fd = NewFd();
        Assert.Equal(Errno.EREMOTE, On(bed, follower, (top, call) => LockAsync(top, call, fd, 1)));
        Assert.Equal(Errno.EREMOTE, On(bed, follower, async (top, call) =>
            Outcome(await top.Inodelk(new InodelkFop { Gfid = File, Domain = "d", Type = LockType.Write, Flock = Whole(1) }, call))));
    }

    [Fact]
    public void ALeaderThatCameBackKeepsNoLockAndLetsNobodyBelieveIt()
    {
        using var bed = NewBed();
        var first = bed.Leader!;
        var former = NewFd();
        Assert.Equal(Errno.Ok, On(bed, first, (top, call) => OpenAsync(top, call, former)));
        Assert.Equal(Errno.Ok, On(bed, first, (top, call) => LockAsync(top, call, former, 1)));
        var other = NewFd();
        Assert.Equal(Errno.Ok, On(bed, first, (top, call) => OpenAsync(top, call, other)));
        Assert.Equal(Errno.EAGAIN, On(bed, first, (top, call) => LockAsync(top, call, other, 2)));

        Transfer(bed, first, bed.Members.First(m => m != first));
        Transfer(bed, bed.Leader!, first);
        Assert.Same(first, bed.Leader);

        // Who held the lock hears that his file must be opened again; the lock is free.
        Assert.Equal(Errno.EBADFD, On(bed, first, (top, call) => LockAsync(top, call, former, 1)));
        Assert.Equal(Errno.EBADFD, On(bed, first, async (top, call) =>
            Outcome(await top.Read(new ReadFop { Gfid = File, Fd = former, Size = 10 }, call))));
        var again = NewFd();
        Assert.Equal(Errno.Ok, On(bed, first, (top, call) => OpenAsync(top, call, again)));
        Assert.Equal(Errno.Ok, On(bed, first, (top, call) => LockAsync(top, call, again, 2)));
    }

    private static StoreBed NewBed()
    {
        var bed = new StoreBed(3);
        Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, File);
            return Outcome(await top.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata }, call));
        }));
        return bed;
    }

    private static Fd NewFd() => new(File, OpenFlags.ReadWrite, isDirectory: false, slotCount: 8);

    private static void Transfer(StoreBed bed, StoreMember from, StoreMember to)
    {
        from.Node.Seams.Scheduler.Post(() => from.Replica!.TransferLead(77, to.Id));
        Assert.True(bed.World.RunUntil(() => bed.Leader == to && to.IsServing, 30_000), "the lead is not handed over");
        bed.World.RunFor(200);
    }

    private static Errno On(StoreBed bed, StoreMember member, System.Func<Translator, Call, Task<Errno>> fop)
    {
        var task = SimTasks.Start(member.Node, () => fop(member.Top!, new Call()));
        Assert.True(bed.World.RunUntil(() => task.IsCompleted, 10_000), "no answer");
        return task.GetAwaiter().GetResult();
    }

    private static async Task<Errno> OpenAsync(Translator top, Call call, Fd fd) =>
        Outcome(await top.Open(new OpenFop { Gfid = File, Flags = OpenFlags.ReadWrite, Fd = fd }, call));

    private static async Task<Errno> LockAsync(Translator top, Call call, Fd fd, byte owner)
    {
        call.LockOwner = OwnerOf(owner);
        var fop = new LkFop
        {
            Gfid = File,
            Fd = fd,
            Command = LockCommand.SetLock,
            Type = LockType.Write,
            Flock = Whole(owner),
        };
        return Outcome(await top.Lk(fop, call));
    }

    private static Flock Whole(byte owner) => new(LockType.Write, 0, 0, 0, owner, OwnerOf(owner));

    private static LkOwner OwnerOf(byte number) => LkOwner.From(number);
}
