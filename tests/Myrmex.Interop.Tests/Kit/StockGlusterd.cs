using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A private stock glusterd with its own address and directories, and the bricks it starts.</summary>
internal sealed class StockGlusterd : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly TestDirectory _directory;
    private readonly Child _child;

    public StockGlusterd(TestDirectory directory)
    {
        _directory = directory;
        Host = Addresses.NextRouted();
        directory.Make("glusterd");
        directory.Make("run/gluster");
        _child = Child.Start(
            "glusterd",
            directory.Logs,
            "glusterd",
            "-N",
            "--xlator-option",
            $"management.working-directory={directory["glusterd"]}",
            "--xlator-option",
            $"management.run-directory={directory["run/gluster"]}",
            "--xlator-option",
            $"management.transport.socket.bind-address={Host}",
            "--xlator-option",
            $"management.glusterd-sockfile={Socket}",
            "--xlator-option",
            $"management.logging-directory={directory.Logs}",
            "-l",
            "/dev/stdout",
            "--pid-file",
            directory["glusterd.pid"]);
        Wait.Until("glusterd answers", StartLimit, () => Run("volume list").ExitCode == 0, () => _child.LogTail());
    }

    public string Host { get; }

    private string Socket => _directory["gd.sock"];

    /// <summary>Creates and starts a distribute volume over these directories.</summary>
    public void CreateVolume(string volume, IEnumerable<string> paths, params string[] options)
    {
        var bricks = paths.ToList();
        Gluster($"volume create {volume} {string.Join(' ', bricks.Select(p => $"{Host}:{p}"))} force");
        foreach (var option in options)
        {
            Gluster($"volume set {volume} {option}");
        }

        StartVolume(volume, bricks.Count);
    }

    public void StartVolume(string volume, int bricks)
    {
        Gluster($"volume start {volume}");
        Wait.Until($"{bricks} bricks run", StartLimit, () => BrickPids(volume).Count == bricks, () => _child.LogTail());
        foreach (var pid in BrickPids(volume))
        {
            Ledger.AddProcess(pid);
        }
    }

    /// <summary>Stops the volume and waits until its brick processes are gone.</summary>
    public void StopVolume(string volume)
    {
        Gluster($"volume stop {volume} force");
        Wait.Until("the bricks have ended", StartLimit, () => BrickPids(volume).Count == 0);
    }

    /// <summary>Runs the stock command line against this daemon; failure fails the test.</summary>
    public string Gluster(string command) => Shell.Succeed(Run(command));

    public CommandResult Run(string command) => Shell.Run(
        "/",
        Shell.DefaultLimit,
        "gluster",
        [.. new[] { "--mode=script", $"--glusterd-sock={Socket}", $"--log-file={_directory["log/cli.log"]}" }, .. command.Split(' ')]);

    /// <summary>Processes of the volume's bricks that live.</summary>
    public List<int> BrickPids(string volume) => PidsBelow(_directory[$"run/gluster/vols/{volume}"]);

    public void Dispose()
    {
        var pids = PidsBelow(_directory["run/gluster"]);
        _child.Dispose();
        foreach (var pid in pids.Where(Alive))
        {
            Child.Signal(pid, "TERM");
        }

        if (!Wait.Holds(TimeSpan.FromSeconds(5), () => !pids.Any(Alive)))
        {
            foreach (var pid in pids.Where(Alive))
            {
                Child.Signal(pid, "KILL");
            }
        }
    }

    private static List<int> PidsBelow(string directory) =>
        !Directory.Exists(directory)
            ? []
            : [.. Directory.EnumerateFiles(directory, "*.pid", SearchOption.AllDirectories).Select(ReadPid).Where(Alive)];

    private static int ReadPid(string file) =>
        int.TryParse(File.ReadAllText(file).Trim(), CultureInfo.InvariantCulture, out var pid) ? pid : 0;

    private static bool Alive(int pid) => pid > 0 && Directory.Exists($"/proc/{pid}") && Ledger.StartTime(pid).Length > 0 && !Zombie(pid);

    private static bool Zombie(int pid)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return true;
        }
    }
}
