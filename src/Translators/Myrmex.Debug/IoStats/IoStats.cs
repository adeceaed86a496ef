using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>
/// Counts fops, errors, bytes and latencies of what passes by. With both measurements off a fop passes at the cost of one
/// comparison; only open files are counted always. See README.md.
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

    /// <summary>Fops are counted.</summary>
    public bool Counting => Policy.State.Mode != IoStatsMode.Off;

    /// <summary>Open files; counted also when nothing else is.</summary>
    public OpenFigures OpenFiles => Policy.State.Open.Read();

    /// <summary>What was counted since the start.</summary>
    public IoStatsSnapshot Total() => Policy.State.Total();

    /// <summary>What was counted since the last call of this method that did not only peek.</summary>
    public IoStatsSnapshot Interval(bool peek = false) => Policy.State.TakeInterval(peek);

    /// <summary>Starts counting from zero.</summary>
    public void Clear() => Policy.State.Clear();

    /// <summary>
    /// The files with the largest figure, largest first; of those used last, see <c>FileFiguresTable</c>.
    /// </summary>
    public List<FileFigures> Top(TopKind kind, int count) => Policy.State.Files.Top(kind, count);

    /// <summary>Forgets the figures of files and the largest number of open ones.</summary>
    public void ClearTop() => Policy.State.ClearTop();

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        dump.Put("open-files.current", OpenFiles.Current);
        dump.Put("open-files.max", OpenFiles.Max);
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

        if (typeof(TFop) == typeof(ReleaseFop))
        {
            State.Open.Closed();
        }

        var mode = State.Mode;
        if (mode == IoStatsMode.Off && typeof(TFop) != typeof(OpenFop) && typeof(TFop) != typeof(CreateFop))
        {
            return TFop.Invoke(next, in fop, call);
        }

        var measured = new MeasuredFop(TFop.Code, mode, (mode & IoStatsMode.Latency) != 0 ? State.NowNs : 0)
        {
            Gfid = (mode & IoStatsMode.Counts) != 0 ? GfidOf(in fop) : default,
            WrittenBytes = typeof(TFop) == typeof(WriteFop) ? As<TFop, WriteFop>(in fop).Data.Length : 0,
        };
        var task = TFop.Invoke(next, in fop, call);
        return task.IsCompletedSuccessfully
            ? new ValueTask<TReply>(State.Count(in measured, Result(task)))
            : State.CountLater<TReply>(measured, task);
    }

    /// <summary>The file that a fop is about, for fops that are counted by file.</summary>
    private static Gfid GfidOf<TFop>(in TFop fop)
        where TFop : struct =>
        typeof(TFop) == typeof(ReadFop) ? As<TFop, ReadFop>(in fop).Fd.FileOf(As<TFop, ReadFop>(in fop).Gfid)
            : typeof(TFop) == typeof(WriteFop) ? As<TFop, WriteFop>(in fop).Fd.FileOf(As<TFop, WriteFop>(in fop).Gfid)
            : typeof(TFop) == typeof(OpenFop) ? As<TFop, OpenFop>(in fop).Gfid
            : typeof(TFop) == typeof(OpendirFop) ? As<TFop, OpendirFop>(in fop).Gfid
            : typeof(TFop) == typeof(ReaddirFop)
                ? As<TFop, ReaddirFop>(in fop).Fd.FileOf(As<TFop, ReaddirFop>(in fop).Gfid)
            : typeof(TFop) == typeof(ReaddirpFop)
                ? As<TFop, ReaddirpFop>(in fop).Fd.FileOf(As<TFop, ReaddirpFop>(in fop).Gfid)
            : default;

    /// <summary>The fop as what it is; only where its type has been looked at.</summary>
    private static ref readonly TTo As<TFrom, TTo>(in TFrom fop) => ref Unsafe.As<TFrom, TTo>(ref Unsafe.AsRef(in fop));

#pragma warning disable VSTHRD002 // The task is complete.
    private static TReply Result<TReply>(ValueTask<TReply> task) => task.Result;
#pragma warning restore VSTHRD002
}

/// <summary>A fop under way that is counted when it ends.</summary>
/// <param name="StartNs">When it came; 0 when its latency is not measured.</param>
internal readonly record struct MeasuredFop(FopCode Code, IoStatsMode Mode, long StartNs)
{
    public Gfid Gfid { get; init; }

    public int WrittenBytes { get; init; }
}

/// <summary>What is measured.</summary>
[Flags]
internal enum IoStatsMode
{
    Off = 0,
    Counts = 1,
    Latency = 2,
}
