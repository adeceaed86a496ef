using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// A management daemon with an address and directories of its own, and the bricks it starts: Myrmex' or the stock one. Both take the
/// same commands, so a test of what clients see can run against either; MYRMEX_INTEROP_SERVER=stock runs them all against the stock
/// one, which checks the tests.
/// </summary>
internal abstract class VolumeServer(string host) : IDisposable
{
    protected static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    /// <summary>Address for clients; volume files come from its port 24007.</summary>
    public string Host { get; } = host;

    public static VolumeServer Start(TestDirectory directory) =>
        Environment.GetEnvironmentVariable("MYRMEX_INTEROP_SERVER") == "stock" ? new StockGlusterd(directory) : new MyrmexDaemon(directory);

    /// <summary>Creates and starts a distribute volume over these directories.</summary>
    public void CreateVolume(string volume, IReadOnlyCollection<string> paths, params string[] options)
    {
        Gluster($"volume create {volume} {string.Join(' ', paths.Select(p => $"{Host}:{p}"))} force");
        foreach (var option in options)
        {
            Gluster($"volume set {volume} {option}");
        }

        StartVolume(volume, paths.Count);
    }

    /// <summary>Starts a volume and waits for its bricks.</summary>
    public abstract void StartVolume(string volume, int bricks);

    /// <summary>Stops the volume and waits until its bricks serve no more.</summary>
    public void StopVolume(string volume)
    {
        Gluster($"volume stop {volume} force");
        Wait.Until("the bricks have ended", StartLimit, () => BrickPids(volume).Count == 0);
    }

    /// <summary>Runs a gluster command line against this daemon; failure fails the test.</summary>
    public string Gluster(string command) => Shell.Succeed(Run(command));

    public abstract CommandResult Run(string command);

    /// <summary>Processes that serve the volume's bricks and live.</summary>
    public abstract List<int> BrickPids(string volume);

    /// <summary>kill -9 of the processes that serve the volume's bricks.</summary>
    public void KillBricks(string volume)
    {
        foreach (var pid in BrickPids(volume))
        {
            Child.Signal(pid, "KILL");
        }
    }

    public abstract void Dispose();

    protected static int ReadPid(string file) =>
        File.Exists(file) && int.TryParse(File.ReadAllText(file).Split(' ', '\n')[0], CultureInfo.InvariantCulture, out var pid) ? pid : 0;

    protected static bool Alive(int pid)
    {
        try
        {
            return pid > 0 && !File.ReadAllText($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>TERM, and KILL after five seconds.</summary>
    protected static void EndAll(IReadOnlyCollection<int> pids)
    {
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
}
