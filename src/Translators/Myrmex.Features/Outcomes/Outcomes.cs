using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Outcomes;

/// <summary>
/// features/outcomes: remembers, for as long as the brick process lives, what came of each step of the changes that
/// proxies make for their clients, so that another proxy which asks again gets the first outcome. See README.md.
/// </summary>
public sealed class Outcomes : Uniform<OutcomesPolicy>
{
    public Outcomes(TranslatorPlace place)
        : base(place, new OutcomesPolicy(place))
    {
    }

    public static TranslatorRegistration Registration { get; } =
        new(ChangeRecord.OutcomesType, static place => new Outcomes(place), [], Maturity.Experimental);

    public override bool Reconfigure(OptionValues options) => true;

    public override void DumpState(StateDump dump)
    {
        var counts = Policy.Table.Counts;
        dump.Put("sessions", counts.Sessions);
        dump.Put("outcomes", counts.Outcomes);
        dump.Put("outcome_bytes", counts.Bytes);
        dump.Put("repeats", counts.Repeats);
    }
}

/// <summary>Fops without a change pass as they are.</summary>
public readonly struct OutcomesPolicy : IFopPolicy
{
    private readonly Steps _steps;

    internal OutcomesPolicy(TranslatorPlace place)
    {
        Table = new OutcomeTable(place.Seams.Clock);
        _steps = new Steps(place, Table);
    }

    internal OutcomeTable Table { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply> =>
        TFop.XDataOf(in fop) is { Count: > 0 } xdata && xdata.Contains(ChangeRecord.Key)
            ? _steps.Handle<TFop, TReply>(next, in fop, xdata, call)
            : TFop.Invoke(next, in fop, call);
}
