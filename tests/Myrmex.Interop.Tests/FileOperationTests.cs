using Myrmex.Interop.Tests.Kit;
using Myrmex.Interop.Tests.Scenarios;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>A stock distribute volume with the stock client: what the scenarios themselves are checked against.</summary>
public sealed class StockVolumeWithStockClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        var glusterd = directory.Own(new StockGlusterd(directory));
        glusterd.CreateVolume("vol", bricks);
        return StockMount.FromServer(directory, "mnt", glusterd.Host, "vol");
    }
}

/// <summary>Bricks of <c>myrmex brick</c> with the stock client's default graph.</summary>
public sealed class MyrmexBricksWithStockClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        var server = directory.Own(new BrickProcess(directory, "vol", bricks));
        return StockMount.FromVolfile(directory, "mnt", Volfiles.Client("vol", server.Bricks));
    }
}

/// <summary>Bricks of <c>myrmex brick</c> with <c>myrmex mount</c> and its own distribute translator.</summary>
public sealed class MyrmexBricksWithMyrmexClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        var server = directory.Own(new BrickProcess(directory, "vol", bricks));
        return MyrmexMount.FromVolfile(directory, "mnt", Volfiles.Client("vol", server.Bricks));
    }
}

/// <summary>A stock distribute volume with <c>myrmex mount</c>.</summary>
public sealed class StockVolumeWithMyrmexClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        var glusterd = directory.Own(new StockGlusterd(directory));
        glusterd.CreateVolume("vol", bricks);
        return MyrmexMount.FromServer(directory, "mnt", glusterd.Host, "vol");
    }
}

/// <summary>A volume of <c>myrmex daemon</c> with <c>myrmex mount</c>: nothing of the stock software.</summary>
public sealed class MyrmexVolumeWithMyrmexClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        var daemon = directory.Own(new MyrmexDaemon(directory));
        daemon.CreateVolume("vol", bricks);
        return MyrmexMount.FromServer(directory, "mnt", daemon.Host, "vol");
    }
}

/// <summary>Bricks in the memory of <c>myrmex brick</c> with the stock client's default graph.</summary>
public sealed class MemoryBricksWithStockClient : VolumeUnderTest
{
    internal override FuseMount Start(TestDirectory directory, string[] bricks)
    {
        var server = directory.Own(new BrickProcess(directory, "vol", bricks, Volfiles.Memory));
        return StockMount.FromVolfile(directory, "mnt", Volfiles.Client("vol", server.Bricks));
    }
}

/// <summary>The scenarios on a stock volume: proves the scenarios, not Myrmex, so only in long runs.</summary>
[Collection(StockGlusterdCollection.Name)]
public sealed class StockVolumeStockClientFileTests(StockVolumeWithStockClient volume) : IClassFixture<StockVolumeWithStockClient>
{
    [InteropTheory(Need.StockServer | Need.Xfs | Need.Long)]
    [MemberData(nameof(Scenario.Common), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}

/// <summary>Ordinary work with files through the stock FUSE client on Myrmex bricks.</summary>
[Trait("Tier", "smoke")]
public sealed class StockClientFileTests(MyrmexBricksWithStockClient volume) : IClassFixture<MyrmexBricksWithStockClient>
{
    [InteropTheory(Need.StockClient | Need.Xfs)]
    [MemberData(nameof(Scenario.Common), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}

/// <summary>The same on bricks in memory, which the simulator takes for the disk's twin.</summary>
public sealed class StockClientMemoryFileTests(MemoryBricksWithStockClient volume) : IClassFixture<MemoryBricksWithStockClient>
{
    [InteropTheory(Need.StockClient | Need.Xfs | Need.Long)]
    [MemberData(nameof(Scenario.Common), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}

/// <summary>Ordinary work with files, Myrmex alone.</summary>
[Trait("Tier", "smoke")]
public sealed class OwnClientFileTests(MyrmexVolumeWithMyrmexClient volume) : IClassFixture<MyrmexVolumeWithMyrmexClient>
{
    [InteropTheory(Need.Fuse | Need.Xfs)]
    [MemberData(nameof(Scenario.All), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}

/// <summary>The same with a volume file written by hand, without the daemon.</summary>
public sealed class OwnClientVolfileFileTests(MyrmexBricksWithMyrmexClient volume) : IClassFixture<MyrmexBricksWithMyrmexClient>
{
    [InteropTheory(Need.Fuse | Need.Xfs | Need.Long)]
    [MemberData(nameof(Scenario.All), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}

/// <summary>Ordinary work with files through <c>myrmex mount</c> on a volume of stock bricks.</summary>
[Collection(StockGlusterdCollection.Name)]
public sealed class OwnClientStockVolumeFileTests(StockVolumeWithMyrmexClient volume) : IClassFixture<StockVolumeWithMyrmexClient>
{
    [InteropTheory(Need.StockServer | Need.Xfs)]
    [MemberData(nameof(Scenario.Common), MemberType = typeof(Scenario))]
    public void FileWorkEqualsALocalFileSystem(string scenario) => Scenario.Compare(scenario, volume.MountPath, volume.LocalPath);
}
