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
    private readonly Lock _guard = new(); // Guards the four fields of intervals; a leaf lock of those who read.
    private IoStatsSnapshot _last = new();
    private long _startedNs;
    private long _intervalStartedNs;
    private int _intervalNumber;
    private string _dumpDirectory = string.Empty;
    private volatile int _mode;

    public IoStatsState(TranslatorPlace place)
    {
        _clock = place.Seams.Clock;
        _workers = place.Seams.Workers;
        _serverBelow = HasServerBelow(place.Subvolumes);
        _startedNs = _intervalStartedNs = NowNs;
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

    public FileFiguresTable Files { get; } = new();

    public OpenCounter Open { get; } = new();

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

    public TReply Count<TReply>(in MeasuredFop fop, TReply reply)
        where TReply : Reply
    {
        if (reply.IsOk && fop.Code is (FopCode.Open or FopCode.Create))
        {
            Open.Opened(_clock);
        }

        if (fop.Mode == IoStatsMode.Off)
        {
            return reply;
        }

        Counters.CountFop(fop.Code, reply.IsOk);
        var tookNs = 0L;
        if ((fop.Mode & IoStatsMode.Latency) != 0)
        {
            tookNs = _clock.MonotonicNs - fop.StartNs;
            Counters.CountLatency(fop.Code, tookNs);
        }

        if (reply.IsOk)
        {
            CountData(in fop, reply, tookNs);
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<TReply> CountLater<TReply>(MeasuredFop fop, ValueTask<TReply> task)
        where TReply : Reply => Count(in fop, await task);

    public IoStatsSnapshot Total()
    {
        lock (_guard)
        {
            var total = Counters.Read();
            total.DurationNs = NowNs - _startedNs;
            return total;
        }
    }

    public IoStatsSnapshot TakeInterval(bool peek)
    {
        lock (_guard)
        {
            var now = Counters.Read();
            var interval = now.Since(_last);
            Counters.ReadExtremes(interval);
            var nowNs = NowNs;
            interval.DurationNs = nowNs - _intervalStartedNs;
            interval.Number = _intervalNumber;
            if (!peek)
            {
                _last = now;
                _intervalStartedNs = nowNs;
                _intervalNumber++;
                Counters.ClearExtremes();
            }

            return interval;
        }
    }

    public void Clear()
    {
        lock (_guard)
        {
            Counters.Clear();
            _last = new IoStatsSnapshot();
            _startedNs = _intervalStartedNs = NowNs;
            _intervalNumber = 0;
        }
    }

    public void ClearTop()
    {
        Files.Clear();
        Open.Clear();
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

    private void CountData(in MeasuredFop fop, Reply reply, long tookNs)
    {
        switch (fop.Code)
        {
            case FopCode.Write:
                Counters.CountWrite(fop.WrittenBytes);
                CountFile(in fop, fop.Gfid, TopKind.Write, fop.WrittenBytes, tookNs);
                break;
            case FopCode.Read when reply is ReadReply read:
                Counters.CountRead(read.Data.Length);
                CountFile(in fop, fop.Gfid, TopKind.Read, read.Data.Length, tookNs);
                break;
            case FopCode.Create when reply is CreateReply create:
                CountFile(in fop, create.Iatt.Gfid, TopKind.Open, 0, 0);
                break;
            case FopCode.Open:
                CountFile(in fop, fop.Gfid, TopKind.Open, 0, 0);
                break;
            case FopCode.Opendir:
                CountFile(in fop, fop.Gfid, TopKind.Opendir, 0, 0);
                break;
            case FopCode.Readdir or FopCode.Readdirp:
                CountFile(in fop, fop.Gfid, TopKind.Readdir, 0, 0);
                break;
        }
    }

    private void CountFile(in MeasuredFop fop, Gfid gfid, TopKind kind, int bytes, long tookNs)
    {
        if ((fop.Mode & IoStatsMode.Counts) != 0)
        {
            Files.Count(in gfid, kind, tookNs > 0 ? bytes * 1000.0 / tookNs : 0, tookNs > 0 ? _clock.WallNs : 0);
        }
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
