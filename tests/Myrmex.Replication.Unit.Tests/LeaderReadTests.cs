using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>A read at the leader under its lease costs no more garbage than at the store below it: none.</summary>
[Collection("allocation")]
public sealed class LeaderReadTests : IDisposable
{
    private const int Rounds = 1000;

    private static readonly Gfid File = new(5, 6);

    private readonly StoreBed _bed = new(1);
    private readonly StoreMember _leader;

    public LeaderReadTests()
    {
        Assert.Equal(Errno.Ok, _bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, File);
            var reply = await top.Mknod(
                new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata }, call);
            var error = reply.Error;
            reply.Release();
            return error;
        }));
        Assert.True(_bed.World.RunUntil(() => _bed.Leader is { Replica.HasLease: true }, 10_000));
        _leader = _bed.Leader!;
    }

    public void Dispose() => _bed.Dispose();

    [Fact]
    public void StatLeavesNoGarbage() => Check(static (top, call) => Release(top.Stat(new StatFop { Gfid = File }, call)));

    [Fact]
    public void LookupLeavesNoGarbage()
    {
        Name name = "f";
        Check((top, call) => Release(top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call)));
    }

    [Fact]
    public void ReadLeavesNoGarbage() => Check(static (top, call) => Release(
        top.Read(new ReadFop { Gfid = File, Fd = call.AnonymousFd(File), Size = 4096 }, call)));

    [Fact]
    public void AttributesLeaveNoGarbage() => Check(static (top, call) => Release(
        top.Fstat(new FstatFop { Gfid = File, Fd = call.AnonymousFd(File) }, call)));

    /// <summary>Time stands still meanwhile, so the lease holds.</summary>
    private void Check(Action<Translator, Call> fop)
    {
        Assert.Equal(Measure(_leader.Rig!.Store, fop), Measure(_leader.Top!, fop));
        Assert.Equal(0, Measure(_leader.Top!, fop));
    }

    private static long Measure(Translator top, Action<Translator, Call> fop)
    {
        var least = long.MaxValue;
        for (var attempt = 0; attempt < 5 && least > 0; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Rounds; i++)
            {
                var call = Call.Internal();
                fop(top, call);
                call.Release();
            }

            // The first round fills the pools.
            least = attempt == 0 ? least : Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static void Release<TReply>(ValueTask<TReply> task)
        where TReply : Reply
    {
        Assert.True(task.IsCompletedSuccessfully, "the answer was not there at once");
        var reply = task.Result;
        Assert.True(reply.IsOk);
        reply.Release();
    }
}
