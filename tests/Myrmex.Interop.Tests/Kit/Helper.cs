using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A python helper of <c>Helpers/</c> that talks by lines: a second process, with its own files, locks and way to die.</summary>
internal sealed class Helper : IDisposable
{
    private readonly Process _process;
    private Task<string?>? _reading;
    private bool _disposed;

    private Helper(Process process)
    {
        _process = process;
    }

    public int Pid => _process.Id;

    public static string PathOf(string script) => Path.Combine(AppContext.BaseDirectory, "Helpers", script);

    public static Helper Start(string script, params string[] arguments) =>
        StartProgram(Machine.Find("python3") ?? "python3", [PathOf(script), .. arguments]);

    /// <summary>Any program that talks by lines.</summary>
    public static Helper StartProgram(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program)
        {
            WorkingDirectory = "/",
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        var process = Process.Start(start) ?? throw new HarnessException($"cannot start {program}");
        Ledger.AddProcess(process.Id);
        return new Helper(process);
    }

    /// <summary>Sends a command and returns its answer.</summary>
    public string Ask(string command, TimeSpan? limit = null)
    {
        Tell(command);
        return Answer(limit ?? TimeSpan.FromSeconds(20)) ?? throw new HarnessException($"no answer to '{command}'");
    }

    /// <summary>Sends a command whose answer is fetched later.</summary>
    public void Tell(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
    }

    /// <summary>The next line, or null when none came in time; the wait can be taken up again.</summary>
    public string? Answer(TimeSpan limit)
    {
        _reading ??= _process.StandardOutput.ReadLineAsync();
        if (!_reading.Wait(limit))
        {
            return null;
        }

        var line = _reading.GetAwaiter().GetResult() ?? throw new HarnessException($"helper {Pid} has ended");
        _reading = null;
        return line;
    }

    /// <summary>Ends the helper's input: it is to stop.</summary>
    public void End() => _process.StandardInput.Close();

    /// <summary>Ends the helper's input and returns its last line.</summary>
    public string Finish(TimeSpan limit)
    {
        End();
        return Answer(limit) ?? throw new HarnessException($"helper {Pid} does not end");
    }

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit(TimeSpan.FromSeconds(5));
    }

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
