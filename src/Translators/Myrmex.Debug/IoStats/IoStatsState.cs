using System;
using System.Collections.Generic;
using System.IO;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Debug;

/// <summary>Options, counters and the dump request of debug/io-stats.</summary>
internal sealed class IoStatsState
{
    private readonly IClock _clock;
    private readonly IWorkers _workers;
    private readonly bool _serverBelow;
    private readonly Lock _intervalGuard = new(); // Guards _last; a leaf lock.
    private IoStatsSnapshot _last = new();
    private string _dumpDirectory = string.Empty;
    private volatile int _mode;

    public IoStatsState(TranslatorPlace place)
    {
        _clock = place.Seams.Clock;
        _workers = place.Seams.Workers;
        _serverBelow = HasServerBelow(place.Subvolumes);
        Take(place.Options);
    }

    public static IReadOnlyList<OptionDeclaration> Declarations { get; } =
    [
        new("latency-measurement", OptionKind.Boolean, "off", "Measure how long fops take.") { Live = true },
        new("count-fop-hits", OptionKind.Boolean, "off", "Count fops, errors and bytes.") { Live = true },
        new("ios-dump-directory", OptionKind.Text, "/var/run/gluster", "Directory that asked-for dumps are written to.")
        {
            Live = true,
        },
    ];

    public IoStatsCounters Counters { get; } = new();

    public Translator? Owner { get; set; }

    public IoStatsMode Mode => (IoStatsMode)_mode;

    public long NowNs => _clock.MonotonicNs;

    private static ReadOnlySpan<byte> DumpKey => "trusted.io-stats-dump"u8;

    public void Take(OptionValues options)
    {
        _dumpDirectory = options.Text("ios-dump-directory");
        _mode = (int)((options.Boolean("count-fop-hits") ? IoStatsMode.Counts : IoStatsMode.Off)
            | (options.Boolean("latency-measurement") ? IoStatsMode.Latency : IoStatsMode.Off));
    }

    public TReply Count<TReply>(FopCode code, TReply reply, IoStatsMode mode, long startNs, int writtenBytes)
        where TReply : Reply
    {
        Counters.CountFop(code, reply.IsOk);
        if ((mode & IoStatsMode.Latency) != 0)
        {
            Counters.CountLatency(code, _clock.MonotonicNs - startNs);
        }

        if (code == FopCode.Write && reply.IsOk)
        {
            Counters.CountWrite(writtenBytes);
        }
        else if (code == FopCode.Read && reply is ReadReply { IsOk: true } read)
        {
            Counters.CountRead(read.Data.Length);
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<TReply> CountLater<TReply>(
        FopCode code, ValueTask<TReply> task, IoStatsMode mode, long startNs, int writtenBytes)
        where TReply : Reply => Count(code, await task, mode, startNs, writtenBytes);

    public IoStatsSnapshot TakeInterval()
    {
        var now = Counters.Read();
        lock (_intervalGuard)
        {
            var interval = now.Since(_last);
            _last = now;
            return interval;
        }
    }

    public bool IsDumpRequest(XData? values) => values is not null && values.Contains(DumpKey);

    /// <summary>
    /// Writes the counters to the file the value names, then lets the request go on to a server below, which does the same.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public ValueTask<TReply> Dump<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (call.Uid != 0)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EPERM));
        }

        var values = ((SetxattrFop)(object)fop).Values;
        if (values is null || !values.TryGetBytes(DumpKey, out var name) || name.IsEmpty)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EINVAL));
        }

        // Only the last part of the name is taken: a client must not choose the directory on a server.
        var file = Path.GetFileName(Encoding.UTF8.GetString(name).TrimEnd('\0'));
        if (file is "" or "." or "..")
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EINVAL));
        }

        _workers.Submit(new DumpWork(this, Path.Combine(_dumpDirectory, file)));
        return _serverBelow ? TFop.Invoke(next, in fop, call) : new ValueTask<TReply>(TReply.Rent());
    }

    private static bool HasServerBelow(IEnumerable<Translator> subvolumes)
    {
        foreach (var subvolume in subvolumes)
        {
            if (subvolume.Type == "protocol/client" || HasServerBelow(subvolume.Subvolumes))
            {
                return true;
            }
        }

        return false;
    }

    private sealed class DumpWork(IoStatsState state, string path) : IWork
    {
        public void Run()
        {
            var dump = new StateDump();
            state.Owner?.DumpState(dump);
            try
            {
                File.WriteAllText(path, dump.ToString());
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Log.Warning("io-stats", "cannot write the dump", ("path", path), ("reason", e.Message));
            }
        }
    }
}
