using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Debug;

/// <summary>Writes a line per fop to the log: what was asked, the outcome, how long it took. See README.md.</summary>
public sealed class Trace(TranslatorPlace place) : Uniform<TracePolicy>(place, new TracePolicy(new TraceState(place)))
{
    public static TranslatorRegistration Registration { get; } =
        new("debug/trace", place => new Trace(place), TraceState.Declarations, Maturity.Preview);

    public override bool Reconfigure(OptionValues options)
    {
        Policy.State.Take(options);
        return true;
    }
}

/// <summary>Logs the fops that are asked for; the others pass untouched.</summary>
public readonly struct TracePolicy : IFopPolicy
{
    internal TracePolicy(TraceState state)
    {
        State = state;
    }

    internal TraceState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        State.IsTraced(TFop.Code) ? Traced<TFop, TReply>(State, next, fop, call) : TFop.Invoke(next, in fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<TReply> Traced<TFop, TReply>(TraceState state, Translator next, TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var startNs = state.NowNs;

        // The text is made first: names and buffers are borrowed and an fd may be given back by the fop.
        var arguments = FopText.Describe(in fop, withNames: Log.IsOn(LogLevel.Debug));
        var (pid, owner) = (call.Pid, call.LockOwner);
        var reply = await TFop.Invoke(next, in fop, call);
        state.Write(TFop.Code, arguments, pid, owner, reply, (state.NowNs - startNs) / 1000);
        return reply;
    }
}

/// <summary>Options of debug/trace, and its pen.</summary>
internal sealed class TraceState
{
    private readonly string _name;
    private readonly IClock _clock;
    private Settings _settings;

    public TraceState(TranslatorPlace place)
    {
        _name = place.Name;
        _clock = place.Seams.Clock;
        _settings = Read(place.Options);
    }

    public static IReadOnlyList<OptionDeclaration> Declarations { get; } =
    [
        new("include-ops", OptionKind.Text, null, "Fops to trace, separated by commas; all when empty.") { Live = true },
        new("exclude-ops", OptionKind.Text, null, "Fops not to trace, separated by commas.") { Live = true },
        new("log-file", OptionKind.Boolean, "off", "Write at level Information instead of Trace.") { Live = true },
    ];

    public long NowNs => _clock.MonotonicNs;

    public void Take(OptionValues options) => Volatile.Write(ref _settings, Read(options));

    public bool IsTraced(FopCode code)
    {
        var settings = Volatile.Read(ref _settings);
        return settings.Fops.Contains(code) && Log.IsOn(settings.Level);
    }

    public void Write(FopCode code, string arguments, int pid, LkOwner owner, Reply reply, long latencyUs)
    {
        if (Volatile.Read(ref _settings).Level == LogLevel.Information)
        {
            Log.Information(
                "trace", arguments.TrimStart(), ("at", _name), ("fop", code), ("pid", pid), ("owner", owner), ("result", reply.OpRet),
                ("error", reply.Error), ("us", latencyUs));
        }
        else
        {
            Log.Trace(
                "trace", arguments.TrimStart(), ("at", _name), ("fop", code), ("pid", pid), ("owner", owner), ("result", reply.OpRet),
                ("error", reply.Error), ("us", latencyUs));
        }
    }

    private static Settings Read(OptionValues options)
    {
        var include = options.Text("include-ops");
        var fops = include.Length > 0 ? FopSet.Parse(include) : FopSet.All;
        return new Settings(
            fops.Without(FopSet.Parse(options.Text("exclude-ops"))),
            options.Boolean("log-file") ? LogLevel.Information : LogLevel.Trace);
    }

    private sealed record Settings(FopSet Fops, LogLevel Level);
}
