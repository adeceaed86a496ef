using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>
/// Goal: an operation goes on exactly when no earlier one with a conflicting key is there, and independent ones go on together.
/// </summary>
public sealed class PendingOperationsTests
{
    private static readonly Gfid FileA = new(1, 10);
    private static readonly Gfid FileB = new(1, 11);
    private static readonly Gfid DirectoryA = new(1, 20);
    private static readonly Gfid DirectoryB = new(1, 21);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void RandomKeysBehaveLikeTheNaiveModel(int seed)
    {
        var random = new Random(seed);
        var pending = new PendingOperations();
        var model = new List<(ulong Number, List<ConflictKey> Keys)>();
        var told = new HashSet<ulong>();
        var ready = new List<ulong>();
        for (var step = 0; step < 4000; step++)
        {
            if (model.Count == 0 || (model.Count < 40 && random.Next(2) == 0))
            {
                var keys = RandomKeys(random);
                var number = pending.Enter(keys, out var isReady);
                model.Add((number, keys));
                if (isReady)
                {
                    Assert.True(told.Add(number));
                }
            }
            else
            {
                // Mostly one that is ready; now and then one gives up while it waits.
                var index = random.Next(model.Count);
                if (!told.Contains(model[index].Number) && random.Next(10) != 0)
                {
                    continue;
                }

                ready.Clear();
                pending.Leave(model[index].Number, ready);
                told.Remove(model[index].Number);
                model.RemoveAt(index);
                Assert.Equal(ready.Order(), ready);
                foreach (var number in ready)
                {
                    Assert.True(told.Add(number), $"seed {seed} step {step}: told twice");
                }
            }

            var expected = model.Where((m, i) => !model.Take(i).Any(e => Conflict(e.Keys, m.Keys))).Select(m => m.Number);
            Assert.Equal(expected.Order(), told.Order());
            Assert.Equal(model.Count, pending.Count);
        }
    }

    [Fact]
    public void TheThirdDoesNotOvertakeTheSecondThatWaits()
    {
        var pending = new PendingOperations();
        var x = pending.Enter([ConflictKeys.Bytes(FileA, 0, 10)], out var isReady);
        Assert.True(isReady);
        var y = pending.Enter([ConflictKeys.Bytes(FileA, 5, 20)], out isReady);
        Assert.False(isReady);
        pending.Enter([ConflictKeys.Bytes(FileA, 15, 30)], out isReady);
        Assert.False(isReady);
        var ready = new List<ulong>();
        pending.Leave(x, ready);
        Assert.Equal([y], ready);
    }

    [Fact]
    public void RenameHoldsBothNamesBothParentsAndBothGfids()
    {
        var rename = new JournalOperation
        {
            Fop = FopCode.Rename,
            Gfid = FileA,
            Parent = DirectoryA,
            Name = "old",
            NewParent = DirectoryB,
            NewName = "new",
            Displaced = FileB,
            Mode = FileMode.Regular,
        };
        Assert.True(Waits(rename, Create(DirectoryA, "old")));
        Assert.True(Waits(rename, Create(DirectoryB, "new")));
        Assert.True(Waits(rename, Rmdir(DirectoryA)));
        Assert.True(Waits(rename, Rmdir(DirectoryB)));
        Assert.True(Waits(rename, Write(FileB, 0, 10)));
        Assert.True(Waits(rename, new JournalOperation { Fop = FopCode.Link, Gfid = FileA, Parent = DirectoryA, Name = "third" }));
        Assert.False(Waits(rename, Create(DirectoryA, "other")));
        Assert.False(Waits(rename, Write(FileA, 0, 10)));
    }

    [Fact]
    public void RmdirWaitsForAllNamesInTheDirectory()
    {
        Assert.True(Waits(Create(DirectoryA, "x"), Rmdir(DirectoryA)));
        Assert.True(Waits(
            new JournalOperation { Fop = FopCode.Unlink, Gfid = FileA, Parent = DirectoryA, Name = "x" }, Rmdir(DirectoryA)));
        Assert.False(Waits(Create(DirectoryB, "x"), Rmdir(DirectoryA)));
    }

    [Fact]
    public void WritesOfOneFileGoTogetherUnlessTheyMeetOrTheSizeIsSet()
    {
        Assert.False(Waits(Write(FileA, 0, 4096), Write(FileA, 4096, 4096)));
        Assert.True(Waits(Write(FileA, 0, 4097), Write(FileA, 4096, 4096)));
        Assert.False(Waits(Write(FileA, 0, 10, size: 10), Write(FileA, 100, 10)));
        Assert.False(Waits(Write(FileA, 0, 10, size: 10), Write(FileA, 100, 10, size: 110)));
        Assert.True(Waits(
            Write(FileA, 0, 10, size: 10),
            new JournalOperation { Fop = FopCode.Fallocate, Gfid = FileA, Offset = 100, Length = 10, Size = 110 }));
        Assert.True(Waits(
            Write(FileA, 0, 10), new JournalOperation { Fop = FopCode.Setattr, Gfid = FileA, Valid = SetattrValid.Mode }));
        Assert.True(Waits(Write(FileA, 0, 10), new JournalOperation { Fop = FopCode.Truncate, Gfid = FileA, Size = 0 }));
    }

    private static bool Waits(JournalOperation first, JournalOperation second)
    {
        var pending = new PendingOperations();
        pending.Enter(ConflictKeys.Of(first), out _);
        pending.Enter(ConflictKeys.Of(second), out var isReady);
        return !isReady;
    }

    private static JournalOperation Create(Gfid parent, Name name) =>
        new() { Fop = FopCode.Create, Gfid = new Gfid(9, 9), Parent = parent, Name = name, Mode = FileMode.Regular };

    private static JournalOperation Rmdir(Gfid gfid) => new()
    {
        Fop = FopCode.Rmdir,
        Gfid = gfid,
        Parent = Gfid.Root,
        Name = gfid.ToString(),
        Flags = 1,
        Mode = FileMode.Directory,
    };

    private static JournalOperation Write(Gfid gfid, long offset, long length, long size = JournalOperation.SameSize) =>
        new() { Fop = FopCode.Write, Gfid = gfid, Offset = offset, Length = length, Size = size };

    private static bool Conflict(List<ConflictKey> a, List<ConflictKey> b) =>
        a.Any(x => b.Any(y => x.ConflictsWith(y)));

    private static List<ConflictKey> RandomKeys(Random random)
    {
        var keys = new List<ConflictKey>();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var gfid = new Gfid(0, (ulong)random.Next(1, 4));
            var isShared = random.Next(2) == 0;
            var from = random.Next(10);
            keys.Add(random.Next(4) switch
            {
                0 => new ConflictKey(ConflictKind.Name, gfid, "ab"[random.Next(2)].ToString()),
                1 => new ConflictKey(ConflictKind.Data, gfid, default, from, from + random.Next(1, 5), isShared),
                2 => new ConflictKey(ConflictKind.Inode, gfid, IsShared: isShared),
                _ => new ConflictKey(ConflictKind.Attributes, gfid, IsShared: isShared),
            });
        }

        return keys;
    }
}
