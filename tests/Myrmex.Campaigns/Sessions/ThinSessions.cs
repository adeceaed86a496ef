using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Aha;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Campaigns;

/// <summary>
/// A process of its own with many thin clients of two proxies, each a graph as a mount has it, some with an open file and a lock on it.
/// It takes commands, one a line: <c>touch</c> lets every client do one operation at once, <c>busy SECONDS</c> lets the first
/// one do as many as it can. It answers with a line each.
/// </summary>
internal static class ThinSessions
{
    /// <summary>First word of the command line of the process.</summary>
    public const string Verb = "thin-sessions";

    private const int BeginAtOnce = 64;
    private const int BeginSeconds = 240;

    /// <summary>Arguments: verb, host, two ports, volume, clients, how many of them open a file, name of all files.</summary>
    public static int Run(string[] words)
    {
        Log.WriteTo(Console.Error);
        Log.Level = LogLevel.Error;
        _ = Sys.RaiseDescriptorLimit();
        using var runtime = new LinuxRuntime();
        var count = int.Parse(words[5], CultureInfo.InvariantCulture);
        var open = int.Parse(words[6], CultureInfo.InvariantCulture);
        var sessions = Enumerable.Range(0, count).Select(n => new Session(runtime, words, n < open ? $"{words[7]}-{n}" : null)).ToArray();
        RunAsync(sessions).GetAwaiter().GetResult();
        return 0;
    }

    private static async Task RunAsync(Session[] sessions)
    {
        var clock = Stopwatch.StartNew();
        using (var turns = new SemaphoreSlim(BeginAtOnce))
        {
            var begun = await Task.WhenAll(sessions.Select(s => BeginAsync(s, turns)));
            Say($"ready {clock.ElapsedMilliseconds} ms errors {begun.Count(e => e != Errno.Ok)} {ErrorsOf(begun)}");
        }

        while (await Console.In.ReadLineAsync() is { } line)
        {
            switch (line.Split(' '))
            {
                case ["touch"]:
                    var touched = await Task.WhenAll(sessions.Select(s => Task.Run(s.TouchAsync)));
                    Say($"touched {Times(touched.Select(t => t.Us))} errors {touched.Count(t => t.Error != Errno.Ok)} "
                        + ErrorsOf(touched.Select(t => t.Error)));
                    break;
                case ["busy", var seconds]:
                    Say(await BusyAsync(sessions[0], int.Parse(seconds, CultureInfo.InvariantCulture)));
                    break;
                default:
                    return;
            }
        }
    }

    private static async Task<Errno> BeginAsync(Session session, SemaphoreSlim turns)
    {
        await turns.WaitAsync();
        try
        {
            return await session.BeginAsync(TimeSpan.FromSeconds(BeginSeconds));
        }
        finally
        {
            turns.Release();
        }
    }

    private static async Task<string> BusyAsync(Session session, int seconds)
    {
        var times = new List<long>();
        var errors = 0;
        for (var clock = Stopwatch.StartNew(); clock.Elapsed.TotalSeconds < seconds;)
        {
            var (error, us) = await session.TouchAsync();
            errors += error == Errno.Ok ? 0 : 1;
            times.Add(us);
        }

        return $"busy {Times(times)} errors {errors}";
    }

    /// <summary>Count, and microseconds: median, p99, longest.</summary>
    private static string Times(IEnumerable<long> us)
    {
        long[] sorted = [.. us.Order()];
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{sorted.Length} {sorted[sorted.Length / 2]} {sorted[(sorted.Length - 1) * 99L / 100]} {sorted[^1]}");
    }

    private static string ErrorsOf(IEnumerable<Errno> errors) => string.Join(
        ',', errors.Where(e => e != Errno.Ok).GroupBy(e => e).Select(g => $"{g.Key}:{g.Count()}"));

    private static void Say(string text) => Console.Out.WriteLine(text.TrimEnd());

    /// <summary>One client.</summary>
    private sealed class Session
    {
        private const uint RegularFile = 0x81A4; // 0644

        private readonly TranslatorGraph _graph;
        private readonly TaskCompletionSource _isUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly string? _file;
        private Fd? _fd;

        public Session(LinuxRuntime runtime, string[] words, string? file)
        {
            _file = file;
            var proxies = words[2..4].Select((port, i) => $"""
                volume p{i}
                    type protocol/client
                    option remote-host {words[1]}
                    option remote-port {port}
                    option remote-subvolume gfproxyd-{words[4]}
                    option ping-timeout 2
                    option follows-drain on
                end-volume

                """);
            _graph = TranslatorGraph.Build(
                VolfileDocument.Parse(
                    string.Concat(proxies) + "volume aha\n type cluster/aha\n option local p0\n subvolumes p0 p1\nend-volume\n"),
                [ClientTranslator.Registration, Aha.Registration], runtime.Seams,
                new GraphOrigin { ProcessName = "campaign", ProcessId = Guid.NewGuid().ToString() }, OnEvent); // Clients of their own.
        }

        /// <summary>Attaches, and makes and opens its file.</summary>
        public async Task<Errno> BeginAsync(TimeSpan limit)
        {
            _graph.Start();
            await _isUp.Task.WaitAsync(limit);
            return _file is null ? (await TouchAsync()).Error : await CreateAsync(_file);
        }

        /// <summary>Writes to its file, or looks the root up without one; answers how long that took.</summary>
        public async Task<(Errno Error, long Us)> TouchAsync()
        {
            var began = Stopwatch.GetTimestamp();
            var error = _fd is null ? await LookupAsync() : await WriteAsync(_fd);
            return (error, (long)Stopwatch.GetElapsedTime(began).TotalMicroseconds);
        }

        private async Task<Errno> LookupAsync()
        {
            var call = Call.Internal(pid: 1);
            var reply = await _graph.Top.Lookup(new LookupFop { Gfid = Gfid.Root }, call);
            return End(reply, call);
        }

        private async Task<Errno> WriteAsync(Fd fd)
        {
            var data = Payload.CopyOf("12345678"u8);
            var call = Call.Internal(pid: 1);
            var reply = await _graph.Top.Write(new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = 0, Data = data }, call);
            data.Release();
            return End(reply, call);
        }

        private async Task<Errno> CreateAsync(string name)
        {
            var bytes = Guid.NewGuid().ToByteArray();
            var xdata = XData.Rent();
            xdata.SetGfid("gfid-req"u8, new Gfid(BitConverter.ToUInt64(bytes), BitConverter.ToUInt64(bytes, 8)));
            var fd = new Fd(Gfid.Null, OpenFlags.ReadWrite, isDirectory: false, _graph.SlotCount);
            var call = Call.Internal(pid: 1);
            var reply = await _graph.Top.Create(
                new CreateFop
                {
                    Parent = Gfid.Root,
                    Name = name,
                    Flags = OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive,
                    Mode = RegularFile,
                    Fd = fd,
                    XData = xdata,
                },
                call);
            xdata.Release();
            _fd = reply.IsOk ? fd : null;
            var error = End(reply, call);
            return error == Errno.Ok ? await LockAsync(fd) : error;
        }

        /// <summary>A lock that goes along to every proxy.</summary>
        private async Task<Errno> LockAsync(Fd fd)
        {
            var call = Call.Internal(pid: 1);
            call.LockOwner = LkOwner.From(1);
            var reply = await _graph.Top.Lk(
                new LkFop
                {
                    Gfid = fd.Gfid,
                    Fd = fd,
                    Command = LockCommand.SetLock,
                    Type = LockType.Write,
                    Flock = new Flock(LockType.Write, 0, 0, 1, 1, call.LockOwner),
                },
                call);
            return End(reply, call);
        }

        private static Errno End(Reply reply, Call call)
        {
            var error = reply.Error;
            reply.Release();
            call.Release();
            return error;
        }

        private void OnEvent(GraphEvent graphEvent)
        {
            if (graphEvent.Kind == GraphEventKind.ChildUp)
            {
                _isUp.TrySetResult();
            }
        }
    }
}
