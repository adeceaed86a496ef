using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Upcall;

/// <summary>
/// features/upcall: remembers for a while which clients have looked at an inode, and tells them when another one has
/// changed it. See README.md. Source: features/upcall of GlusterFS, callback CACHE_INVALIDATION.
/// </summary>
public sealed class Upcall : Uniform<UpcallPolicy>
{
    private const string IsOnOption = "cache-invalidation";
    private const string TimeoutOption = "cache-invalidation-timeout";

    public Upcall(TranslatorPlace place)
        : base(place, new UpcallPolicy(new UpcallState(place.Seams)))
    {
        Policy.State.Tell = Tell;
        Take(place.Options);
    }

    public static TranslatorRegistration Registration { get; } = new(
        "features/upcall",
        static place => new Upcall(place),
        [
            new(IsOnOption, OptionKind.Boolean, "off", "Tell clients what others have changed.") { Live = true },
            new(TimeoutOption, OptionKind.Integer, "60", "Seconds that they are told after they have looked.")
            { Live = true, Minimum = 0, Maximum = int.MaxValue },
        ],
        Maturity.Experimental);

    public override bool Reconfigure(OptionValues options)
    {
        Take(options);
        return true;
    }

    /// <summary>What is told from below, of a brick behind a proxy, is for all who have looked here.</summary>
    public override void Notify(in GraphEvent graphEvent, Translator source)
    {
        if (graphEvent.Kind == GraphEventKind.Invalidate && Policy.State.IsOn)
        {
            Policy.State.Table.Changed(
                graphEvent.Gfid, graphEvent.Flags, by: null, Seams.Clock.MonotonicNs);
            return;
        }

        base.Notify(in graphEvent, source);
    }

    public override void DumpState(StateDump dump)
    {
        dump.Put("on", Policy.State.IsOn ? 1 : 0);
        dump.Put("inodes", Policy.State.Table.Count);
        dump.Put("changes", Policy.State.Table.Changes);
        dump.Put("told", Policy.State.Table.Told);
    }

    private void Tell(ClientIdentity client, Gfid gfid, uint flags) => NotifyParents(
        new GraphEvent(GraphEventKind.Invalidate, gfid, flags)
        {
            Only = client,
            Seconds = (uint)(Policy.State.Table.TimeoutNs / 1_000_000_000),
        });

    private void Take(OptionValues options)
    {
        Policy.State.Table.TimeoutNs = options.Integer(TimeoutOption) * 1_000_000_000;
        Policy.State.IsOn = options.Boolean(IsOnOption);
        if (!Policy.State.IsOn)
        {
            Policy.State.Table.Clear();
        }
    }
}

/// <summary>What features/upcall knows.</summary>
internal sealed class UpcallState
{
    private bool _isOn;

    public UpcallState(Runtime.Seams seams)
    {
        Seams = seams;
        Table = new InterestTable((client, gfid, flags) => Tell!(client, gfid, flags)); // Set before the first fop.
    }

    public Runtime.Seams Seams { get; }

    public InterestTable Table { get; }

    public System.Action<ClientIdentity, Gfid, uint>? Tell { get; set; }

    public bool IsOn
    {
        get => Volatile.Read(ref _isOn);
        set => Volatile.Write(ref _isOn, value);
    }
}

/// <summary>Notes looks before they are done, and tells of changes before they are answered.</summary>
public readonly struct UpcallPolicy : IFopPolicy
{
    /// <summary>IPC by which md-cache says which extended attributes it keeps. Source: GF_IPC_TARGET_UPCALL.</summary>
    private const int IpcTarget = 2;

    internal UpcallPolicy(UpcallState state)
    {
        State = state;
    }

    internal UpcallState State { get; }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (!State.IsOn)
        {
            return TFop.Invoke(next, in fop, call);
        }

        if (fop is IpcFop { Operation: IpcTarget })
        {
            return new ValueTask<TReply>(TReply.Rent()); // All are told of.
        }

        var touched = Touched.By(in fop);
        return touched.Count == 0 ? TFop.Invoke(next, in fop, call)
            : HandleAsync<TFop, TReply>(next, fop, touched, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> HandleAsync<TFop, TReply>(
        Translator next, TFop fop, Touched touched, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var table = State.Table;
        var client = call.Client; // Null for what the server does itself.
        var nowNs = State.Seams.Clock.MonotonicNs;
        var since = table.Changes;
        for (var i = 0; client is not null && i < touched.Count; i++)
        {
            table.Look(touched[i].Gfid, client, nowNs);
        }

        var victim = touched.Victim.Parent.IsNull ? Gfid.Null
            : await FindAsync(next, touched.Victim.Parent, touched.Victim.Name, call);
        var reply = await TFop.Invoke(next, in fop, call);
        nowNs = State.Seams.Clock.MonotonicNs;
        for (var i = 0; i < touched.Count; i++)
        {
            if (touched[i].Flags != 0)
            {
                table.Changed(touched[i].Gfid, touched[i].Flags, client, nowNs); // Errors may have changed a part.
            }
            else if (client is not null)
            {
                table.Seen(touched[i].Gfid, client, since, wasEntered: true, nowNs);
            }
        }

        if (!victim.IsNull)
        {
            table.Changed(victim, UpcallFlags.OfLink, client, nowNs);
        }

        if (reply.IsOk)
        {
            Learn<TFop, TReply>(in fop, reply, touched.AnswerFlags, client, since, nowNs);
        }

        return reply;
    }

    /// <summary>What the answer shows.</summary>
    private void Learn<TFop, TReply>(
        in TFop fop, TReply reply, uint flags, ClientIdentity? client, long since, long nowNs)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (reply is ReaddirpReply { Entries: { } entries })
        {
            for (var i = 0; client is not null && i < entries.Count; i++)
            {
                if (entries[i].Iatt.Gfid is { IsNull: false } gfid)
                {
                    State.Table.Seen(gfid, client, since, wasEntered: false, nowNs);
                }
            }

            return;
        }

        var shown = reply switch
        {
            LookupReply r => r.Iatt.Gfid,
            CreateReply r => r.Iatt.Gfid,
            MkdirReply r => r.Iatt.Gfid,
            MknodReply r => r.Iatt.Gfid,
            SymlinkReply r => r.Iatt.Gfid,
            RenameReply r => r.Iatt.Gfid,
            PutReply r => r.Iatt.Gfid,
            _ => Gfid.Null,
        };
        if (shown.IsNull)
        {
            return;
        }

        if (flags != 0)
        {
            State.Table.Changed(shown, flags, client, nowNs);
        }

        if (client is not null)
        {
            State.Table.Seen(shown, client, flags != 0 ? State.Table.Changes : since, wasEntered: false, nowNs);
        }
    }

    /// <summary>
    /// The inode that loses a name; null when there is none, or when nobody has looked at anything. One that comes to
    /// the name in between is not told of: who keeps it has looked within that moment.
    /// </summary>
    private async ValueTask<Gfid> FindAsync(Translator next, Gfid parent, Name name, Call call)
    {
        if (State.Table.Count == 0)
        {
            return Gfid.Null;
        }

        var reply = await next.Lookup(new LookupFop { Parent = parent, Name = name }, call);
        var gfid = reply.IsOk ? reply.Iatt.Gfid : Gfid.Null;
        reply.Release();
        return gfid;
    }
}
