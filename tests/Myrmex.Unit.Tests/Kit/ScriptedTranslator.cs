using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>
/// The bottom of a graph under test: remembers every fop and answers what the script says, success with an empty reply if it
/// says nothing.
/// </summary>
internal sealed class ScriptedTranslator(TranslatorPlace place, Script script) :
    Uniform<ScriptedTranslator.Policy_>(place, new Policy_(script))
{
    public static ScriptedTranslator Create(ManualTime time, out Script script)
    {
        script = new Script();
        return new ScriptedTranslator(TestPlace.For(time, subvolume: new Nothing(TestPlace.For(time))), script);
    }

    internal readonly struct Policy_(Script script) : IFopPolicy
    {
        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            script.Seen.Add((TFop.Code, fop, call.TimeFlags));
            script.OnFop?.Invoke(TFop.Code, call);
            if (script.Hold)
            {
                return script.HoldBack<TReply>(TFop.Code);
            }

            return new ValueTask<TReply>(script.Answer<TReply>(TFop.Code));
        }
    }

    private sealed class Nothing(TranslatorPlace place) : LeafTranslator(place);
}

/// <summary>What a <see cref="ScriptedTranslator"/> saw and does.</summary>
internal sealed class Script
{
    public List<(FopCode Code, object Fop, TimeFlags Times)> Seen { get; } = [];

    public Dictionary<FopCode, Func<Reply>> Answers { get; } = [];

    public Action<FopCode, Call>? OnFop { get; set; }

    /// <summary>Answers wait until the test runs them from <see cref="Held"/>.</summary>
    public bool Hold { get; set; }

    public List<Action> Held { get; } = [];

    public ValueTask<TReply> HoldBack<TReply>(FopCode code)
        where TReply : Reply, IReply<TReply>
    {
        var pending = PendingReply<TReply>.Rent();
        Held.Add(() => pending.Complete(Answer<TReply>(code)));
        return pending.Task;
    }

    public TReply Answer<TReply>(FopCode code)
        where TReply : Reply, IReply<TReply> =>
        Answers.TryGetValue(code, out var make) ? (TReply)make() : TReply.Rent();
}
