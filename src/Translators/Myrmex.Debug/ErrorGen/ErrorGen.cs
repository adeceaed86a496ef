using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Debug;

/// <summary>Fails a part of the fops before they reach the subvolume. For tests. See README.md.</summary>
public sealed class ErrorGen(TranslatorPlace place) : Uniform<ErrorGenPolicy>(place, new ErrorGenPolicy(new ErrorGenState(place)))
{
    public static TranslatorRegistration Registration { get; } =
        new("debug/error-gen", place => new ErrorGen(place), ErrorGenState.Declarations, Maturity.Preview);

    public override bool Reconfigure(OptionValues options)
    {
        Policy.State.Take(options);
        return true;
    }

    public override void DumpState(StateDump dump)
    {
        dump.Section(Type, Name);
        dump.Put("failed", Policy.State.FailedCount);
    }
}

/// <summary>Decides per fop whether it fails.</summary>
public readonly struct ErrorGenPolicy : IFopPolicy
{
    internal ErrorGenPolicy(ErrorGenState state)
    {
        State = state;
    }

    internal ErrorGenState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        State.TryFail(TFop.Code, out var error)
            ? new ValueTask<TReply>(TReply.Fail(error))
            : TFop.Invoke(next, in fop, call);
}
