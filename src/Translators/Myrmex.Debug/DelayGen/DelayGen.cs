using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>Delays a part of the fops before they reach the subvolume. For tests. See README.md.</summary>
public sealed class DelayGen(TranslatorPlace place) : Uniform<DelayGenPolicy>(place, new DelayGenPolicy(new DelayGenState(place)))
{
    public static TranslatorRegistration Registration { get; } =
        new("debug/delay-gen", place => new DelayGen(place), DelayGenState.Declarations, Maturity.Preview);

    public override bool Reconfigure(OptionValues options)
    {
        Policy.State.Take(options);
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        dump.Put("delayed", Policy.State.DelayedCount);
    }
}

/// <summary>Decides per fop whether it waits.</summary>
public readonly struct DelayGenPolicy : IFopPolicy
{
    internal DelayGenPolicy(DelayGenState state)
    {
        State = state;
    }

    internal DelayGenState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        State.TryDelay(TFop.Code, out var delayMs)
            ? DelayedFop<TFop, TReply>.Start(State.Seams, delayMs, next, in fop, call)
            : TFop.Invoke(next, in fop, call);
}

/// <summary>Options and counters of debug/delay-gen.</summary>
internal sealed class DelayGenState
{
    private const string PercentKey = "delay-percentage";

    private readonly Dice _dice;
    private Settings _settings;
    private long _delayedCount;

    public DelayGenState(TranslatorPlace place)
    {
        Seams = place.Seams;
        _dice = new Dice(place.Seams.Random);
        _settings = Read(place.Options);
    }

    public static IReadOnlyList<OptionDeclaration> Declarations { get; } =
    [
        FopChance.PercentOption(PercentKey, "Share of the enabled fops that are delayed."),
        new("delay-duration", OptionKind.Integer, "100000", "Delay in microseconds; rounded up to milliseconds.")
        {
            Minimum = 1,
            Live = true,
        },
        FopChance.EnableOption("Fops that may be delayed, separated by commas; all when empty."),
    ];

    public Runtime.Seams Seams { get; }

    public long DelayedCount => Volatile.Read(ref _delayedCount);

    public void Take(OptionValues options) => Volatile.Write(ref _settings, Read(options));

    public bool TryDelay(FopCode code, out long delayMs)
    {
        var settings = Volatile.Read(ref _settings);
        delayMs = settings.DelayMs;
        if (!settings.Chance.Strikes(code, _dice))
        {
            return false;
        }

        Interlocked.Increment(ref _delayedCount);
        return true;
    }

    private static Settings Read(OptionValues options) =>
        new(FopChance.Read(options, PercentKey, FopSet.All), (options.Integer("delay-duration") + 999) / 1000);

    private sealed record Settings(FopChance Chance, long DelayMs);
}
