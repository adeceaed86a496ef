using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>How the proxy dies.</summary>
public enum CutKind
{
    /// <summary>The step has its effect, its answer is lost, and nothing more is sent.</summary>
    AnswerLost,

    /// <summary>The step is not sent either.</summary>
    NotSent,

    /// <summary>The step is on its way for long; nothing more is sent.</summary>
    Late,
}

/// <summary>One proxy: its connections to all bricks, which can be cut at a step.</summary>
internal sealed class ProxyState
{
    private int _all;

    public ClientIdentity Identity { get; } = new("proxy", "test");

    /// <summary>Which change of the volume is the last one that leaves the proxy, from 1; 0 for no cut.</summary>
    public int CutAt { get; set; }

    public CutKind Kind { get; set; }

    public bool IsCut { get; private set; }

    /// <summary>Changes of the volume that were sent.</summary>
    public int Sent { get; private set; }

    /// <summary>The step that is on its way for long.</summary>
    public Func<Task>? Held { get; private set; }

    /// <summary>Asked before each fop that leaves the proxy, with its place among them, from 1.</summary>
    public Func<int, Task>? BeforeFop { get; set; }

    /// <summary>The bricks, which hear that the proxy is gone.</summary>
    public List<Translator> Bricks { get; } = [];

    public List<string> Trace { get; } = [];

    public Task NextAsync() => BeforeFop?.Invoke(++_all) ?? Task.CompletedTask;

    /// <summary>True when this change is the last one.</summary>
    public bool IsLast() => ++Sent == CutAt;

    public void Hold(Func<Task> held) => Held = held;

    public void Cut()
    {
        IsCut = true;
        foreach (var brick in Bricks)
        {
            brick.ClientGone(Identity);
        }
    }
}

/// <summary>
/// The connection of a proxy to a brick: steps of changes carry their record as protocol/client sends it, and the brick
/// knows the caller by the connection alone.
/// </summary>
internal readonly struct ChangeWirePolicy(ProxyState proxy, Seams seams) : IFopPolicy
{
    public async ValueTask<TReply> Handle<TFop, TReply>(Translator next, TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (proxy.IsCut)
        {
            return TReply.Fail(Errno.ENOTCONN);
        }

        var sent = Call.Rent();
        sent.CopyIdentityFrom(call);
        sent.Change = default;
        sent.Client = proxy.Identity;
        var changes = TFop.Code.Has(FopTraits.Mutates);
        XData? xdata = null;
        if (!call.Change.IsNone && (changes || typeof(TFop) == typeof(InodelkFop) || typeof(TFop) == typeof(EntrylkFop)))
        {
            xdata = TFop.XDataOf(in fop) is { } request ? request.Clone() : XData.Rent();
            ChangeRecord.Write(xdata, call.Change, seams.Clock.MonotonicNs);
            fop = TFop.WithXData(in fop, xdata);
        }

        await proxy.NextAsync();
        if (changes)
        {
            proxy.Trace.Add($"{next.Name} {TFop.Code} {call.Change.Label:x} run {call.Change.Run:x}");
        }

        if (changes && proxy.IsLast() && proxy.Kind != CutKind.AnswerLost)
        {
            var copy = Owned(TFop.WithXData(in fop, TFop.XDataOf(in fop)?.Clone()));
            proxy.Hold(async () => (await TFop.Invoke(next, in copy, sent)).Release());
            proxy.Cut();
            return TReply.Fail(Errno.ENOTCONN);
        }

        var isLast = changes && proxy.Sent == proxy.CutAt;
        var reply = await TFop.Invoke(next, in fop, sent);
        sent.Release();
        xdata?.Release();
        if (isLast)
        {
            proxy.Cut();
            reply.Release();
            return TReply.Fail(Errno.ENOTCONN);
        }

        return proxy.IsCut ? Lost(reply) : reply;
    }

    ValueTask<TReply> IFopPolicy.Handle<TFop, TReply>(Translator next, in TFop fop, Call call) =>
        Handle<TFop, TReply>(next, fop, call);

    /// <summary>What a fop borrows besides its xdata lives as long as the late step.</summary>
    private static TFop Owned<TFop>(TFop fop)
        where TFop : struct
    {
        return fop switch
        {
            SetxattrFop set => (TFop)(object)(set with { Values = set.Values?.Clone() }),
            XattropFop add => (TFop)(object)(add with { Values = add.Values?.Clone() }),
            WriteFop write => (TFop)(object)(write with { Data = Payload.CopyOf(write.Data.Span) }),
            _ => fop,
        };
    }

    private static TReply Lost<TReply>(TReply reply)
        where TReply : Reply, IReply<TReply>
    {
        reply.Release();
        return TReply.Fail(Errno.ENOTCONN);
    }
}

internal sealed class ChangeWire(TranslatorPlace place, ProxyState proxy)
    : Uniform<ChangeWirePolicy>(place, new ChangeWirePolicy(proxy, place.Seams));
