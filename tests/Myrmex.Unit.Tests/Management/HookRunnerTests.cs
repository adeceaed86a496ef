using System;
using System.Diagnostics;
using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Hooks;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// Hooks get GlusterFS' arguments, in the order of their names, and never stop a command. The expected lines were
/// recorded by the same hook below GlusterFS 10.3.
/// </summary>
public sealed class HookRunnerTests : IDisposable
{
    private const string Work = "/var/lib/glusterd";
    private readonly string _root = Directory.CreateTempSubdirectory("myrmex-hooks-").FullName;

    private string LogFile => Path.Combine(_root, "log");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public async Task TheArgumentsAreThoseOfGlusterFS()
    {
        foreach (var op in new[] { "create", "set", "reset", "start", "add-brick", "stop", "delete" })
        {
            Add(op, "pre", "S50", $"echo {op} pre $* >> {LogFile}");
            Add(op, "post", "S50", $"echo {op} post $* >> {LogFile}");
        }

        await using var runner = new HookRunner(_root, RealTime.Seams.Scheduler);
        HookCall[] calls =
        [
            HookCall.Create("v"),
            HookCall.Set("v", [new VolumeSetting("a.b", "1"), new VolumeSetting("c.d", "x")], Work),
            HookCall.Reset("all", Work),
            HookCall.Start("v", started: 0, isStarted: false, Work),
            HookCall.Start("v", started: 1, isStarted: true, Work),
            HookCall.AddBrick("v", Work),
            HookCall.Stop("v", started: 1, isStarted: true),
            HookCall.Stop("v", started: 0, isStarted: false),
            HookCall.Delete("v"),
        ];
        foreach (var call in calls)
        {
            await runner.AroundAsync(call, () => Task.FromResult(0), CancellationToken.None);
            await LinesAsync(2 * (Array.IndexOf(calls, call) + 1));
        }

        Assert.Equal(
            [
                "create pre --volname=v",
                "create post --volname=v",
                $"set pre --volname=v -o a.b=1 c.d=x --gd-workdir={Work}",
                $"set post --volname=v -o a.b=1 c.d=x --gd-workdir={Work}",
                $"reset pre --volname=all --version=1 --volume-op=reset --gd-workdir={Work}",
                $"reset post --volname=all --version=1 --volume-op=reset --gd-workdir={Work}",
                $"start pre --volname=v --first=yes --version=1 --volume-op=start --gd-workdir={Work}",
                $"start post --volname=v --first=yes --version=1 --volume-op=start --gd-workdir={Work}",
                $"start pre --volname=v --first=no --version=1 --volume-op=start --gd-workdir={Work}",
                $"start post --volname=v --first=yes --version=1 --volume-op=start --gd-workdir={Work}",
                $"add-brick pre --volname=v --version=1 --volume-op=add-brick --gd-workdir={Work}",
                $"add-brick post --volname=v --version=1 --volume-op=add-brick --gd-workdir={Work}",
                "stop pre --volname=v --last=yes",
                "stop post --volname=v --last=yes",
                "stop pre --volname=v --last=no",
                "stop post --volname=v --last=yes",
                "delete pre --volname=v",
                "delete post --volname=v",
            ],
            await File.ReadAllLinesAsync(LogFile));
    }

    [Fact]
    public async Task OnlyExecutableFilesThatBeginWithSRunInOrder()
    {
        Add("create", "pre", "S20", $"echo second >> {LogFile}");
        Add("create", "pre", "S10", $"echo first >> {LogFile}; exit 7");
        Add("create", "pre", "K10", $"echo wrong >> {LogFile}");
        Add("create", "pre", "S15", $"echo wrong >> {LogFile}", isExecutable: false);
        await using var runner = new HookRunner(_root, RealTime.Seams.Scheduler);
        await runner.BeforeAsync(HookCall.Create("v"), CancellationToken.None);
        Assert.Equal(["first", "second"], await File.ReadAllLinesAsync(LogFile));
    }

    [Fact]
    public async Task AHookThatHangsIsKilledAndTheCommandGoesOn()
    {
        Add("create", "pre", "S10", "sleep 100");
        Add("create", "pre", "S20", $"echo next >> {LogFile}");
        await using var runner = new HookRunner(_root, RealTime.Seams.Scheduler, timeLimitMs: 200);
        var watch = Stopwatch.StartNew();
        Assert.Equal(5, await runner.AroundAsync(
            HookCall.Create("v"), () => Task.FromResult(5), CancellationToken.None));
        Assert.InRange(watch.ElapsedMilliseconds, 200, 20_000);
        Assert.Equal(["next"], await File.ReadAllLinesAsync(LogFile));
    }

    [Fact]
    public async Task AChildThatAHookLeavesBehindHoldsNothingUp()
    {
        Add("create", "pre", "S10", "sleep 30 & exit 0");
        await using var runner = new HookRunner(_root, RealTime.Seams.Scheduler);
        var watch = Stopwatch.StartNew();
        await runner.BeforeAsync(HookCall.Create("v"), CancellationToken.None);
        Assert.InRange(watch.ElapsedMilliseconds, 0, 15_000);
    }

    [Fact]
    public async Task HooksAfterACommandAreNotWaitedForAndNotRunForOneThatFailed()
    {
        Add("create", "post", "S10", $"sleep 0.3; echo done >> {LogFile}");
        await using var runner = new HookRunner(_root, RealTime.Seams.Scheduler);
        await Assert.ThrowsAsync<InvalidOperationException>(() => runner.AroundAsync<int>(
            HookCall.Create("v"), () => throw new InvalidOperationException(), CancellationToken.None));
        await runner.AroundAsync(HookCall.Create("v"), () => Task.FromResult(0), CancellationToken.None);
        Assert.False(File.Exists(LogFile));
        await LinesAsync(1);
        await Task.Delay(500);
        Assert.Equal(["done"], await File.ReadAllLinesAsync(LogFile));
    }

    private async Task LinesAsync(int count)
    {
        for (var i = 0; i < 500; i++)
        {
            if (File.Exists(LogFile) && (await File.ReadAllLinesAsync(LogFile)).Length >= count)
            {
                return;
            }

            await Task.Delay(20);
        }

        Assert.Fail($"{count} lines were expected");
    }

    private void Add(string op, string phase, string name, string script, bool isExecutable = true)
    {
        var directory = Directory.CreateDirectory(Path.Combine(_root, op, phase)).FullName;
        var file = Path.Combine(directory, name);
        File.WriteAllText(file, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(
            file, UnixFileMode.UserRead | (isExecutable ? UnixFileMode.UserExecute : UnixFileMode.None));
    }
}
