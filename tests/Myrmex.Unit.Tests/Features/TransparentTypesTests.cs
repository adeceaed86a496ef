using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>Types of stock volume files that do nothing here.</summary>
public sealed class TransparentTypesTests
{
    [Fact]
    public async Task FopsPassUnchanged()
    {
        foreach (var registration in Myrmex.Performance.TransparentTypes.All.Concat(Myrmex.Features.TransparentTypes.All))
        {
            var time = new ManualTime();
            var below = ScriptedTranslator.Create(time, out var script);
            var translator = registration.Create(TestPlace.For(time, registration, below));
            var fop = new LookupFop { Name = "name" };
            await translator.Lookup(fop, Call.Rent());
            Assert.Equal(fop, script.Seen.Single().Fop);
        }
    }

    [Fact]
    public void AFeatureThatIsOnIsRefused()
    {
        var time = new ManualTime();
        var changelog = Myrmex.Features.TransparentTypes.All.Single(r => r.Type == "features/changelog");
        var below = ScriptedTranslator.Create(time, out _);
        changelog.Create(TestPlace.For(time, changelog, below, options: ("changelog", "off")));
        var problem = Assert.Throws<GraphException>(
            () => changelog.Create(TestPlace.For(time, changelog, below, options: ("changelog", "on"))));
        Assert.Contains("changelog", problem.Message);
    }
}
