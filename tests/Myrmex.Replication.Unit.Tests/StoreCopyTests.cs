using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Base;
using Myrmex.Contract.Tests.Storage;
using Myrmex.Graph;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Simulation;
using Xunit;
using static Myrmex.Replication.Unit.Tests.StoreBed;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Copies of whole stores between members of replica sets in virtual time, while fops go on: the copy ends with the same store,
/// whatever was moved meanwhile and whoever dies.
/// </summary>
public sealed class StoreCopyTests
{
    public static TheoryData<ulong> Seeds => [.. Enumerable.Range(1, 25).Select(n => (ulong)n)];

    [Fact]
    public void AMemberThatLacksMoreThanTheJournalHasGetsACopy()
    {
        var options = new StoreBedOptions { CheckpointMs = 300, RetainedEntries = 10, CopyPieceBytes = 2048, CopyBytesPerSecond = 5_000_000 };
        using var bed = new StoreBed(7, options: options);
        var load = new CopyLoad(bed, 7);
        load.Run(100);
        Assert.True(bed.World.RunUntil(() => bed.Leader is not null, 60_000));
        var away = bed.Members.First(m => m != bed.Leader);
        var last = away.Replica!.Last;
        away.Crash(SimCrash.Process);
        for (var i = 0; i < 20 && bed.Leader?.Replica!.JournalStart.Value <= last.Value + 1; i++)
        {
            load.Run(20);
            bed.World.RunFor(400);
        }

        Assert.True(bed.Leader!.Replica!.JournalStart.Value > last.Value + 1, "the journal still has all");
        away.Node.Restart();
        away.Start();
        load.Fill(24 << 10); // Enough to take some time.
        var seen = new List<Copy.CopyProgress>();
        while (away.Replica!.Status != MemberStatus.Voter || seen.Count == 0)
        {
            load.Run(2);
            bed.World.RunFor(5);
            if (away.Replica.Receiving is { } progress)
            {
                seen.Add(progress);
            }

            Assert.True(seen.Count < 5_000, "the copy does not end");
        }

        Assert.True(seen.Count > 3, "the copy was not under load");
        Assert.True(seen[^1].Done.Bytes > 0 && seen[^1].Done.Inodes > 20, seen[^1].ToString());
        Assert.All(seen.Zip(seen.Skip(1)), pair => Assert.True(pair.First.Done.Bytes <= pair.Second.Done.Bytes));
        load.Run(10);
        bed.AssertAllAreEqual("after the copy");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void ACopyEndsWithTheSameStoreWhateverMovesAndWhoeverDies(ulong seed)
    {
        using var bed = new StoreBed(
            seed, options: new StoreBedOptions { Needy = 2, CopyPieceBytes = 512, CopyBytesPerSecond = 4_000_000 });
        var random = new SimRandom(seed);
        var load = new CopyLoad(bed, seed, opensFiles: true);
        var target = bed.Members[2];
        load.Run(100);
        target.Start();
        var kills = seed % 5 == 0 ? 0 : 3;
        var wasCopied = 0;
        for (var round = 0; round < 4_000 && target is not { Node.IsUp: true, Replica.Status: MemberStatus.Voter }; round++)
        {
            load.Run(1);
            wasCopied += target.Replica?.Receiving is not null ? 1 : 0;
            if (kills > 0 && target.Replica?.Receiving is not null && random.Below(12) == 0)
            {
                kills--;
                var victim = random.Below(2) == 0 ? target : bed.Leader;
                _ = bed.World.After(random.Below(30), () =>
                {
                    // A store in memory can only be started from its copy, or from the whole journal.
                    if (victim is { Node.IsUp: true } && (victim != target || target.Replica!.NeedsCopy))
                    {
                        victim.Crash(random.Below(2) == 0 ? SimCrash.Power : SimCrash.Process);
                        _ = bed.World.After(20 + random.Below(300), () => bed.Restart());
                    }
                });
            }

            bed.World.RunFor(1 + random.Below(8));
        }

        bed.World.RunFor(500);
        Assert.True(wasCopied > 5, $"seed {seed}: {wasCopied}");
        Assert.True(bed.World.RunUntil(() => target.Replica?.Status == MemberStatus.Voter, 60_000), $"seed {seed}: no copy");
        load.Run(5);
        bed.AssertAllAreEqual($"seed {seed}");
        Assert.NotEmpty(((IForcedStore)target.Rig!.Store).ListKept());
        Assert.True(bed.Members.Sum(m => m.CopyBytes) > 20_000, $"seed {seed}");
    }

}

/// <summary>
/// Fops that move things about: files and directories that are made, written, linked, renamed to and fro and removed.
/// </summary>
internal sealed class CopyLoad
{
    private readonly StoreBed _bed;
    private readonly SimRandom _random;
    private readonly bool _opensFiles;
    private readonly List<(Gfid Parent, string Name, Gfid Gfid, bool IsDirectory)> _names = [];
    private int _number;

    /// <param name="opensFiles">Some files are open for good when they lose their last name.</param>
    public CopyLoad(StoreBed bed, ulong seed, bool opensFiles = false)
    {
        (_bed, _random, _opensFiles) = (bed, new SimRandom(seed + 1000), opensFiles);
        Run(60);
    }

    public void Run(int count)
    {
        for (var i = 0; i < count; i++)
        {
            Step();
        }
    }

    private void Step()
    {
        var kind = _random.Below(12);
        if (_names.Count < 10 || kind < 3)
        {
            Make(isDirectory: _random.Below(3) == 0);
        }
        else if (kind < 7)
        {
            Rename(_random.Below(_names.Count));
        }
        else if (kind == 7)
        {
            Link(_random.Below(_names.Count));
        }
        else if (kind == 8)
        {
            Remove(_random.Below(_names.Count));
        }
        else if (kind == 9)
        {
            SetXattr(_names[_random.Below(_names.Count)].Gfid);
        }
        else
        {
            Write(_names[_random.Below(_names.Count)]);
        }
    }

    /// <summary>Writes so much to each of some files.</summary>
    public void Fill(int bytes)
    {
        var data = new byte[bytes];
        foreach (var file in _names.Where(n => !n.IsDirectory).Take(20))
        {
            _random.Fill(data);
            _ = _bed.Write(file.Gfid, 0, data);
        }
    }

    private Gfid Directory()
    {
        var directories = _names.Where(n => n.IsDirectory).ToList();
        return directories.Count == 0 || _random.Below(5) == 0 ? Gfid.Root : directories[_random.Below(directories.Count)].Gfid;
    }

    private string NewName() => "n" + (++_number).ToString(CultureInfo.InvariantCulture);

    private void Make(bool isDirectory)
    {
        var (parent, name, gfid) = (Directory(), NewName(), StorageRig.NewGfid());
        var error = _bed.Do(async (top, call, xdata) =>
        {
            xdata.SetGfid("gfid-req"u8, gfid);
            return isDirectory
                ? Outcome(await top.Mkdir(new MkdirFop { Parent = parent, Name = name, Mode = 0x41ED, XData = xdata }, call))
                : Outcome(await top.Mknod(new MknodFop { Parent = parent, Name = name, Mode = 0x81A4, XData = xdata }, call));
        });
        if (error == Errno.Ok)
        {
            _names.Add((parent, name, gfid, isDirectory));
            if (!isDirectory)
            {
                Write(_names[^1]);
            }
        }
    }

    private void Write((Gfid Parent, string Name, Gfid Gfid, bool IsDirectory) file)
    {
        if (file.IsDirectory)
        {
            return;
        }

        var data = new byte[_random.Below(3_000) + 1];
        data.AsSpan().Fill((byte)(_random.Below(255) + 1));
        var offset = (long)_random.Below(6_000) * (_random.Below(10) == 0 ? 20 : 1); // Some holes.
        _ = _bed.Write(file.Gfid, offset, data);
    }

    private void Rename(int at)
    {
        var (parent, name, gfid, isDirectory) = _names[at];
        var (newParent, newName) = (Directory(), NewName());
        var error = _bed.Do(async (top, call, xdata) => Outcome(await top.Rename(
            new RenameFop { OldParent = parent, OldName = name, NewParent = newParent, NewName = newName, XData = xdata },
            call)));
        if (error == Errno.Ok)
        {
            _names[at] = (newParent, newName, gfid, isDirectory);
        }
    }

    private void Link(int at)
    {
        var (_, _, gfid, isDirectory) = _names[at];
        var (parent, name) = (Directory(), NewName());
        if (!isDirectory && _bed.Do(async (top, call, xdata) => Outcome(await top.Link(
            new LinkFop { Gfid = gfid, NewParent = parent, NewName = name, XData = xdata }, call))) == Errno.Ok)
        {
            _names.Add((parent, name, gfid, false));
        }
    }

    private void Remove(int at)
    {
        var (parent, name, gfid, isDirectory) = _names[at];
        if (_opensFiles && !isDirectory && _random.Below(2) == 0)
        {
            // It lives on without a name.
            var fd = new Fd(gfid, OpenFlags.ReadWrite, isDirectory: false, slotCount: 16);
            _ = _bed.Do(async (top, call, xdata) => Outcome(await top.Open(
                new OpenFop { Gfid = gfid, Flags = OpenFlags.ReadWrite, Fd = fd }, call)));
        }

        var error = _bed.Do(async (top, call, xdata) => isDirectory
            ? Outcome(await top.Rmdir(new RmdirFop { Parent = parent, Name = name, XData = xdata }, call))
            : Outcome(await top.Unlink(new UnlinkFop { Parent = parent, Name = name, XData = xdata }, call)));
        if (error != Errno.ENOTEMPTY)
        {
            _names.RemoveAt(at);
        }
    }

    private void SetXattr(Gfid gfid)
    {
        var value = new byte[_random.Below(40) + 1];
        _ = _bed.Do(async (top, call, xdata) =>
        {
            var values = XData.Rent();
            values.SetBytes("user.x"u8, value);
            var outcome = Outcome(await top.Setxattr(new SetxattrFop { Gfid = gfid, Values = values, XData = xdata }, call));
            values.Release();
            return outcome;
        });
    }
}
