using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.Bricks;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// The commands on volumes: refusals in GlusterFS' words, and no trace of a command that was cut short. Needs root, for
/// trusted attributes.
/// </summary>
public sealed class VolumeCommandsTests : IAsyncLifetime
{
    private static readonly CancellationToken Forever = CancellationToken.None;
    private readonly FakeNode _node = new();

    public async Task InitializeAsync() => await _node.StartAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [RootFact]
    public async Task CreateMarksItsDirectories()
    {
        var volume = await _node.CreateAsync("demo", 1, 2);
        foreach (var brick in volume.Bricks)
        {
            Assert.Equal(volume.Id, BrickDirectory.ReadVolumeId(brick.Path, out _));
            Assert.Equal(
                UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(brick.Path, ".glusterfs")));
            Assert.Equal((ulong)Sys.PathDevice(brick.Path), brick.FileSystem);
        }

        Assert.Equal([0, 1], volume.Bricks.Select(b => b.Index));
        Assert.Empty(await _node.Store.RangeAsync(KeyRange.Prefix("op/"), Forever));
    }

    [RootFact]
    public async Task CreateRefusesWhatGlusterFSRefuses()
    {
        await _node.CreateAsync("demo", 1);
        await File.WriteAllTextAsync(Path.Combine(_node.Root, "file"), "x");
        var b1 = _node.Brick(1);
        var b2 = _node.Brick(2);
        await RefusedAsync("Volume demo already exists", "demo", $"localhost:{b2}");
        await RefusedAsync("Host nosuch.invalid is not in 'Peer in Cluster' state", "x", $"nosuch.invalid:{b2}");
        await RefusedAsync("Wrong brick type: nocolon, use <HOSTNAME>:<export-dir-abs-path>", "x", "nocolon");
        await RefusedAsync("Wrong brick type: h:rel, use <HOSTNAME>:<export-dir-abs-path>", "x", "h:rel");
        await RefusedAsync($"Found duplicate exports localhost:{b2}/", "x", $"localhost:{b2}", $"localhost:{b2}/");
        await RefusedAsync(NotAvailable(b1), "x", $"localhost:{b1}");
        await RefusedAsync(NotAvailable(b1 + "/sub"), "x", $"localhost:{b1}/sub");
        await RefusedAsync(NotAvailable(_node.Root), "x", $"localhost:{_node.Root}");
        await RefusedAsync($"parent directory {b2} is already part of a volume", "x", $"localhost:{b2}", $"localhost:{b2}/sub");
        await RefusedAsync(
            $"The provided path {_node.Root}/file which is already present, is not a directory", "x", $"localhost:{_node.Root}/file");
        await RefusedAsync(
            $"Failed to create brick directory for brick localhost:{_node.Root}/no/b. Reason : No such file or directory ",
            "x", $"localhost:{_node.Root}/no/b");
        await RefusedAsync("\"all\" cannot be the name of a volume.", "all", $"localhost:{b2}");
        Assert.False(Directory.Exists(b2));
    }

    [RootFact]
    public async Task CreateOnTheRootFileSystemNeedsForce()
    {
        var path = Directory.CreateTempSubdirectory("myrmex-root-").FullName;
        try
        {
            if (Sys.PathDevice(path) != Sys.PathDevice("/"))
            {
                return;
            }

            await RefusedAsync(
                $"The brick localhost:{path} is being created in the root partition. It is recommended that you don't use the "
                + "system's root partition for storage backend. Or use 'force' at the end of the command if you want to "
                + "override this behavior.",
                "x", $"localhost:{path}");
            await _node.Commands.CreateAsync(new CreateRequest("x", [$"localhost:{path}"]) { Force = true }, Forever);
        }
        finally
        {
            Directory.Delete(path, recursive: true);
        }
    }

    [RootFact]
    public async Task BricksOfADeletedVolumeKeepTheirMarkAndNeedForce()
    {
        var volume = await _node.CreateAsync("demo", 1);
        await File.WriteAllTextAsync(Path.Combine(_node.Brick(1), "data"), "kept");
        await _node.Commands.DeleteAsync("demo", Forever);
        Assert.Equal(volume.Id, BrickDirectory.ReadVolumeId(_node.Brick(1), out _));
        await RefusedAsync($"{_node.Brick(1)} is already part of a volume", "again", $"localhost:{_node.Brick(1)}");
        await RefusedAsync(
            $"parent directory {_node.Brick(1)} is already part of a volume", "again", $"localhost:{_node.Brick(1)}/sub");
        var again = await _node.Commands.CreateAsync(
            new CreateRequest("again", [$"localhost:{_node.Brick(1)}"]) { Force = true }, Forever);
        Assert.Equal(again.Id, BrickDirectory.ReadVolumeId(_node.Brick(1), out _));
        Assert.Equal("kept", await File.ReadAllTextAsync(Path.Combine(_node.Brick(1), "data")));
    }

    [RootFact]
    public async Task ABrickInUseIsRefusedUnderAnotherNameToo()
    {
        await _node.CreateAsync("demo", 1);
        var alias = Path.Combine(_node.Root, "alias");
        File.CreateSymbolicLink(alias, _node.Brick(1));
        var e = await Assert.ThrowsAsync<CommandException>(() => _node.Commands.CreateAsync(
            new CreateRequest("x", [$"localhost:{alias}"]) { Force = true }, Forever));
        Assert.Equal(NotAvailable(alias), e.Message);
    }

    [RootFact]
    public async Task StartingChecksTheMarks()
    {
        var volume = await _node.CreateAsync("demo", 1);
        var brick = _node.Brick(1);
        Sys.PathRemoveXattr(brick, BrickDirectory.VolumeIdXattr);
        Assert.Equal(
            $"Failed to get extended attribute trusted.glusterfs.volume-id for brick dir {brick}. Reason : No data available",
            await WhyNotAsync(_node.Commands.StartAsync("demo", force: false, Forever)));
        var other = new Gfid(7, 8);
        Sys.PathSetXattr(brick, BrickDirectory.VolumeIdXattr, other.ToArray());
        Assert.Equal(
            $"Volume id mismatch for brick localhost:{brick}. Expected volume id {volume.Id}, volume id {other} found",
            await WhyNotAsync(_node.Commands.StartAsync("demo", force: true, Forever)));
        Directory.Delete(brick, recursive: true);
        Assert.Equal(
            $"Failed to find brick directory {brick} for volume demo. Reason : No such file or directory",
            await WhyNotAsync(_node.Commands.StartAsync("demo", force: false, Forever)));
    }

    [RootFact]
    public async Task TheStatesOfAVolumeAllowWhatGlusterFSAllows()
    {
        await _node.CreateAsync("demo", 1);
        Assert.Equal("Volume demo is not in the started state", await WhyNotAsync(_node.Commands.StopAsync("demo", force: false, Forever)));
        Assert.Equal("Volume demo is not started", Assert.Throws<CommandException>(() => _node.Commands.Status("demo", detail: false)).Message);
        await _node.Commands.StartAsync("demo", force: false, Forever);
        Assert.Equal("Volume demo already started", await WhyNotAsync(_node.Commands.StartAsync("demo", force: false, Forever)));
        await _node.Commands.StartAsync("demo", force: true, Forever);
        Assert.Equal(
            "Volume demo has been started.Volume needs to be stopped before deletion.",
            await WhyNotAsync(_node.Commands.DeleteAsync("demo", Forever)));
        var brick = Assert.Single(_node.Commands.Status("demo", detail: true).Bricks);
        Assert.True(brick is { Online: true, Port: 49152, Pid: > 0, Detail.FileSystem: "tmpfs" });
        await _node.Commands.StopAsync("demo", force: false, Forever);
        await _node.Commands.StopAsync("demo", force: true, Forever);
        await _node.Commands.DeleteAsync("demo", Forever);
        Assert.Equal("Volume demo does not exist", await WhyNotAsync(_node.Commands.StartAsync("demo", force: false, Forever)));
    }

    [RootFact]
    public async Task AVolumeWhoseBrickCannotServeIsNotStarted()
    {
        await _node.CreateAsync("demo", 1, 2);
        _node.Processes.Broken.Add(_node.Brick(2));
        var log = Path.Combine(_node.Options.LogDirectory, "brick.log");
        var volfile = Path.Combine(_node.Options.VolfileDirectory, $"demo.localhost.{_node.Brick(2).TrimStart('/').Replace('/', '-')}.vol");
        await File.WriteAllTextAsync(log, $"2026 E brick: brick cannot start volfile={volfile} reason=\"disk is gone\"\n");
        Assert.Equal(
            $"Commit failed on localhost. Brick localhost:{_node.Brick(2)} cannot be served: disk is gone. "
            + $"Please check log file {log} for details.",
            await WhyNotAsync(_node.Commands.StartAsync("demo", force: false, Forever)));
        Assert.Equal(VolumeStatus.Created, _node.Commands.Find("demo").Status);
        Assert.True(await _node.Supervisor.WaitAsync(() => _node.Processes.Running is null, 5_000, Forever));
    }

    [RootFact]
    public async Task SettingsAreMadeTogetherOrNotAtAll()
    {
        await _node.CreateAsync("demo", 1);
        Assert.Equal(
            "option : performance.quick-reed does not exist\nDid you mean performance.quick-read?",
            await WhyNotAsync(_node.Commands.SetAsync(
                "demo",
                [new VolumeSetting("performance.write-behind", "off"), new VolumeSetting("performance.quick-reed", "off")],
                Forever)));
        Assert.Null(_node.Commands.Find("demo").Setting("performance.write-behind"));
    }

    [RootFact]
    public async Task ResetGivesBackWhatANewVolumeHas()
    {
        await _node.CreateAsync("demo", 1);
        await _node.Commands.SetAsync(
            "demo", [new VolumeSetting("user.x", "1"), new VolumeSetting("auth.allow", "10.*")], Forever);
        await _node.Commands.SetAsync("demo", [new VolumeSetting("transport.address-family", "inet6")], Forever);
        Assert.Equal("Option nosuch.key does not exist", (await WhyNotAsync(
            _node.Commands.ResetAsync("demo", "nosuch.key", force: false, Forever))).Split('\n')[0]);
        var volume = await _node.Commands.ResetAsync("demo", "user.x", force: false, Forever);
        Assert.Equal("10.*", volume.Setting("auth.allow"));
        Assert.Equal("inet6", volume.Setting("transport.address-family"));
        volume = await _node.Commands.ResetAsync("demo", "transport.address-family", force: false, Forever);
        Assert.Equal("inet", volume.Setting("transport.address-family"));
        volume = await _node.Commands.ResetAsync("demo", key: null, force: false, Forever);
        Assert.Equal(VolumeOptions.AtCreation, volume.Settings);
        var version = volume.Version;
        volume = await _node.Commands.ResetAsync("demo", key: null, force: true, Forever);
        Assert.Equal(VolumeOptions.AtCreation, volume.Settings);
        Assert.Equal(version, volume.Version);
    }

    [RootFact]
    public async Task GetShowsDefaultsAsSuch()
    {
        await _node.CreateAsync("demo", 1);
        await _node.Commands.SetAsync("demo", [new VolumeSetting("user.x", "1")], Forever);
        Assert.Equal([new OptionReport("auth.allow", "*", IsDefault: true)], _node.Commands.Get("demo", "auth.allow"));
        Assert.Equal([new OptionReport("user.x", "1", IsDefault: false)], _node.Commands.Get("demo", "user.x"));
        Assert.Equal(VolumeOptions.All.Count + 1, _node.Commands.Get("demo", key: null).Count);
        Assert.Equal("Did you mean auth.allow?", Assert.Throws<CommandException>(() => _node.Commands.Get("demo", "auth.alow")).Message);
    }

    /// <summary>What a brick process leaves in a directory goes with the mark; what anybody else has there stays.</summary>
    [RootTheory]
    [InlineData(false)]
    [InlineData(true)]
    public void ABrickThatHasServedIsTakenBack(bool hasData)
    {
        var brick = _node.Brick(3);
        var before = BrickDirectory.Look(brick);
        var id = new VolumeId(new Gfid(1, 2));
        BrickDirectory.Mark(brick, id, isSpread: false);
        Directory.CreateDirectory(Path.Combine(brick, ".glusterfs", "00", "00"));
        Sys.PathSetXattr(brick, BrickDirectory.GfidXattr, new Gfid(0, 1).ToArray());
        if (hasData)
        {
            File.WriteAllText(Path.Combine(brick, "data"), "kept");
        }

        BrickDirectory.Unmark(before, id);
        Assert.Null(BrickDirectory.ReadVolumeId(brick, out _));
        Assert.Equal(hasData, Directory.Exists(brick));
        Assert.Equal(hasData, File.Exists(Path.Combine(brick, "data")));
        Assert.False(Directory.Exists(Path.Combine(brick, ".glusterfs")));
        BrickDirectory.Unmark(before, id);
    }

    [Fact]
    public void TakingBackRestoresTheCommitHashThatWasThere()
    {
        var brick = _node.Brick(4);
        var former = new VolumeId(new Gfid(3, 4));
        BrickDirectory.Mark(brick, former, isSpread: true);
        var before = BrickDirectory.Look(brick);
        Assert.NotNull(before.FormerCommitHash);
        var id = new VolumeId(new Gfid(1, 2));
        BrickDirectory.Mark(brick, id, isSpread: true);
        Assert.NotEqual(before, BrickDirectory.Look(brick));
        BrickDirectory.Unmark(before, id);
        Assert.Equal(before, BrickDirectory.Look(brick));
    }

    private static string NotAvailable(string path) =>
        $"Brick: localhost:{path} not available. Brick may be containing or be contained by an existing brick.";

    private static async Task<string> WhyNotAsync(Task command) =>
        (await Assert.ThrowsAsync<CommandException>(() => command)).Message;

    private async Task RefusedAsync(string message, string name, params string[] bricks) => Assert.Equal(
        message, await WhyNotAsync(_node.Commands.CreateAsync(new CreateRequest(name, bricks), Forever)));
}
