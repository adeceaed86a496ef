using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;
using Myrmex.Base;
using Myrmex.Fuzz.Tests;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Rpc;
using Myrmex.Runtime.Simulation;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>
/// Damaged volume files: many at once in the list of a brick process that serves a good brick too, and one after the other to a mount
/// that is told each time that its volume file has changed.
/// </summary>
internal sealed class VolfilePart(CampaignRun run)
{
    private const int FilesPerReload = 100;
    private const long BoundMiB = 1024;

    private static readonly string[] Words =
        ["volume", "type", "option", "subvolumes", "end-volume", "\n", " ", "\"", "#", "on", "off", "-1", "99999999999", "protocol/client"];

    private readonly string _host = Addresses.NextLoopback();

    /// <summary>Bricks in memory: a damaged path must not become a brick somewhere on this machine.</summary>
    public void FireAtBricks(int reloads)
    {
        var directory = run.Directory;
        var port = Addresses.FreePort(_host);
        var good = directory.Write("good.vol", MemoryBrick("wild"));
        var list = directory.Write("volfiles.list", good + "\n");
        using var child = Child.Start(
            "volfile-brick", directory.Logs, Product.Executable, "brick", "--bind", _host, "--port", $"{port}", "--bricks", list);
        Wait.Until("the brick listens", Limits.Back, () => Addresses.Answers(_host, port), () => child.LogTail());
        using var watch = new ProcessWatch(run, "the brick process with damaged volume files", child.Pid, BoundMiB);
        using var stop = new CancellationTokenSource();
        var honest = new HonestClient(run, _host, port);
        var thread = new Thread(() => honest.Run(stop.Token)) { IsBackground = true };
        thread.Start();
        var random = run.Random(0xF11E);
        directory.Make("volfiles");
        for (var reload = 1; reload <= reloads && child.Running; reload++)
        {
            var paths = Enumerable.Range(0, FilesPerReload)
                .Select(n => directory.Write($"volfiles/{n}.vol", Damage(random, MemoryBrick($"b{reload}-{n}"))))
                .ToList();
            // A marker behind the others tells when all have been looked at: the list is taken in the order of paths.
            var marker = directory.Write($"volfiles/zz{reload}.vol", MemoryBrick($"marker{reload}"));
            File.WriteAllLines(list, [good, .. paths, marker]);
            child.Signal("HUP");
            Wait.Until(
                $"reload {reload} is done",
                Limits.Back,
                () => !child.Running || File.ReadAllText(child.Log).Contains($"zz{reload}.vol", StringComparison.Ordinal),
                () => child.LogTail());
        }

        stop.Cancel();
        thread.Join();
        if (!child.Running)
        {
            run.Fail($"the brick process ended with {child.ExitCode}: {child.LogTail(4)}");
        }

        var log = File.ReadAllLines(child.Log);
        run.Figure(
            "damaged volume files at a brick process",
            $"{reloads * FilesPerReload}: {log.Count(l => l.Contains("brick cannot start", StringComparison.Ordinal))} refused with a reason, "
            + $"{honest.Answers} honest answers meanwhile");
        FailOnErrors(log, "brick cannot start");
    }

    /// <summary>A mount whose volume file changes all the time, mostly into nonsense.</summary>
    public void FireAtMount(int changes)
    {
        var directory = run.Directory;
        using var bricks = new BrickProcess(directory, "live", Bricks.Make(directory.Own(XfsImage.Mount(directory, "livedisk", 1024)).Path, 2));
        var good = Volfiles.Client("live", bricks.Bricks, performance: true);
        var current = good;
        using var server = new FakeServer(_host, 24007, (socket, head, _) => Answer(socket, head, () => Volatile.Read(ref current)));
        using var mount = MyrmexMount.FromServer(directory, "livemnt", _host, "live");
        using var watch = new ProcessWatch(run, "the mount with damaged volume files", mount.Pid, BoundMiB);
        mount.Sh("echo good > file");
        var random = run.Random(0x70FF);
        var fetch = WireSocket.Record(new RpcCall(1, Programs.Callback, Programs.CallbackVersion, Programs.FetchSpec), [], version3: false);
        for (var change = 0; change < changes && mount.Running; change++)
        {
            Volatile.Write(ref current, change % 10 == 9 ? good : Damage(random, good));
            server.Broadcast(fetch);
            Thread.Sleep(random.Below(20));
        }

        Volatile.Write(ref current, good);
        server.Broadcast(fetch);
        var isBack = Wait.Holds(
            Limits.Back, () => !mount.Running || Shell.Run("/", Shell.DefaultLimit, "cat", Path.Combine(mount.Path, "file")).Output == "good\n");
        if (!isBack || !mount.Running)
        {
            run.Fail($"the mount does not work with the good volume file again: {mount.LogTail(5)}");
        }
        else
        {
            mount.Sh("echo more > file2; cat file file2; rm file2");
        }

        var log = File.ReadAllLines(mount.Log);
        run.Figure("damaged volume files at a mount", $"{changes} changes, {log.Count(l => l.Contains("volume file", StringComparison.Ordinal))} lines");
        FailOnErrors(log.Where(l => l.Contains("exception=", StringComparison.Ordinal)), "GraphException");
    }

    private static void Answer(WireSocket socket, RpcCall head, Func<string> volfile)
    {
        var body = head is { Program: Programs.Handshake, Procedure: Programs.GetSpec }
            ? HandshakeCodec.GetSpecReply(Errno.Ok, volfile(), new Dictionary<string, string>())
            : HandshakeCodec.PingReply();
        socket.Send(WireSocket.Reply(head.Xid, body));
    }

    private static string Damage(SimRandom random, string text)
    {
        if (random.Chance(0.5))
        {
            var bytes = Encoding.Latin1.GetBytes(text);
            return Encoding.Latin1.GetString(random.Chance(0.5) ? Mutator.Touch(random, bytes) : Mutator.Mutate(random, bytes, bytes));
        }

        for (var i = 1 + random.Below(3); i > 0; i--)
        {
            text = text.Insert(random.Below(text.Length + 1), Words[random.Below(Words.Length)]);
        }

        return text;
    }

    private static string MemoryBrick(string name) => Volfiles.Brick(name, name, "", Volfiles.Memory);

    private void FailOnErrors(IEnumerable<string> log, string expected)
    {
        foreach (var line in log.Where(l => l.Split(' ', 3) is [_, "E", _] && !l.Contains(expected, StringComparison.Ordinal)).Take(5))
        {
            run.Fail($"an error in the log: {line[..Math.Min(line.Length, 600)]}", $"--only volfile --seed {run.Seed}");
        }
    }
}
