using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// proxy/graph: the way from a door that stays into a graph that is replaced while the door is open. What is opened
/// belongs to the graph that was active then, until it is closed; everything else goes to the one that is active now.
/// </summary>
/// <remarks>
/// The graphs below have slots of their own above those of the door (<see cref="TranslatorGraph.Build"/>), so that both
/// keep what they know of an fd on the same <see cref="Fd"/>.
/// </remarks>
public sealed class GraphSwitch : Uniform<GraphSwitchPolicy>, ILateStarter
{
    /// <summary>
    /// Name of the type in the volume file of a door; only the program that has the graph puts it there.
    /// </summary>
    public const string TypeName = "proxy/graph";

    private readonly GraphHost _host;

    public GraphSwitch(TranslatorPlace place, GraphHost host)
        : base(place, new GraphSwitchPolicy(host))
    {
        _host = host;
    }

    /// <summary>The graph that is active now; null before there is one.</summary>
    public TranslatorGraph? Below => _host.Active?.Graph;

    public static TranslatorRegistration Registration(GraphHost host) =>
        new(TypeName, place => new GraphSwitch(place, host), [], Maturity.Experimental)
        {
            SubvolumesMin = 0,
            SubvolumesMax = 0,
        };

    public override void Start()
    {
        _host.Event += OnEvent;
        _host.Switched += OnSwitched;
        if (_host.Active is { IsUp: true })
        {
            NotifyParents(new GraphEvent(GraphEventKind.ChildUp));
        }
    }

    public override void Stop()
    {
        _host.Event -= OnEvent;
        _host.Switched -= OnSwitched;
    }

    public override void ClientGone(ClientIdentity client)
    {
        foreach (var generation in _host.Running)
        {
            generation.Graph.Top.ClientGone(client);
        }
    }

    public override bool Reconfigure(OptionValues options) => true;

    public override void DumpState(StateDump dump)
    {
        dump.Put("graph", _host.Active?.Id ?? -1);
        dump.Put("graphs.replaced", _host.RetiredCount);
        dump.Put("users", _host.Active?.Users ?? 0);
    }

    private void OnEvent(GraphEvent graphEvent) => NotifyParents(in graphEvent);

    /// <summary>
    /// Nobody hears events of the former graph any more: leases that were set through it have to be known to the new
    /// one.
    /// </summary>
    private void OnSwitched(GraphGeneration generation) =>
        NotifyParents(new GraphEvent(GraphEventKind.LeasesUnsure));
}

/// <summary>Chooses the graph of each fop.</summary>
public readonly struct GraphSwitchPolicy : IFopPolicy
{
    private readonly GraphHost _host;

    internal GraphSwitchPolicy(GraphHost host)
    {
        _host = host;
    }

    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        var fd = TFop.FdOf(in fop);
        if (typeof(TFop) == typeof(ReleaseFop) || typeof(TFop) == typeof(ReleasedirFop))
        {
            return CloseAsync<TFop, TReply>(fop, fd, call);
        }

        if (Opens(in fop) is { } opens)
        {
            return OpenAsync<TFop, TReply>(fop, opens, call);
        }

        var generation = fd?.Generation as GraphGeneration ?? _host.Active;
        if (typeof(TFop) == typeof(CopyFileRangeFop) && fd is not null
            && TFop.SecondFdOf(in fop)?.Generation != fd.Generation)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EXDEV)); // The caller copies by reading and writing.
        }

        return generation is null
            ? new ValueTask<TReply>(TReply.Fail(Errno.ENOTCONN))
            : TFop.Invoke(generation.Graph.Top, in fop, call);
    }

    /// <summary>The fd that a fop opens; null for one that opens none.</summary>
    private static Fd? Opens<TFop>(in TFop fop)
        where TFop : struct =>
        typeof(TFop) == typeof(OpenFop) ? As<TFop, OpenFop>(in fop).Fd
        : typeof(TFop) == typeof(OpendirFop) ? As<TFop, OpendirFop>(in fop).Fd
        : typeof(TFop) == typeof(CreateFop) ? As<TFop, CreateFop>(in fop).Fd
        : null;

    private static ref readonly TWanted As<TFop, TWanted>(in TFop fop)
        where TFop : struct
        where TWanted : struct => ref Unsafe.As<TFop, TWanted>(ref Unsafe.AsRef(in fop));

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> OpenAsync<TFop, TReply>(TFop fop, Fd fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (_host.Active is not { } generation)
        {
            return TReply.Fail(Errno.ENOTCONN);
        }

        generation.AddUser();
        fd.Generation = generation;
        var reply = await TFop.Invoke(generation.Graph.Top, in fop, call);
        if (!reply.IsOk)
        {
            fd.Generation = null;
            generation.RemoveUser();
        }

        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<TReply> CloseAsync<TFop, TReply>(TFop fop, Fd? fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (fd?.Generation is not GraphGeneration generation)
        {
            return TReply.Rent();
        }

        fd.Generation = null;
        var reply = await TFop.Invoke(generation.Graph.Top, in fop, call);
        generation.RemoveUser();
        return reply;
    }
}
