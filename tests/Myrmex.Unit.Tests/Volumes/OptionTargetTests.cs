using System.Linq;
using Myrmex.Graph;
using Myrmex.Host;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Volumes;

/// <summary>Volume options and translators agree: what a volume file says, its translator takes.</summary>
public sealed class OptionTargetTests
{
    [Fact]
    public void EveryBrickOptionIsDeclaredByItsTranslator()
    {
        var missing = VolumeOptions.All
            .SelectMany(o => o.Targets)
            .Where(t => t.Side == GraphSide.Brick && !t.Key.Contains("{brick}"))
            .Where(t => Find(t.Type)?.Options.Any(d => d.Key == t.Key) != true)
            .Select(t => $"{t.Type} {t.Key}");
        Assert.Empty(missing);
    }

    [Fact]
    public void EveryTranslatorOfAVolumeFileIsRegistered()
    {
        var volume = SampleVolumes.Distribute(2).With(new VolumeSetting("features.ctime", "on"));
        var files = new[] { ClientVolfile.Build(volume, trusted: false), BrickVolfile.Build(volume, volume.Bricks[0]) };
        Assert.DoesNotContain(files.SelectMany(f => f.Blocks).Select(b => b.Type), type => Find(type) is null);
    }

    private static TranslatorRegistration? Find(string type) => Registry.All.FirstOrDefault(r => r.Type == type);
}
