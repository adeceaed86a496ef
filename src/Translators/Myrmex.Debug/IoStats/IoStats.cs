using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>
/// Counts fops, errors, bytes and latencies of what passes by. With both measurements off a fop passes at the cost of one
/// comparison. See README.md.
/// </summary>
public sealed class IoStats : Uniform<IoStatsPolicy>
{
    public IoStats(TranslatorPlace place)
        : base(place, new IoStatsPolicy(new IoStatsState(place)))
    {
        Policy.State.Owner = this;
    }

    public static TranslatorRegistration Registration { get; } =
        new("debug/io-stats", place => new IoStats(place), IoStatsState.Declarations, Maturity.Preview);

    public override bool Reconfigure(OptionValues options)
    {
        Policy.State.Take(options);
        return true;
    }

    /// <summary>What was counted since the start.</summary>
    public IoStatsSnapshot Total() => Policy.State.Counters.Read();

    /// <summary>What was counted since the last call of this method.</summary>
    public IoStatsSnapshot Interval() => Policy.State.TakeInterval();

    /// <summary>Starts counting from zero.</summary>
    public void Clear() => Policy.State.Counters.Clear();

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        Total().Write(dump);
    }
}

/// <summary>Measures a fop when asked to.</summary>
public readonly struct IoStatsPolicy : IFopPolicy
{
    internal IoStatsPolicy(IoStatsState state)
    {
        State = state;
    }

    internal IoStatsState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (typeof(TFop) == typeof(SetxattrFop) && State.IsDumpRequest(((SetxattrFop)(object)fop).Values))
        {
            return State.Dump<TFop, TReply>(next, in fop, call);
        }

        var mode = State.Mode;
        if (mode == IoStatsMode.Off)
        {
            return TFop.Invoke(next, in fop, call);
        }

        var startNs = (mode & IoStatsMode.Latency) != 0 ? State.NowNs : 0;
        var writtenBytes = typeof(TFop) == typeof(WriteFop) ? WrittenBytes(in fop) : 0;
        var task = TFop.Invoke(next, in fop, call);
        return task.IsCompletedSuccessfully
            ? new ValueTask<TReply>(State.Count(TFop.Code, Result(task), mode, startNs, writtenBytes))
            : State.CountLater<TReply>(TFop.Code, task, mode, startNs, writtenBytes);
    }

    private static int WrittenBytes<TFop>(in TFop fop)
        where TFop : struct => ((WriteFop)(object)fop).Data.Length;

#pragma warning disable VSTHRD002 // The task is complete.
    private static TReply Result<TReply>(ValueTask<TReply> task) => task.Result;
#pragma warning restore VSTHRD002
}

/// <summary>What is measured.</summary>
[Flags]
internal enum IoStatsMode
{
    Off = 0,
    Counts = 1,
    Latency = 2,
}
