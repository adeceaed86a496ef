using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// What a test run has made outside its own memory: processes, mounts, loop devices, addresses. It lies in a file in the run's
/// directory, so that the next run can take away what a killed run left. Lines: <c>process PID STARTTIME</c>, <c>loop DEVICE</c>,
/// <c>address ADDRESS</c>, <c>namespace NAME</c>; mounts are found in the mount table by the run's directory.
/// </summary>
internal static class Ledger
{
    private static readonly Lock Guard = new();

    /// <summary>Parent of all run directories: what <c>./test</c> names, else a directory that stays the same between runs.</summary>
    public static readonly string Root = Environment.GetEnvironmentVariable("MYRMEX_TEST_RUN") ?? "/tmp/myrmex-interop";

    /// <summary>Directory of this run.</summary>
    public static readonly string Run = Path.Combine(Root, $"run-{Environment.ProcessId}");

    /// <summary>Removes what earlier runs left whose process is gone, and makes this run's directory.</summary>
    public static void Open()
    {
        Directory.CreateDirectory(Root);
        var isAlone = true;
        foreach (var directory in Directory.GetDirectories(Root, "run-*"))
        {
            var owner = int.Parse(Path.GetFileName(directory)["run-".Length..], CultureInfo.InvariantCulture);
            if (owner == Environment.ProcessId || !IsTestHost(owner))
            {
                Clear(directory);
            }
            else
            {
                isAlone = false;
            }
        }

        Directory.CreateDirectory(Run);
        if (isAlone)
        {
            File.Delete(Path.Combine(Root, "pids"));
        }
    }

    /// <summary>Takes away everything this run made.</summary>
    public static void Close() => Clear(Run);

    public static void AddProcess(int pid)
    {
        var started = StartTime(pid);
        Add($"process {pid} {started}");
        lock (Guard)
        {
            // This file ./test reads itself.
            File.AppendAllText(Path.Combine(Root, "pids"), $"{pid} {started}\n");
        }
    }

    public static void AddLoop(string device) => Add($"loop {device}");

    public static void AddAddress(string address) => Add($"address {address}");

    /// <summary>A network namespace; what is in it goes with it.</summary>
    public static void AddNamespace(string name) => Add($"namespace {name}");

    /// <summary>Start time of a process in clock ticks since boot: with the pid it names one process for ever. Empty if it is gone.</summary>
    public static string StartTime(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[19];
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Ends processes that were started with a path of the run directory: what daemons started of their own accord.</summary>
    private static void KillUsersOf(string directory)
    {
        foreach (var process in Directory.GetDirectories("/proc").Where(p => char.IsAsciiDigit(p["/proc/".Length])))
        {
            try
            {
                var pid = int.Parse(Path.GetFileName(process), CultureInfo.InvariantCulture);
                var command = File.ReadAllText(Path.Combine(process, "cmdline"));
                if (pid != Environment.ProcessId && command.Contains(directory + "/", StringComparison.Ordinal))
                {
                    Child.Signal(pid, "KILL");
                }
            }
            catch (IOException)
            {
                // It has ended.
            }
        }
    }

    private static void Add(string line)
    {
        lock (Guard)
        {
            File.AppendAllText(Path.Combine(Run, "ledger"), line + "\n");
        }
    }

    private static bool IsTestHost(int pid)
    {
        try
        {
            var command = File.ReadAllText($"/proc/{pid}/cmdline");
            return command.Contains("Myrmex.Interop.Tests", StringComparison.Ordinal)
                || command.Contains("Myrmex.Campaigns", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static void Clear(string directory)
    {
        var ledger = Path.Combine(directory, "ledger");
        var lines = File.Exists(ledger) ? File.ReadAllLines(ledger).Select(line => line.Split(' ')).ToArray() : [];
        foreach (var line in lines.Where(line => line[0] == "process" && line.Length == 3))
        {
            var pid = int.Parse(line[1], CultureInfo.InvariantCulture);
            if (line[2].Length > 0 && StartTime(pid) == line[2])
            {
                Child.Signal(pid, "KILL");
            }
        }

        KillUsersOf(directory);
        foreach (var mount in Mounts.Below(directory).Reverse())
        {
            Mounts.Unmount(mount);
        }

        foreach (var line in lines.Where(line => line[0] == "loop"))
        {
            Shell.Run("/", Shell.DefaultLimit, "losetup", "-d", line[1]);
        }

        foreach (var line in lines.Where(line => line[0] == "address"))
        {
            Shell.Run("/", Shell.DefaultLimit, "ip", "addr", "del", $"{line[1]}/32", "dev", "lo");
        }

        foreach (var line in lines.Where(line => line[0] == "namespace" && File.Exists($"/run/netns/{line[1]}")))
        {
            Shell.Run("/", Shell.DefaultLimit, "ip", "netns", "del", line[1]);
        }

        if (Mounts.Below(directory).Length == 0)
        {
            Shell.Run("/", Shell.DefaultLimit, "rm", "-rf", "--one-file-system", directory);
        }
        else
        {
            Trace.WriteLine($"still mounted: {string.Join(' ', Mounts.Below(directory))}");
        }
    }
}
