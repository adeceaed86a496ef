using System.Globalization;
using System.Linq;
using Myrmex.Base;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>A member whose disk died is replaced by an empty one, as an administrator's wish in the state store says.</summary>
public sealed class ReplacementTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 12).Select(n => (ulong)n)];

    /// <summary>Even seeds: the journals have been compacted, so the new member needs a copy.</summary>
    [Theory]
    [MemberData(nameof(Seeds))]
    public void ANewMemberTakesThePlaceOfADeadOne(ulong seed)
    {
        var random = new SimRandom(seed);
        var options = seed % 2 == 0 ? new StoreBedOptions { CheckpointMs = 300, RetainedEntries = 10 } : new StoreBedOptions();
        using var bed = new StoreBed(seed, options: options);
        var made = 0;
        Make(bed, ref made, 30);
        bed.World.RunFor(2_000);
        var dead = bed.Members[random.Below(3)];
        dead.Crash(SimCrash.Power);
        Make(bed, ref made, 5);

        var spare = bed.AddSpare();
        var stay = bed.Members.Where(m => m != dead).Select(m => m.Id.Value).ToArray();
        bed.Put(StoreState.WantedKey, stay);
        var isLeaderKilled = random.Below(2) == 0;
        for (var round = 0; round < 10; round++)
        {
            Make(bed, ref made, 3);
            if (round == 4 && isLeaderKilled)
            {
                var leader = bed.Leader!;
                leader.Crash(SimCrash.Process);
                bed.World.RunFor(random.Below(3_000));
                leader.Node.Restart();
                leader.Start();
            }
        }

        Assert.True(
            bed.World.RunUntil(() => spare.Replica!.Status == MemberStatus.Voter, 60_000),
            $"seed {seed}: the new member is {spare.Replica!.Status}");
        var members = bed.Members.Where(m => m != dead).ToList();
        bed.AssertAreEqual(members, $"seed {seed}");
        Assert.True(bed.World.RunUntil(
            () => bed.Leader is { } leader && leader.Replica!.Members.SequenceEqual(stay), 10_000), "the dead one is a member");

        // It counts now: with it and one other, the set goes on.
        var other = members.First(m => m != spare && m != bed.Leader);
        other.Crash(SimCrash.Process);
        Make(bed, ref made, 5);

        // What the old disk holds counts for nothing when it comes back.
        dead.Node.Restart();
        dead.Start();
        bed.World.RunFor(5_000);
        Assert.NotSame(dead, bed.Leader);
        other.Node.Restart();
        other.Start();
        bed.AssertAreEqual(members, $"seed {seed}, at the end");
        foreach (var name in Enumerable.Range(0, made).Select(NameOf))
        {
            var found = StorageRig.Wait(spare.Rig!.Store.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, new Call()));
            Assert.True(found.IsOk, $"seed {seed}: {name}");
            found.Release();
        }
    }

    private static string NameOf(int number) => "f" + number.ToString(CultureInfo.InvariantCulture);

    private static void Make(StoreBed bed, ref int made, int count)
    {
        for (var i = 0; i < count; i++)
        {
            var name = NameOf(made++);
            var gfid = StorageRig.NewGfid();
            Assert.Equal(Errno.Ok, bed.Do(async (top, call, xdata) =>
            {
                xdata.SetGfid("gfid-req"u8, gfid);
                var reply = await top.Mknod(
                    new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata }, call);
                var error = reply.Error;
                reply.Release();
                return error;
            }));
        }
    }
}
