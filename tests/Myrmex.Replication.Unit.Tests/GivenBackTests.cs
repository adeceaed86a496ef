using System.Runtime.CompilerServices;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Simulated members are killed by the thousand, and none of them gives back what it has rented. Their worlds end, and then all of it
/// must be given back: what the others of this process had left would be held for the rest of the run.
/// </summary>
[Collection("payload pool")]
public sealed class GivenBackTests
{
    // Spare objects of pools may still refer to buffers they had, and tests rent some in the place of a member.
    private const long LeftBytesMax = 64 << 20;
    private const long OneSetBytesMax = 8 << 20;

    /// <summary>Runs after all tests that run side by side, which are those that kill.</summary>
    [Fact]
    public void NothingIsLeftOfAllTestsBefore() => Assert.InRange(SettledPool.Bytes(), 0, LeftBytesMax);

    [Fact]
    public void MembersOfASetThatAreKilledAgainAndAgainLeaveNothing()
    {
        var before = SettledPool.Bytes();
        var most = KillAndWrite();
        Assert.True(most > before + (2 * OneSetBytesMax), $"{most - before} bytes at most: nothing was held");
        Assert.InRange(SettledPool.Bytes(), 0, before + OneSetBytesMax);
    }

    /// <summary>The most that was rented; the set is not known to the caller.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static long KillAndWrite()
    {
        var most = 0L;
        using var bed = new StoreBed(77);
        var file = new Gfid(77, 5);
        Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, file);
            var fop = new MknodFop { Parent = Gfid.Root, Name = "f", Mode = 0x81A4, XData = xdata };
            return StoreBed.Outcome(await top.Mknod(fop, call));
        }));
        for (var round = 0; round < 12; round++)
        {
            for (var i = 0; i < 6; i++)
            {
                Assert.Equal(Errno.Ok, bed.Do((top, call, xdata) =>
                    StoreBed.WriteAsync(top, call, xdata, file, i << 17, new byte[1 << 17])));
            }

            most = long.Max(most, PayloadPool.Shared.OutstandingBytes);
            bed.Leader?.Crash(SimCrash.Process);
            bed.Restart();
        }

        return most;
    }
}
