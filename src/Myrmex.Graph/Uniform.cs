using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>How a translator that treats every fop alike handles one.</summary>
public interface IFopPolicy
{
    ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>;
}

/// <summary>
/// Base of translators that are one policy for all fops (trace, statistics, error injection). The policy is a struct, so the
/// generic call is compiled for it and <c>TFop.Invoke(next, in fop, call)</c> is one ordinary virtual call.
/// </summary>
public abstract partial class Uniform<TPolicy> : Translator
    where TPolicy : struct, IFopPolicy
{
    protected readonly TPolicy Policy;
    private readonly Translator _below;

    protected Uniform(TranslatorPlace place, TPolicy policy)
        : base(place)
    {
        Policy = policy;
        _below = place.Subvolumes.Count > 0 ? place.Subvolumes[0] : this; // A leaf has its own ways down.
    }
}
