using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features;

/// <summary>Refuses every change with EROFS while its option is on. See README.md.</summary>
public sealed class ReadOnly(TranslatorPlace place) : Uniform<ReadOnlyPolicy>(place, new ReadOnlyPolicy(new ReadOnlyState(place.Options)))
{
    private const string Option = "read-only";

    public static TranslatorRegistration Registration { get; } = new(
        "features/read-only",
        place => new ReadOnly(place),
        [new(Option, OptionKind.Boolean, "off", "Refuse all changes by clients.") { Live = true }],
        Maturity.Preview);

    public override bool Reconfigure(OptionValues options)
    {
        Policy.State.Take(options);
        return true;
    }

    internal sealed class ReadOnlyState
    {
        private bool _isOn;

        public ReadOnlyState(OptionValues options)
        {
            Take(options);
        }

        public bool IsOn => Volatile.Read(ref _isOn);

        public void Take(OptionValues options) => Volatile.Write(ref _isOn, options.Boolean(Option));
    }
}

/// <summary>Lets a fop pass or answers EROFS.</summary>
public readonly struct ReadOnlyPolicy : IFopPolicy
{
    internal ReadOnlyPolicy(ReadOnly.ReadOnlyState state)
    {
        State = state;
    }

    internal ReadOnly.ReadOnlyState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        State.IsOn && call.Pid >= 0 && (TFop.Code.Has(FopTraits.Mutates) || IsOpenForChange(in fop))
            ? new ValueTask<TReply>(TReply.Fail(Errno.EROFS))
            : TFop.Invoke(next, in fop, call);

    private static bool IsOpenForChange<TFop>(in TFop fop)
        where TFop : struct =>
        fop is OpenFop open
        && ((open.Flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly || (open.Flags & OpenFlags.Truncate) != 0);
}
