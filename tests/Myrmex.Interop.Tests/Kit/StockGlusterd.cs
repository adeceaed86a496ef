using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A private stock glusterd with its own address and directories, and the bricks it starts.</summary>
internal sealed class StockGlusterd : VolumeServer
{
    private readonly TestDirectory _directory;
    private readonly Child _child;

    public StockGlusterd(TestDirectory directory)
        : base(Addresses.NextRouted())
    {
        _directory = directory;
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

    private string Socket => _directory["gd.sock"];

    public override void StartVolume(string volume, int bricks)
    {
        Gluster($"volume start {volume}");
        Wait.Until($"{bricks} bricks run", StartLimit, () => BrickPids(volume).Count == bricks, () => _child.LogTail());
        foreach (var pid in BrickPids(volume))
        {
            Ledger.AddProcess(pid);
        }
    }

    /// <summary>Runs the stock command line against this daemon.</summary>
    public override CommandResult Run(string command) => Shell.Run(
        "/",
        Shell.DefaultLimit,
        "gluster",
        [.. new[] { "--mode=script", $"--glusterd-sock={Socket}", $"--log-file={_directory["log/cli.log"]}" }, .. command.Split(' ')]);

    /// <summary>Processes of the volume's bricks that live.</summary>
    public override List<int> BrickPids(string volume) => PidsBelow(_directory[$"run/gluster/vols/{volume}"]);

    public override void Dispose()
    {
        var pids = PidsBelow(_directory["run/gluster"]);
        _child.Dispose();
        EndAll(pids);
    }

    private static List<int> PidsBelow(string directory) =>
        !Directory.Exists(directory)
            ? []
            : [.. Directory.EnumerateFiles(directory, "*.pid", SearchOption.AllDirectories).Select(ReadPid).Where(Alive)];
}
