using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A process that runs until it is stopped. Its output goes to a log file, and it is written into the <see cref="Ledger"/>.</summary>
internal sealed class Child : IDisposable
{
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private bool _disposed;

    private Child(Process process, string name, string log)
    {
        _process = process;
        Name = name;
        Log = log;
        Pid = process.Id;
    }

    public string Name { get; }

    public string Log { get; }

    public int Pid { get; }

    public bool Running => !_disposed && !_process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Starts the program with its output appended to <c>DIRECTORY/NAME.log</c>.</summary>
    public static Child Start(string name, string directory, string program, params string[] arguments)
    {
        Directory.CreateDirectory(directory);
        var log = Path.Combine(directory, name + ".log");
        var start = new ProcessStartInfo("/bin/bash") { WorkingDirectory = directory, RedirectStandardInput = true };
        foreach (var word in new[] { "-c", "exec \"$@\" >> \"$0\" 2>&1", log, program }.Concat(arguments))
        {
            start.ArgumentList.Add(word);
        }

        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["PATH"] = Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin";
        var process = Process.Start(start) ?? throw new HarnessException($"cannot start {program}");
        Ledger.AddProcess(process.Id);
        return new Child(process, name, log);
    }

    /// <summary>kill -9, and waits for the end: what a crash looks like.</summary>
    public void Kill()
    {
        if (Running)
        {
            Signal(Pid, "KILL");
        }

        _process.WaitForExit(StopLimit);
    }

    public void Signal(string signal) => Signal(Pid, signal);

    /// <summary>Ends the process: TERM, then KILL after five seconds.</summary>
    /// <returns>False when it had to be killed.</returns>
    public bool Stop()
    {
        if (!Running)
        {
            return true;
        }

        Signal(Pid, "TERM");
        if (_process.WaitForExit(StopLimit))
        {
            return true;
        }

        Kill();
        return false;
    }

    public bool WaitForExit(TimeSpan limit) => _process.WaitForExit(limit);

    /// <summary>The last lines of the log, for messages.</summary>
    public string LogTail(int lines = 25) => TailOf(Log, lines);

    public static string TailOf(string file, int lines = 25) =>
        File.Exists(file) ? $"--- {file}\n{string.Join('\n', File.ReadAllLines(file).TakeLast(lines))}" : $"--- {file}: none";

    public static void Signal(int pid, string signal)
    {
        if (pid <= 0)
        {
            throw new HarnessException($"{signal}: there is no such process"); // 0 would be this one and all of its group.
        }

        Shell.Run("/", StopLimit, "kill", "-s", signal, pid.ToString(CultureInfo.InvariantCulture));
    }

    public void Dispose()
    {
        if (!_disposed)
        {
            Stop();
            _disposed = true; // Not before: what is disposed counts as not running, and would be left alone.
            _process.Dispose();
        }
    }
}
