using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Graph;

/// <summary>The way from a door that stays into graphs that are replaced.</summary>
public sealed class GraphSwitchTests
{
    private const int DoorSlots = 3;

    private readonly MemoryLoop _loop = new();
    private readonly Dictionary<string, Recorder> _graphs = [];
    private readonly List<GraphEventKind> _told = [];
    private readonly GraphHost _host;
    private readonly GraphSwitch _switch;

    public GraphSwitchTests()
    {
        var seams = new Seams(_loop, new SeededRandom(1), _loop, _loop, new MemoryNetwork(_loop));
        var type = new TranslatorRegistration("test/recorder", Make, [], Maturity.Preview)
        {
            SubvolumesMin = 0,
            SubvolumesMax = 0,
        };
        _host = new GraphHost([type], seams, id => new GraphOrigin { GraphId = id }, DoorSlots);
        var registration = GraphSwitch.Registration(_host);
        _switch = (GraphSwitch)registration.Create(
            TestPlace.For(new ManualTime(), registration, listener: e => _told.Add(e.Kind)));
        _switch.Start();
    }

    [Fact]
    public async Task NothingServesBeforeTheFirstGraph()
    {
        Assert.Equal(Errno.ENOTCONN, (await StatAsync()).Error);
        Assert.Equal(Errno.ENOTCONN, (await OpenAsync(NewFd())).Error);
        Load("a");
        Assert.Equal([GraphEventKind.ChildUp], _told);
        Assert.Equal("a", await WhoAsync());
        Assert.Equal(DoorSlots, _graphs["a"].Slot);
    }

    [Fact]
    public async Task WhatIsOpenStaysInItsGraphAndAllElseGoesToTheNewOne()
    {
        Load("a");
        var fd = NewFd();
        Assert.True((await OpenAsync(fd)).IsOk);
        Load("b");
        Assert.Equal("b", await WhoAsync());
        Assert.Equal("a", await WhoAsync(fd));
        Assert.Equal("b", await WhoAsync(Fd.Anonymous(new Gfid(1, 1))));
        _loop.Advance(GraphHost.DrainMs * 3);
        Assert.False(_graphs["a"].IsStopped);
        (await _switch.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, Call.Rent())).Release();
        Assert.Equal(1, _graphs["a"].Releases);
        _loop.Advance(GraphHost.DrainMs + 1);
        Assert.True(_graphs["a"].IsStopped);
        Assert.False(_graphs["b"].IsStopped);
    }

    /// <summary>What servers say of leases comes by the graph through which those were asked for last.</summary>
    [Fact]
    public void ANewGraphMakesLeasesUnsure()
    {
        Load("a");
        Assert.DoesNotContain(GraphEventKind.LeasesUnsure, _told);
        Load("b");
        Assert.Single(_told, GraphEventKind.LeasesUnsure);
    }

    /// <summary>It has no number yet and will never be released.</summary>
    [Fact]
    public async Task AFailedOpenKeepsNoGraph()
    {
        Load("a");
        _graphs["a"].Fails = true;
        Assert.Equal(Errno.EACCES, (await OpenAsync(NewFd())).Error);
        Load("b");
        _loop.Advance(GraphHost.DrainMs + 1);
        Assert.True(_graphs["a"].IsStopped);
    }

    [Fact]
    public async Task ACopyBetweenGraphsIsLeftToTheCaller()
    {
        Load("a");
        var (one, two) = (NewFd(), NewFd());
        await OpenAsync(one);
        Load("b");
        await OpenAsync(two);
        var fop = new CopyFileRangeFop { Source = one.Gfid, SourceFd = one, Target = two.Gfid, TargetFd = two };
        Assert.Equal(Errno.EXDEV, (await _switch.CopyFileRange(fop, Call.Rent())).Error);
    }

    [Fact]
    public async Task AClientThatLeavesIsToldToAllGraphs()
    {
        Load("a");
        await OpenAsync(NewFd());
        Load("b");
        _switch.ClientGone(new ClientIdentity("c", "a"));
        Assert.Equal((1, 1), (_graphs["a"].Gone, _graphs["b"].Gone));
    }

    private static Fd NewFd() => new(new Gfid(1, 1), OpenFlags.ReadWrite, isDirectory: false, DoorSlots);

    private Recorder Make(TranslatorPlace place) => _graphs[place.Name] = new Recorder(place);

    private void Load(string name)
    {
        _host.Load($"volume {name}\n type test/recorder\nend-volume");
        _graphs[name].Raise(GraphEventKind.ChildUp);
    }

    private Task<StatReply> StatAsync() => _switch.Stat(new StatFop { Gfid = Gfid.Root }, Call.Rent()).AsTask();

    private Task<OpenReply> OpenAsync(Fd fd) => _switch.Open(new OpenFop { Gfid = fd.Gfid, Fd = fd }, Call.Rent()).AsTask();

    private async Task<string> WhoAsync(Fd? fd = null)
    {
        var before = new Dictionary<string, int>();
        foreach (var (name, graph) in _graphs)
        {
            before[name] = graph.Fops;
        }

        var call = Call.Rent();
        Reply reply = fd is null
            ? await StatAsync() : await _switch.Fstat(new FstatFop { Gfid = fd.Gfid, Fd = fd }, call);
        Assert.True(reply.IsOk);
        foreach (var (name, graph) in _graphs)
        {
            if (graph.Fops > before[name])
            {
                return name;
            }
        }

        return "nobody";
    }

    private sealed class Recorder(TranslatorPlace place) : LeafTranslator(place)
    {
        public int Fops { get; private set; }

        public int Releases { get; private set; }

        public int Gone { get; private set; }

        public bool IsStopped { get; private set; }

        public bool Fails { get; set; }

        public override void Stop() => IsStopped = true;

        public override void ClientGone(ClientIdentity client) => Gone++;

        public override ValueTask<StatReply> Stat(in StatFop fop, Call call)
        {
            Fops++;
            return new(StatReply.Rent());
        }

        public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call)
        {
            Fops++;
            return new(FstatReply.Rent());
        }

        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
            new(Fails ? OpenReply.Fail(Errno.EACCES) : OpenReply.Rent());

        public override ValueTask<ReleaseReply> Release(in ReleaseFop fop, Call call)
        {
            Releases++;
            return new(ReleaseReply.Rent());
        }

        public void Raise(GraphEventKind kind) => NotifyParents(new GraphEvent(kind));
    }
}
