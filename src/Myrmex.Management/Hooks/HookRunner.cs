using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Myrmex.Runtime;

namespace Myrmex.Management.Hooks;

/// <summary>
/// Runs the administrator's programs around commands: executable files whose names begin with S in
/// <c>hooks/1/OP/pre</c> and <c>hooks/1/OP/post</c>, in the order of their names, with GlusterFS' arguments. Those
/// before a command are waited for, those after it run in the background, one command's after the other's. A hook
/// that fails, hangs or cannot be run is logged and stops nothing. Source: GlusterFS hooks, version 1.
/// </summary>
internal sealed class HookRunner : IAsyncDisposable
{
    /// <summary>Commands whose hooks may wait in the background; the oldest is dropped beyond it.</summary>
    private const int WaitingMax = 1_000;

    /// <summary>Characters of a hook's output that are logged.</summary>
    private const int OutputMax = 4_096;

    private readonly string _directory;
    private readonly long _timeLimitMs;
    private readonly IScheduler _scheduler;
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<(HookCall Call, string Phase)> _waiting;
    private readonly Task _loop;

    /// <param name="directory">With a directory for each op.</param>
    /// <param name="timeLimitMs">After which one hook is killed.</param>
    public HookRunner(string directory, IScheduler scheduler, long timeLimitMs = Limits.HookMs)
    {
        _directory = directory;
        _scheduler = scheduler;
        _timeLimitMs = timeLimitMs;
        _waiting = Channel.CreateBounded<(HookCall, string)>(
            new BoundedChannelOptions(WaitingMax) { FullMode = BoundedChannelFullMode.DropOldest },
            dropped => Log.Warning("hooks", "too many hooks wait, those of a command are left out",
                ("op", dropped.Item1.Op), ("volume", dropped.Item1.Volume)));
        _loop = RunWaitingAsync();
    }

    /// <summary>Runs the hooks before a command; ends when all have ended.</summary>
    public Task BeforeAsync(HookCall call, CancellationToken cancellation) => RunAsync(call, "pre", cancellation);

    /// <summary>Lets the hooks after a command run. Does not wait.</summary>
    public void After(HookCall call) => _waiting.Writer.TryWrite((call, "post"));

    /// <summary>Runs a command that worked when it does not throw, with its hooks around it.</summary>
    public async Task<T> AroundAsync<T>(HookCall call, Func<Task<T>> command, CancellationToken cancellation)
    {
        await BeforeAsync(call, cancellation);
        var result = await command();
        After(call);
        return result;
    }

    /// <summary>Ends the hooks that run; those that wait are not run.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
    }

    private async Task RunWaitingAsync()
    {
        try
        {
            await foreach (var (call, phase) in _waiting.Reader.ReadAllAsync(_stop.Token))
            {
                await RunAsync(call, phase, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The daemon ends.
        }
    }

    private async Task RunAsync(HookCall call, string phase, CancellationToken cancellation)
    {
        var arguments = phase == "pre" ? call.Before : call.After;
        foreach (var file in Find(Path.Combine(_directory, call.Op, phase)))
        {
            await RunAsync(file, [$"--volname={call.Volume}", .. arguments], cancellation);
        }
    }

    private static string[] Find(string directory)
    {
        try
        {
            const UnixFileMode AnyExecute =
                UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
            return Directory.Exists(directory)
                ? [.. Directory.GetFiles(directory, "S*").Where(f => (File.GetUnixFileMode(f) & AnyExecute) != 0)
                    .Order(StringComparer.Ordinal)]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Warning("hooks", "hooks cannot be listed", ("directory", directory), ("reason", e.Message));
            return [];
        }
    }

    private async Task RunAsync(string file, string[] arguments, CancellationToken cancellation)
    {
        try
        {
            var start = new ProcessStartInfo(file, arguments)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                WorkingDirectory = "/",
            };
            using var process = Process.Start(start) ?? throw new IOException("it was not started");
            process.StandardInput.Close();
            await WaitAsync(process, file, cancellation);
        }
        catch (Exception e) when (e is IOException or System.ComponentModel.Win32Exception)
        {
            Log.Warning("hooks", "hook cannot be run", ("hook", file), ("reason", e.Message));
        }
    }

    private async Task WaitAsync(Process process, string file, CancellationToken cancellation)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = _scheduler.Schedule(_timeLimitMs, () => over.Cancel());
        var output = new string[2];
        try
        {
            // Both are read at once: a full pipe would stop the hook. A child it leaves behind may hold them open.
            var reads = Task.WhenAll(
                ReadAsync(process.StandardOutput, output, 0, over.Token),
                ReadAsync(process.StandardError, output, 1, over.Token));
            await process.WaitForExitAsync(over.Token);
            await Task.WhenAny(reads, Pauses.WaitAsync(_scheduler, Limits.HookOutputMs, over.Token));
            Report(file, process.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            Log.Warning(
                "hooks", cancellation.IsCancellationRequested ? "hook is ended" : "hook takes too long, it is killed",
                ("hook", file), ("limitMs", _timeLimitMs));
            cancellation.ThrowIfCancellationRequested();
        }
    }

    private static void Report(string file, int code, string[] output)
    {
        var text = string.Join('\n', output.Where(o => !string.IsNullOrWhiteSpace(o))).Trim();
        if (code != 0)
        {
            Log.Warning("hooks", "hook failed", ("hook", file), ("code", code), ("output", text));
        }
        else
        {
            Log.Information("hooks", "hook ran", ("hook", file), ("output", text));
        }
    }

    private static async Task ReadAsync(
        StreamReader reader, string[] output, int index, CancellationToken cancellation)
    {
        var text = new System.Text.StringBuilder();
        var buffer = new char[1_024];
        try
        {
            while (await reader.ReadAsync(buffer, cancellation) is > 0 and var count)
            {
                text.Append(buffer.AsSpan(0, Math.Min(count, OutputMax - text.Length)));
                output[index] = text.ToString();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or ObjectDisposedException)
        {
            // What came until now is enough.
        }
    }
}
