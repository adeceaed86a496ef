using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>
/// Renames in every constellation of data, hashed subvolumes and replaced file, whole, with an error at each step and with
/// the client dying at each step.
/// </summary>
public sealed class DhtRenameTests
{
    private const int None = -1;

    /// <summary>Subvolumes: source data, source name, target name, target data.</summary>
    public static TheoryData<int, int, int, int> Constellations
    {
        get
        {
            var data = new TheoryData<int, int, int, int>();
            foreach (var oldHashed in new[] { 0, 1 })
            {
                foreach (var newHashed in new[] { 0, 1, 2 })
                {
                    foreach (var targetAt in new[] { None, 0, 1, 2, 3 })
                    {
                        data.Add(0, oldHashed, newHashed, targetAt);
                    }
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Constellations))]
    public async Task AFileKeepsItsDataAndItsNewNameLeadsToIt(int at, int oldHashed, int newHashed, int targetAt)
    {
        var scene = await Scene.MakeAsync(at, oldHashed, newHashed, targetAt);
        Assert.Equal(Errno.Ok, await scene.RenameAsync());
        scene.AssertMoved();
        foreach (var volume in new[] { scene.Volume, await scene.NewClientAsync() })
        {
            Assert.Equal("ENOENT", await volume.ContentAsync(Gfid.Root, scene.OldName));
            Assert.Equal(scene.OldName, await volume.ContentAsync(scene.Directory, scene.NewName));
            Assert.Equal([scene.NewName], await volume.ListAsync(scene.Directory));
            Assert.DoesNotContain(scene.OldName, await volume.ListAsync(Gfid.Root));
        }
    }

    [Theory]
    [MemberData(nameof(Constellations))]
    public async Task AnErrorAtAnyStepLeavesTheOldStateOrTheNew(int at, int oldHashed, int newHashed, int targetAt)
    {
        foreach (var error in new[] { Errno.EIO, Errno.ENOTCONN, Errno.EACCES })
        {
            for (var step = 0; ; step++)
            {
                var scene = await Scene.MakeAsync(at, oldHashed, newHashed, targetAt);
                var count = 0;
                var hit = false;
                foreach (var probe in scene.Volume.Probes)
                {
                    probe.Inject = (_, fop) =>
                    {
                        // A lost unlock is a lost connection, and with it the lock is gone.
                        if (fop is InodelkFop { Type: LockType.Unlock } or EntrylkFop { Command: EntryLockCommand.Unlock }
                            || Interlocked.Increment(ref count) - 1 != step)
                        {
                            return Errno.Ok;
                        }

                        hit = true;
                        return error;
                    };
                }

                var outcome = await scene.RenameAsync();
                scene.Volume.Probes.ForEach(p => p.Inject = null);
                if (!hit)
                {
                    Assert.Equal(Errno.Ok, outcome);
                    break;
                }

                await scene.AssertOldOrNewAsync(outcome, $"{error} at step {step}: {outcome}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Constellations))]
    public async Task ADeadClientAtAnyStepLosesNoFile(int at, int oldHashed, int newHashed, int targetAt)
    {
        for (var step = 0; ; step++)
        {
            var scene = await Scene.MakeAsync(at, oldHashed, newHashed, targetAt);
            var count = 0;
            foreach (var probe in scene.Volume.Probes)
            {
                probe.Inject = (_, _) => Interlocked.Increment(ref count) - 1 >= step ? Errno.ENOTCONN : Errno.Ok;
            }

            await scene.RenameAsync();
            var isThrough = count <= step;
            scene.Volume.Bricks.Rules.ForEach(r => r.ClientGone(scene.Client));
            var volume = await scene.NewClientAsync();
            var old = await volume.ContentAsync(Gfid.Root, scene.OldName);
            var renamed = await volume.ContentAsync(scene.Directory, scene.NewName);
            Assert.True(old == scene.OldName || renamed == scene.OldName, $"step {step}: the file is lost: {old}, {renamed}");
            Assert.True(old == scene.OldName || old == "ENOENT", $"step {step}: {old}");
            var expected = targetAt == None ? "ENOENT" : scene.NewName;
            Assert.True(renamed == scene.OldName || renamed == expected, $"step {step}: the target is lost: {renamed}");

            // And nothing is stuck: the rename can be done again, and the target removed.
            if (old == scene.OldName)
            {
                Assert.Equal(Errno.Ok, await volume.RenameAsync(Gfid.Root, scene.OldName, scene.Directory, scene.NewName));
            }

            Assert.Equal(scene.OldName, await volume.ContentAsync(scene.Directory, scene.NewName));
            if (isThrough)
            {
                break;
            }
        }
    }

    [Fact]
    public async Task TheFirstStepsAreThoseOfOtherClients()
    {
        var scene = await Scene.MakeAsync(0, 0, 1, None);
        var seen = new List<(int Brick, FopCode Code, object Fop)>();
        for (var i = 0; i < scene.Volume.Count; i++)
        {
            var brick = i;
            scene.Volume.Probes[i].Inject = (code, fop) =>
            {
                seen.Add((brick, code, fop));
                return Errno.Ok;
            };
        }

        Assert.Equal(Errno.Ok, await scene.RenameAsync());
        var steps = seen.Where(s => s.Code is not (FopCode.Lookup or FopCode.Statfs)).Select(s => $"{s.Brick}:{s.Code}").ToArray();
        Assert.Equal(
            [
                "0:Inodelk", "0:Inodelk", "0:Entrylk", "1:Inodelk", "1:Entrylk",
                "1:Mknod", "0:Link", "1:Rename", "0:Unlink",
                "0:Inodelk", "0:Inodelk", "0:Entrylk", "1:Inodelk", "1:Entrylk",
            ],
            steps);
        var domains = seen.Select(s => s.Fop).OfType<InodelkFop>().Select(f => f.Domain.ToString()).Distinct();
        Assert.Equal(["dht.file.migrate", "dht.layout.heal"], domains);
    }

    [Fact]
    public async Task TwoNamesOfOneFileStayAsTheyAre()
    {
        var volume = await new DhtVolume(3).MountAsync();
        var gfid = await volume.CreateAsync(Gfid.Root, "one");
        foreach (var name in new[] { volume.NameOn(Gfid.Root, 0), volume.NameOn(Gfid.Root, 1), volume.NameOn(Gfid.Root, 2) })
        {
            Assert.Equal(Errno.Ok, await volume.LinkAsync(gfid, Gfid.Root, name));
            Assert.Equal(Errno.Ok, await volume.RenameAsync(Gfid.Root, "one", Gfid.Root, name));
            Assert.Equal("one", await volume.ContentAsync(Gfid.Root, "one"));
            Assert.Equal("one", await volume.ContentAsync(Gfid.Root, name));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADirectoryMovesOnAllSubvolumes(bool overEmpty)
    {
        var volume = await new DhtVolume(4).MountAsync();
        var old = await volume.MkdirAsync(Gfid.Root, "old");
        var parent = await volume.MkdirAsync(Gfid.Root, "parent");
        await volume.CreateAsync(old, "inside");
        if (overEmpty)
        {
            await volume.MkdirAsync(parent, "new");
        }

        Assert.Equal(Errno.Ok, await volume.RenameAsync(Gfid.Root, "old", parent, "new"));
        for (var i = 0; i < 4; i++)
        {
            Assert.Equal(Errno.ENOENT, volume.OnBrick(i, Gfid.Root, "old").Error);
            Assert.Equal(old, volume.OnBrick(i, parent, "new").Iatt.Gfid);
        }

        Assert.Equal(old, (await volume.LookupAsync(parent, "new")).Iatt.Gfid);
        Assert.Equal(Errno.ENOENT, (await volume.LookupAsync(Gfid.Root, "old")).Error);
        Assert.Equal("inside", await volume.ContentAsync(old, "inside"));
    }

    [Fact]
    public async Task WhatCannotBeReplacedIsRefused()
    {
        var volume = await new DhtVolume(3).MountAsync();
        var full = await volume.MkdirAsync(Gfid.Root, "full");
        await volume.CreateAsync(full, "inside");
        var directory = await volume.MkdirAsync(Gfid.Root, "dir");
        await volume.CreateAsync(Gfid.Root, "file");
        Assert.Equal(Errno.ENOTEMPTY, await volume.RenameAsync(Gfid.Root, "dir", Gfid.Root, "full"));
        Assert.Equal(Errno.ENOTDIR, await volume.RenameAsync(Gfid.Root, "dir", Gfid.Root, "file"));
        Assert.Equal(Errno.EISDIR, await volume.RenameAsync(Gfid.Root, "file", Gfid.Root, "dir"));
        Assert.Equal(Errno.ENOENT, await volume.RenameAsync(Gfid.Root, "none", Gfid.Root, "file"));
        Assert.Equal(Errno.EINVAL, await volume.RenameAsync(Gfid.Root, "dir", directory, "inner"));
        Assert.Equal("directory", await volume.ContentAsync(Gfid.Root, "dir"));
        Assert.Equal("file", await volume.ContentAsync(Gfid.Root, "file"));
        volume.Probes[1].IsDown = true;
        volume.Dht.Notify(new Myrmex.Graph.GraphEvent(Myrmex.Graph.GraphEventKind.ChildDown), volume.Subvolumes[1]);
        Assert.Equal(Errno.ENOTCONN, await volume.RenameAsync(Gfid.Root, "dir", Gfid.Root, "dir2"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ADirectoryThatCannotMoveEverywhereMovesNowhere(bool overEmpty)
    {
        for (var failing = 0; failing < 4; failing++)
        {
            var volume = await new DhtVolume(4).MountAsync();
            var old = await volume.MkdirAsync(Gfid.Root, "old");
            await volume.CreateAsync(old, "inside");
            var replaced = overEmpty ? await volume.MkdirAsync(Gfid.Root, "new") : default;
            var layout = overEmpty ? volume.LayoutOnBricks(replaced) : null;
            volume.Probes[failing].Inject = (code, _) => code == FopCode.Rename ? Errno.EIO : Errno.Ok;
            Assert.Equal(Errno.EIO, await volume.RenameAsync(Gfid.Root, "old", Gfid.Root, "new"));
            volume.Probes[failing].Inject = null;
            for (var i = 0; i < 4; i++)
            {
                Assert.Equal(old, volume.OnBrick(i, Gfid.Root, "old").Iatt.Gfid);
                Assert.Equal(replaced, volume.OnBrick(i, Gfid.Root, "new").Iatt.Gfid);
            }

            if (layout is not null)
            {
                Assert.True(volume.LayoutOnBricks(replaced).Says([.. Enumerable.Range(0, 4).Select(i => layout[i])], -1));
            }

            Assert.Equal("inside", await volume.ContentAsync(old, "inside"));
            Assert.Equal(Errno.Ok, await volume.RenameAsync(Gfid.Root, "old", Gfid.Root, "new"));
        }
    }

    /// <summary>A file of the root and, when wanted, one in a directory that it is to replace.</summary>
    private sealed class Scene
    {
        private int _at;
        private int _newHashed;

        public required DhtVolume Volume { get; init; }

        public required Gfid Directory { get; init; }

        public string OldName { get; private set; } = string.Empty;

        public string NewName { get; private set; } = string.Empty;

        public Gfid Gfid { get; private set; }

        public ClientIdentity Client { get; } = new("client", "here");

        public static async Task<Scene> MakeAsync(int at, int oldHashed, int newHashed, int targetAt)
        {
            var volume = await new DhtVolume(4).MountAsync();
            var directory = await volume.MkdirAsync(Gfid.Root, "dir");
            var scene = new Scene
            {
                Volume = volume,
                Directory = directory,
                OldName = volume.NameOn(Gfid.Root, oldHashed, "old"),
                NewName = volume.NameOn(directory, newHashed, "new"),
                _at = at,
                _newHashed = newHashed,
            };
            scene.Gfid = await volume.PlaceAsync(Gfid.Root, scene.OldName, at);
            if (targetAt != None)
            {
                await volume.PlaceAsync(directory, scene.NewName, targetAt);
            }

            return scene;
        }

        public async Task<DhtVolume> NewClientAsync() => await new DhtVolume(Volume.Bricks).MountAsync();

        public async Task<Errno> RenameAsync()
        {
            var call = DhtVolume.NewCall();
            call.Client = Client;
            var fop = new RenameFop { OldParent = Gfid.Root, OldName = OldName, NewParent = Directory, NewName = NewName };
            var reply = await Volume.Dht.Rename(in fop, call);
            if (reply.IsOk)
            {
                Assert.Equal(Gfid, reply.Iatt.Gfid);
                Assert.Equal((ulong)OldName.Length, reply.Iatt.Size);
                Assert.Equal(1U, reply.Iatt.Nlink);
            }

            var error = reply.Error;
            reply.Release();
            return error;
        }

        public void AssertMoved()
        {
            Assert.Equal([_at], Volume.PlacesOf(Directory, NewName).Data);
            Assert.Equal(_newHashed == _at ? [] : [_newHashed], Volume.PlacesOf(Directory, NewName).Links);
            Assert.Empty(Volume.PlacesOf(Gfid.Root, OldName).Data);
            Assert.Empty(Volume.PlacesOf(Gfid.Root, OldName).Links);
        }

        public async Task AssertOldOrNewAsync(Errno outcome, string what)
        {
            foreach (var volume in new[] { await NewClientAsync(), Volume })
            {
                var old = await volume.ContentAsync(Gfid.Root, OldName);
                var renamed = await volume.ContentAsync(Directory, NewName);
                if (outcome == Errno.Ok)
                {
                    Assert.True(renamed == OldName, $"{what}: {old}, {renamed}");
                }
                else
                {
                    Assert.True(old == OldName, $"{what}: {old}, {renamed}");
                    Assert.True(renamed is "ENOENT" || renamed == NewName, $"{what}: {old}, {renamed}");
                }
            }

            // No lock is left behind: another client can rename the file back and forth.
            var other = await NewClientAsync();
            var (from, to) = outcome == Errno.Ok ? ((Directory, NewName), (Gfid.Root, "free")) : ((Gfid.Root, OldName), (Directory, NewName));
            var done = other.RenameAsync(from.Item1, from.Item2, to.Item1, to.Item2);
            Assert.True(done == await Task.WhenAny(done, Task.Delay(5000)), $"{what}: a lock is left behind");
            Assert.Equal(Errno.Ok, await done);
        }
    }
}
