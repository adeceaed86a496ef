using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Runtime.Simulation;
using Myrmex.Tests.Wire;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>
/// A process of its own with many protocol/client that send fops of all kinds to a wild server. Every fop must be answered, with whatever;
/// at the end no payload may be held. It ends with 0, or says on its output what went wrong.
/// </summary>
internal static class ClientUnderFire
{
    /// <summary>First word of the command line of the process.</summary>
    public const string Verb = "client-under-fire";

    /// <summary>Graphs with a connection each: a malformed reply costs the connection, and the others go on meanwhile.</summary>
    private const int Graphs = 16;

    private const int SendersPerGraph = 3;
    private const int StuckSeconds = 240;

    private static long _answered;

    /// <summary>Arguments: verb, host, port, seed, number of fops.</summary>
    public static int Run(string[] words)
    {
        Log.WriteTo(Console.Error);
        Log.Level = LogLevel.Warning;
        var seed = ulong.Parse(words[3], CultureInfo.InvariantCulture);
        var count = long.Parse(words[4], CultureInfo.InvariantCulture);
        RandomValues.Known = new KnownValues([Gfid.Root, .. WildRecords.Known], ["a", "b", "c"]);
        using var runtime = new LinuxRuntime();
        var graphs = Enumerable.Range(0, Graphs).Select(_ => Build(runtime, words[1], words[2])).ToList();
        graphs.ForEach(graph => graph.Start());
        var senders = Enumerable.Range(0, Graphs * SendersPerGraph)
            .Select(n => Task.Run(() => SendAllAsync(graphs[n % Graphs], seed + (ulong)n, count)))
            .ToArray();
        if (!AwaitAll(senders, count))
        {
            return 3;
        }

        graphs.ForEach(graph => graph.Stop());
        return CheckMemory() ? 0 : 4;
    }

    private static TranslatorGraph Build(LinuxRuntime runtime, string host, string port) => TranslatorGraph.Build(
        VolfileDocument.Parse($"""
            volume client
                type protocol/client
                option remote-host {host}
                option remote-port {port}
                option remote-subvolume wild
                option frame-timeout 2
                option ping-timeout 5
            end-volume
            """),
        [ClientTranslator.Registration],
        runtime.Seams,
        new GraphOrigin { ProcessName = "campaign" });

    private static bool AwaitAll(Task[] senders, long count)
    {
        var last = -1L;
        var all = Task.WhenAll(senders);
        while (!all.Wait(TimeSpan.FromSeconds(StuckSeconds)))
        {
            var now = Interlocked.Read(ref _answered);
            if (now == last)
            {
                Console.WriteLine($"stuck after {now} of {count} fops");
                return false;
            }

            last = now;
        }

        Console.WriteLine($"{Interlocked.Read(ref _answered)} fops answered");
        return true;
    }

    private static bool CheckMemory()
    {
        for (var i = 0; i < 100 && PayloadPool.Shared.OutstandingBytes != 0; i++)
        {
            Thread.Sleep(100);
        }

        if (PayloadPool.Shared.OutstandingBytes != 0)
        {
            Console.WriteLine($"{PayloadPool.Shared.OutstandingBytes} bytes of payload are held at the end");
        }

        return PayloadPool.Shared.OutstandingBytes == 0;
    }

    private static async Task SendAllAsync(TranslatorGraph graph, ulong seed, long count)
    {
        var random = new SimRandom(seed);
        var senders = FopSender.All();
        var open = new List<Fd>();
        while (Interlocked.Read(ref _answered) < count)
        {
            var error = await senders[random.Below(senders.Count)].SendAsync(graph.Top, random, open);
            if (error == Errno.ENOTCONN)
            {
                await Task.Delay(5); // Thrown out, or sent while not attached: it does not count.
            }
            else
            {
                Interlocked.Increment(ref _answered);
            }
        }
    }

    /// <summary>Sends random fops of one kind.</summary>
    private abstract class FopSender
    {
        public static List<FopSender> All() =>
        [
            .. typeof(StatCodec).Assembly.GetTypes()
                .SelectMany(type => type.GetInterfaces(), (type, face) => (type, face))
                .Where(pair => pair.type.IsValueType && pair.face.IsGenericType
                    && pair.face.GetGenericTypeDefinition() == typeof(IFopCodec<,>))
                .Select(pair => (FopSender)Activator.CreateInstance(
                    typeof(FopSender<,>).MakeGenericType(pair.face.GetGenericArguments()))!),
        ];

        public abstract Task<Errno> SendAsync(Translator top, SimRandom random, List<Fd> open);
    }

    private sealed class FopSender<TFop, TReply> : FopSender
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        private const int OpenMax = 32;

        private static readonly PropertyInfo? FdProperty = typeof(TFop).GetProperty("Fd");

        public override async Task<Errno> SendAsync(Translator top, SimRandom random, List<Fd> open)
        {
            var isOpening = TFop.Code is FopCode.Open or FopCode.Opendir or FopCode.Create;
            var isReleasing = TFop.Code is FopCode.Release or FopCode.Releasedir;
            if ((isOpening && open.Count >= OpenMax) || (isReleasing && open.Count == 0))
            {
                return Errno.Ok;
            }

            object fop = RandomValues.MakeFop<TFop>(random, new NumberedFds());
            if (FdProperty is not null && !isOpening && open.Count > 0)
            {
                FdProperty.SetValue(fop, open[random.Below(open.Count)]);
            }

            var fd = FdProperty?.GetValue(fop) as Fd;
            if (isReleasing)
            {
                open.Remove(fd!);
            }

            var call = Call.Internal(pid: 1);
            var typed = (TFop)fop;
            var reply = await TFop.Invoke(top, in typed, call);
            var error = reply.Error;
            if (isOpening && reply.IsOk)
            {
                open.Add(fd!);
            }

            reply.Release();
            call.Release();
            RandomValues.ReleaseFop(typed);
            return error;
        }
    }
}
