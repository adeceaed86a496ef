using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using Myrmex.Runtime.Linux;

namespace Myrmex.Management.Bricks;

/// <summary>
/// A process, told apart from a later one with the same number by when it started.
/// </summary>
/// <param name="StartTicks">Field 22 of /proc/PID/stat: clock ticks after boot.</param>
/// <param name="BootId">Which boot these ticks count from.</param>
internal readonly record struct ProcessIdentity(int Pid, long StartTicks, string BootId)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Pid} {StartTicks} {BootId}");

    public static bool TryParse(string text, out ProcessIdentity identity)
    {
        var fields = text.Trim().Split(' ');
        identity = default;
        if (fields.Length != 3 || !int.TryParse(fields[0], CultureInfo.InvariantCulture, out var pid)
            || !long.TryParse(fields[1], CultureInfo.InvariantCulture, out var ticks))
        {
            return false;
        }

        identity = new ProcessIdentity(pid, ticks, fields[2]);
        return pid > 0;
    }
}

/// <summary>Starting, finding and signalling processes that outlive this one.</summary>
internal interface IProcessControl
{
    /// <summary>
    /// Starts a process in a session of its own; what it prints goes to the end of <paramref name="outputFile"/>.
    /// </summary>
    ProcessIdentity Start(IReadOnlyList<string> command, string outputFile);

    /// <summary>False also for a zombie.</summary>
    bool IsAlive(ProcessIdentity process);

    void Signal(ProcessIdentity process, int signal);

    /// <summary>A living process that has these two arguments next to each other; null when there is none.</summary>
    ProcessIdentity? Find(string argument, string value);

    /// <summary>The living child of a process whose number is in a file; null when there is none.</summary>
    ProcessIdentity? FindChild(ProcessIdentity parent, string pidFile);
}

/// <summary>Processes of Linux. Source: proc(5).</summary>
internal sealed class LinuxProcessControl : IProcessControl
{
    private const int FieldState = 0; // Counted after the command's closing bracket.
    private const int FieldParent = 1;
    private const int FieldStartTicks = 19;

    private readonly string _bootId = File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();

    public ProcessIdentity Start(IReadOnlyList<string> command, string outputFile)
    {
        // The shell gives the process its own output and input: the daemon's may be a terminal or a pipe that must end
        // with the daemon. setsid keeps a Ctrl-C in the daemon's terminal away from it.
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add("out=\"$1\"; shift; exec setsid \"$@\" </dev/null >>\"$out\" 2>&1");
        start.ArgumentList.Add("sh");
        start.ArgumentList.Add(outputFile);
        foreach (var word in command)
        {
            start.ArgumentList.Add(word);
        }

        using var process = Process.Start(start) ?? throw new IOException("no process was started");
        return TryRead(process.Id, out var identity)
            ? identity
            : throw new IOException($"{command[0]} ended as soon as it was started; see {outputFile}");
    }

    public bool IsAlive(ProcessIdentity process) =>
        process.BootId == _bootId && TryRead(process.Pid, out var now) && now.StartTicks == process.StartTicks;

    public void Signal(ProcessIdentity process, int signal)
    {
        if (IsAlive(process))
        {
            Sys.Kill(process.Pid, signal);
        }
    }

    public ProcessIdentity? Find(string argument, string value)
    {
        var wanted = $"\0{argument}\0{value}\0";
        foreach (var directory in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(directory), CultureInfo.InvariantCulture, out var pid)
                && pid != Environment.ProcessId
                && ReadOrEmpty($"/proc/{pid}/cmdline").Contains(wanted, StringComparison.Ordinal)
                && TryRead(pid, out var identity))
            {
                return identity;
            }
        }

        return null;
    }

    public ProcessIdentity? FindChild(ProcessIdentity parent, string pidFile) =>
        IsAlive(parent) && int.TryParse(ReadOrEmpty(pidFile), CultureInfo.InvariantCulture, out var pid)
        && TryRead(pid, out var child, parent.Pid) ? child : null;

    private static string ReadOrEmpty(string path)
    {
        try
        {
            return File.ReadAllText(path, Encoding.UTF8);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return string.Empty; // The process has ended meanwhile, or is not ours.
        }
    }

    /// <param name="parent">Only as its child; 0 for any.</param>
    private bool TryRead(int pid, out ProcessIdentity identity, int parent = 0)
    {
        identity = default;
        var text = ReadOrEmpty($"/proc/{pid}/stat");
        var fields = text[(text.LastIndexOf(')') + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length <= FieldStartTicks || fields[FieldState] is "Z" or "X"
            || !long.TryParse(fields[FieldStartTicks], CultureInfo.InvariantCulture, out var ticks)
            || (parent != 0 && fields[FieldParent] != parent.ToString(CultureInfo.InvariantCulture)))
        {
            return false;
        }

        identity = new ProcessIdentity(pid, ticks, _bootId);
        return true;
    }
}
