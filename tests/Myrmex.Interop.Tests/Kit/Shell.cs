using System;
using System.Diagnostics;
using System.Text;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>What a finished command left.</summary>
internal sealed record CommandResult(string Command, int ExitCode, string Output, string Error)
{
    public override string ToString() => $"{Command}\nexit code {ExitCode}\n--- output\n{Tail(Output)}\n--- error\n{Tail(Error)}";

    private static string Tail(string text) => text.Length <= 4000 ? text : "..." + text[^4000..];
}

/// <summary>Runs commands with a time limit. A command on a mount that hangs cannot always be killed; the wait ends all the same.</summary>
internal static class Shell
{
    public static readonly TimeSpan DefaultLimit = TimeSpan.FromSeconds(60);

    /// <summary>Exit code of a command that was killed because its time ran out.</summary>
    public const int TimedOut = -1;

    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(2);

    /// <summary>Runs the program and returns what it left, whatever its exit code.</summary>
    public static CommandResult Run(string directory, TimeSpan limit, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(Machine.Find(program) ?? program)
        {
            WorkingDirectory = "/",
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        // The child changes into the directory, not the runtime: the parent would hang with it on a dead mount.
        if (directory != "/")
        {
            start.FileName = "/bin/bash";
            start.ArgumentList.Add("-c");
            start.ArgumentList.Add("cd \"$0\" && exec \"$@\"");
            start.ArgumentList.Add(directory);
            start.ArgumentList.Add(program);
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["TZ"] = "UTC";
        return Finish(start, limit, $"{program} {string.Join(' ', arguments)}");
    }

    /// <summary>Runs the program; an exit code other than 0 fails the test.</summary>
    /// <returns>Standard output.</returns>
    public static string Check(string directory, string program, params string[] arguments) =>
        Succeed(Run(directory, DefaultLimit, program, arguments));

    /// <summary>Runs a bash script that stops at its first failing command.</summary>
    public static CommandResult Bash(string directory, string script, TimeSpan? limit = null) =>
        Run(directory, limit ?? DefaultLimit, "/bin/bash", "-euo", "pipefail", "-c", script);

    /// <summary>Runs a bash script; an exit code other than 0 fails the test.</summary>
    /// <returns>Standard output.</returns>
    public static string CheckBash(string directory, string script, TimeSpan? limit = null) =>
        Succeed(Bash(directory, script, limit));

    public static string Succeed(CommandResult result) =>
        result.ExitCode == 0 ? result.Output : throw new HarnessException(result.ToString());

    private static CommandResult Finish(ProcessStartInfo start, TimeSpan limit, string title)
    {
        using var process = Process.Start(start) ?? throw new HarnessException($"cannot start {start.FileName}");
        using var ended = new CountdownEvent(2);
        var output = new StringBuilder();
        var error = new StringBuilder();
        process.OutputDataReceived += (_, line) => Collect(output, line.Data, ended);
        process.ErrorDataReceived += (_, line) => Collect(error, line.Data, ended);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        process.StandardInput.Close();
        var exited = process.WaitForExit(limit);
        if (!exited)
        {
            process.Kill(entireProcessTree: true);
        }

        // A grandchild may hold the pipe for ever (a daemon started by the command): wait a little, then go on.
        ended.Wait(DrainLimit);
        var note = exited ? "" : $"\n(killed after {limit.TotalSeconds:0} s)";
        lock (output)
        {
            lock (error)
            {
                return new CommandResult(title, exited ? process.ExitCode : TimedOut, output.ToString(), error + note);
            }
        }
    }

    private static void Collect(StringBuilder text, string? line, CountdownEvent ended)
    {
        if (line is null)
        {
            try
            {
                ended.Signal();
            }
            catch (ObjectDisposedException)
            {
                // The wait was given up.
            }

            return;
        }

        lock (text)
        {
            text.Append(line).Append('\n');
        }
    }
}
