using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary><c>myrmex daemon</c> with its own address and working directory, and the brick process it supervises.</summary>
internal sealed class MyrmexDaemon : VolumeServer
{
    private readonly TestDirectory _directory;
    private readonly string _name;
    private readonly int _brickPort;
    private readonly string[] _arguments;
    private Child? _child;

    public MyrmexDaemon(TestDirectory directory, string name = "myrmexd", params string[] arguments)
        : base(Addresses.NextLoopback())
    {
        _directory = directory;
        _name = name;
        _arguments = arguments;
        _brickPort = Addresses.FreePort("0.0.0.0");
        WorkingDirectory = directory.Make(name);
        Start();
    }

    public string WorkingDirectory { get; }

    private string BrickList => $"{WorkingDirectory}/bricks.list";

    public int BrickPid => ReadPid($"{WorkingDirectory}/brick.pid");

    /// <summary>The process that serves thin clients; 0 when there is none.</summary>
    public int ProxyPid => ReadPid($"{WorkingDirectory}/proxy-worker.pid");

    /// <summary>The launcher of that one; 0 when there is none.</summary>
    public int ProxyLauncherPid => ReadPid($"{WorkingDirectory}/proxy.pid");

    /// <param name="more">Arguments of this run alone.</param>
    public void Start(params string[] more)
    {
        string[] arguments =
        [
            "daemon", "--foreground", "--working-directory", WorkingDirectory, "--bind", Host, "--http", "0",
            "--brick-port", Addresses.Text(_brickPort), .. _arguments, .. more,
        ];
        _child = Child.Start(_name == "myrmexd" ? "daemon" : _name, _directory.Logs, Product.Executable, arguments);
        var child = _child;
        Wait.Until(
            "the daemon answers", StartLimit, () => !child.Running || Run("volume list").ExitCode == 0, () => child.LogTail());
        if (!child.Running)
        {
            throw new HarnessException($"the daemon ended with {child.ExitCode}\n{child.LogTail()}");
        }
    }

    /// <summary>Ends the daemon; its bricks go on.</summary>
    public void Stop() => _child?.Stop();

    /// <summary>kill -9 of the daemon; its bricks go on.</summary>
    public void Kill() => _child?.Kill();

    public override void StartVolume(string volume, int bricks)
    {
        Gluster($"volume start {volume}");
        Wait.Until("the brick process runs", StartLimit, () => BrickPids(volume).Count > 0, () => _child?.LogTail() ?? "");
        Ledger.AddProcess(BrickPid);
    }

    public override CommandResult Run(string command) => Shell.Run(
        "/",
        Shell.DefaultLimit,
        "env",
        [$"MYRMEX_WORKDIR={WorkingDirectory}", Product.Executable, "gluster", "--mode=script", .. command.Split(' ')]);

    /// <summary>The one brick process, as long as it serves bricks of the volume: its list names their volume files.</summary>
    public override List<int> BrickPids(string volume) =>
        BrickPid is var pid && Alive(pid)
        && File.Exists(BrickList) && File.ReadAllText(BrickList).Contains($"/volfiles/{volume}.", StringComparison.Ordinal) ? [pid] : [];

    public override void Dispose()
    {
        int[] served = [BrickPid, ProxyLauncherPid];
        _child?.Dispose();
        EndAll([.. served.Where(pid => pid > 0)]);
    }
}
