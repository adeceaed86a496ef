using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Bricks;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>One brick process, kept as the volumes want it, whatever dies in between.</summary>
public sealed class BrickSupervisorTests : IAsyncLifetime
{
    private const long WaitMs = 10_000;

    private readonly FakeNode _node = new();

    private FakeProcesses Processes => _node.Processes;

    public async Task InitializeAsync() => await _node.StartAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [RootFact]
    public async Task NoProcessRunsWithoutAStartedVolume()
    {
        await _node.CreateAsync("demo", 1);
        await _node.Supervisor.RoundAsync(CancellationToken.None);
        Assert.Empty(Processes.Log);
    }

    [RootFact]
    public async Task TheFirstStartedVolumeStartsTheProcessAndTheLastStoppedOneEndsIt()
    {
        await StartedAsync("one", 1, 2);
        await StartedAsync("two", 3);
        Assert.Equal(["start", "hang up"], Processes.Log);
        await _node.Commands.StopAsync("one", force: false, CancellationToken.None);
        Assert.Equal(["start", "hang up", "hang up"], Processes.Log);
        await _node.Commands.StopAsync("two", force: false, CancellationToken.None);
        Assert.Equal("terminate", Processes.Log[^1]);
        Assert.Null(Processes.Running);
        Assert.Equal(string.Empty, await File.ReadAllTextAsync(_node.Options.BrickList));
        Assert.Empty(Directory.EnumerateFiles(_node.Options.VolfileDirectory));
    }

    [RootFact]
    public async Task ADeadProcessIsStartedAgainOnItsPort()
    {
        await StartedAsync("demo", 1);
        var port = Processes.Port;
        Processes.Die();
        await UntilAsync(() => Processes.Starts == 2 && Online(1));
        Assert.Equal(port, Processes.Port);
    }

    [RootFact]
    public async Task APortThatSomeoneElseTookIsGivenUp()
    {
        await StartedAsync("demo", 1);
        var port = Processes.Port;
        _node.Port.CurrentIsTaken = true;
        Processes.Die();
        await UntilAsync(() => Processes.Starts == 2 && Online(1));
        Assert.Equal((port + 1, port + 1), (Processes.Port, _node.Port.Saved));
    }

    [RootFact]
    public async Task AProcessThatKeepsDyingIsStartedEverMoreRarely()
    {
        await StartedAsync("demo", 1);
        Processes.DiesAtStart = true;
        Processes.Die();
        await UntilAsync(() => Processes.Starts == 3);
        // 200 and 400 ms have passed; the next pause is 800.
        await _node.Supervisor.RoundAsync(CancellationToken.None);
        Assert.Equal(3, Processes.Starts);
        Assert.False(Online(1));
        Processes.DiesAtStart = false;
        await UntilAsync(() => Online(1));
    }

    [RootFact]
    public async Task ANewDaemonAdoptsTheRunningProcess()
    {
        await StartedAsync("demo", 1);
        var process = Processes.Running;
        await _node.KillAsync();
        await _node.StartAsync();
        await UntilAsync(() => Online(1));
        Assert.Equal(process, Processes.Running);
        Assert.Equal(1, Processes.Starts);
    }

    [RootFact]
    public async Task ANewDaemonFindsAProcessWhoseNumberWasNotWrittenDown()
    {
        await StartedAsync("demo", 1);
        await _node.KillAsync();
        File.Delete(_node.Options.BrickPidFile);
        await _node.StartAsync();
        await UntilAsync(() => Online(1));
        Assert.Equal(1, Processes.Starts);
        Assert.StartsWith("1001 ", await File.ReadAllTextAsync(_node.Options.BrickPidFile));
    }

    [RootFact]
    public async Task ANewDaemonEndsBricksOfVolumesThatWereStoppedWithoutIt()
    {
        await StartedAsync("demo", 1);
        var volume = _node.Catalog.Find("demo")!;
        await _node.KillAsync();
        await Coordination.StoreAccess.PutAsync(_node.Store, "volume/demo", VolumeJson.ToBytes(volume.With(VolumeStatus.Stopped)));
        await _node.StartAsync();
        await UntilAsync(() => Processes.Running is null);
    }

    [RootFact]
    public async Task WhatTheProcessHasInHandsIsToldThoughItIsNeitherWantedNorServed()
    {
        await StartedAsync("one", 1);
        await StartedAsync("two", 2);
        var volume = _node.Catalog.Find("two")!;
        await _node.KillAsync();
        Processes.IsSlow = true;
        Processes.Broken.Add(_node.Brick(2));
        await Coordination.StoreAccess.PutAsync(_node.Store, "volume/two", VolumeJson.ToBytes(volume.With(VolumeStatus.Stopped)));
        await _node.StartAsync();
        await UntilAsync(() => Processes.Log.Count(l => l == "hang up") >= 2);
        await _node.Supervisor.RoundAsync(CancellationToken.None);
        Assert.Equal([_node.Brick(1), _node.Brick(2)], _node.Supervisor.Run.Bricks.Select(b => b.Path));
        Processes.LetGo();
        await UntilAsync(() => _node.Supervisor.Run.Bricks.Count == 1);
    }

    [RootFact]
    public async Task AProcessThatDoesNotSayWhatItHasInHandsIsAskedByAttaching()
    {
        Processes.IsOfBefore = true;
        await StartedAsync("one", 1);
        await StartedAsync("two", 2);
        Assert.Null(HeldList.Read(_node.Options.BrickList));
        await _node.Commands.StopAsync("two", force: false, CancellationToken.None);
        Assert.Equal([_node.Brick(1)], _node.Supervisor.Run.Bricks.Select(b => b.Path));
    }

    [RootFact]
    public async Task AChangedSettingReachesTheBrick()
    {
        await StartedAsync("demo", 1);
        await _node.Commands.SetAsync("demo", [new VolumeSetting("server.root-squash", "on")], CancellationToken.None);
        await UntilAsync(() => Processes.Log.Count == 2);
        Assert.Equal("hang up", Processes.Log[1]);
        var file = Directory.EnumerateFiles(_node.Options.VolfileDirectory).Single();
        Assert.Contains("option root-squash on", await File.ReadAllTextAsync(file));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
    }

    [RootFact]
    public async Task AClientOptionDoesNotDisturbTheBricks()
    {
        await StartedAsync("demo", 1);
        await _node.Commands.SetAsync("demo", [new VolumeSetting("performance.write-behind", "off")], CancellationToken.None);
        await _node.Supervisor.RoundAsync(CancellationToken.None);
        Assert.Equal(["start"], Processes.Log);
    }

    private async Task StartedAsync(string name, params int[] bricks)
    {
        await _node.CreateAsync(name, bricks);
        await _node.Commands.StartAsync(name, force: false, CancellationToken.None);
    }

    private bool Online(int brick) => _node.Supervisor.StateOf(_node.Brick(brick)).Online;

    private async Task UntilAsync(System.Func<bool> condition) =>
        Assert.True(await _node.Supervisor.WaitAsync(condition, WaitMs, CancellationToken.None));
}
