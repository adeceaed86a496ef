using System.Collections.Generic;
using System.Linq;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Graph;

/// <summary>The live switch of a process' graph.</summary>
public sealed class GraphHostTests
{
    private readonly MemoryLoop _loop = new();
    private readonly List<Probe> _probes = [];
    private readonly List<int> _switches = [];
    private readonly List<GraphEventKind> _events = [];
    private readonly GraphHost _host;

    public GraphHostTests()
    {
        var seams = new Seams(_loop, new SeededRandom(1), _loop, _loop, new MemoryNetwork(_loop));
        _host = new GraphHost(
            [
                new TranslatorRegistration("test/probe", Make, [new OptionDeclaration("number", OptionKind.Integer, "1", "A number.")],
                    Maturity.Preview) { SubvolumesMin = 0 },
            ],
            seams,
            id => new GraphOrigin { GraphId = id });
        _host.Switched += generation => _switches.Add(generation.Id);
        _host.Event += e => _events.Add(e.Kind);
    }

    [Fact]
    public void TheFirstGraphServesAtOnceAndReportsWhenItIsUp()
    {
        _host.Load(File("a"));
        Assert.Equal(0, _host.Active!.Id);
        Assert.False(_host.Active.IsUp);
        _probes[0].Raise(GraphEventKind.ChildUp);
        Assert.True(_host.Active.IsUp);
        Assert.Equal([GraphEventKind.ChildUp], _events);
        Assert.Empty(_switches);
    }

    [Fact]
    public void ChangedOptionsAreTakenInPlace()
    {
        _host.Load(File("a"));
        var active = _host.Active;
        _host.Load(File("a", "live", "2"));
        Assert.Same(active, _host.Active);
        Assert.Equal("2", _probes[0].Live);
        Assert.Contains("option.live=2", active!.Graph.Dump());
        Assert.Single(_probes);
    }

    [Fact]
    public void ANewShapeTakesOverWhenItIsUpAndTheOldGraphStopsAfterItsLastUser()
    {
        _host.Load(File("a"));
        _probes[0].Raise(GraphEventKind.ChildUp);
        var old = _host.Active!;
        old.AddUser();
        _host.Load(File("b"));
        Assert.Same(old, _host.Active);
        Assert.Equal(0, _probes[0].Stops);
        _probes[1].Raise(GraphEventKind.ChildUp);
        Assert.Equal(1, _host.Active!.Id);
        Assert.Equal([1], _switches);
        Assert.Equal(1, _host.RetiredCount);
        _loop.Advance(60_000);
        Assert.Equal(0, _probes[0].Stops);

        // Events of a graph that has been replaced concern nobody any more.
        _events.Clear();
        _probes[0].Raise(GraphEventKind.ChildDown);
        Assert.Empty(_events);
        old.RemoveUser();
        _loop.Advance(GraphHost.DrainMs - 1);
        Assert.Equal(0, _probes[0].Stops);
        _loop.Advance(2);
        Assert.Equal(1, _probes[0].Stops);
        Assert.Equal(0, _host.RetiredCount);
    }

    [Fact]
    public void AReplacedGraphThatIsUsedAgainWhileItDrainsIsNotStopped()
    {
        _host.Load(File("a"));
        _host.Load(File("b"));
        var old = _host.Active!;
        _probes[1].Raise(GraphEventKind.ChildUp);
        _loop.Advance(GraphHost.DrainMs / 2);
        old.AddUser();
        _loop.Advance(GraphHost.DrainMs * 3);
        Assert.Equal(0, _probes[0].Stops);
        old.RemoveUser();
        _loop.Advance(GraphHost.DrainMs + 1);
        Assert.Equal(1, _probes[0].Stops);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("volume a\n type test/unknown\nend-volume")]
    [InlineData("volume a\n type test/probe\n option number x\nend-volume")]
    public void AFileThatCannotWorkLeavesTheRunningGraph(string file)
    {
        _host.Load(File("a"));
        _probes[0].Raise(GraphEventKind.ChildUp);
        var active = _host.Active;
        Assert.Throws<GraphException>(() => _host.Load(file));
        Assert.Same(active, _host.Active);
        Assert.True(active!.IsUp);
        Assert.Equal(0, _probes[0].Stops);
    }

    [Fact]
    public void ABadValueInOneVolumeChangesNoneOfTheOthers()
    {
        _host.Load("volume a\n type test/probe\nend-volume\nvolume b\n type test/probe\n subvolumes a\nend-volume");
        Assert.Throws<GraphException>(() => _host.Load(
            "volume a\n type test/probe\n option live 5\nend-volume\n"
            + "volume b\n type test/probe\n option number x\n subvolumes a\nend-volume"));
        Assert.Equal("", _probes[0].Live);
    }

    [Fact]
    public void AGraphThatCannotStartIsForgotten()
    {
        Assert.Throws<GraphException>(() => _host.Load(File("a", "fail", "1")));
        Assert.Null(_host.Active);
        _host.Load(File("a"));
        Assert.NotNull(_host.Active);
        Assert.Throws<GraphException>(() => _host.Load(File("b", "fail", "1")));
        Assert.Equal("a", _host.Active.Graph.Top.Name);
        _host.Load(File("c"));
        _probes[^1].Raise(GraphEventKind.ChildUp);
        Assert.Equal("c", _host.Active.Graph.Top.Name);
    }

    [Fact]
    public void GoingBackToTheRunningFileDropsTheGraphThatWasToReplaceIt()
    {
        _host.Load(File("a"));
        _probes[0].Raise(GraphEventKind.ChildUp);
        _host.Load(File("b"));
        _host.Load(File("a"));
        Assert.Equal(1, _probes[1].Stops);
        _probes[1].Raise(GraphEventKind.ChildUp);
        Assert.Equal("a", _host.Active!.Graph.Top.Name);
        Assert.Empty(_switches);
    }

    [Fact]
    public void ANewerFileReplacesAGraphThatNeverCameUp()
    {
        _host.Load(File("a"));
        _host.Load(File("b"));
        _host.Load(File("c"));
        Assert.Equal(1, _probes[1].Stops);
        _probes[1].Raise(GraphEventKind.ChildUp);
        Assert.Equal("a", _host.Active!.Graph.Top.Name);
        _probes[2].Raise(GraphEventKind.ChildUp);
        Assert.Equal("c", _host.Active!.Graph.Top.Name);
    }

    [Fact]
    public void AnOptionThatNeedsANewGraphGetsOneAndAFailedAttemptIsMadeGood()
    {
        _host.Load(File("a"));
        _host.Load(File("a", "rebuild", "1"));
        Assert.Equal(2, _probes.Count);
        _host.Load(File("a"));
        Assert.Equal(1, _probes[1].Stops);
        Assert.Equal(2, _probes[0].Reconfigurations);
    }

    [Fact]
    public void StoppingStopsEveryGraphOnceAndNothingTakesOverAfterwards()
    {
        _host.Load(File("a"));
        _host.Load(File("b"));
        _host.Active!.AddUser();
        _probes[1].Raise(GraphEventKind.ChildUp);
        _host.Load(File("c"));
        _host.Stop();
        _host.Stop();
        Assert.Equal([1, 1, 1], _probes.Select(p => p.Stops));
        _probes[2].Raise(GraphEventKind.ChildUp);
        Assert.Equal([1], _switches);
        _loop.Advance(60_000);
        Assert.Equal([1, 1, 1], _probes.Select(p => p.Stops));
    }

    private static string File(string name, string key = "live", string value = "") =>
        $"volume {name}\n type test/probe\n option {key} \"{value}\"\nend-volume";

    private Probe Make(TranslatorPlace place)
    {
        _probes.Add(new Probe(place));
        return _probes[^1];
    }

    private sealed class Probe(TranslatorPlace place) : Translator(place)
    {
        public int Stops { get; private set; }

        public int Reconfigurations { get; private set; }

        public string Live { get; private set; } = place.Options.Text("live");

        public override void Start()
        {
            if (Options.Has("fail"))
            {
                throw new GraphException("told to fail");
            }
        }

        public override void Stop() => Stops++;

        public override bool Reconfigure(OptionValues options)
        {
            Reconfigurations++;
            Live = options.Text("live");
            return !options.Has("rebuild");
        }

        public void Raise(GraphEventKind kind) => NotifyParents(new GraphEvent(kind));
    }
}
