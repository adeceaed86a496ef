using System.Collections.Generic;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// A started distribute volume with the options a new one has, served by our daemon: three bricks on an XFS file system of their own.
/// </summary>
internal sealed class CampaignVolume
{
    public const string Name = "vol";

    private const int BrickCount = 3;

    private CampaignVolume(TestDirectory directory, MyrmexDaemon daemon, string disk, IReadOnlyList<string> bricks)
    {
        Directory = directory;
        Daemon = daemon;
        Disk = disk;
        Bricks = bricks;
    }

    public TestDirectory Directory { get; }

    public MyrmexDaemon Daemon { get; }

    /// <summary>The file system the bricks lie on.</summary>
    public string Disk { get; }

    public IReadOnlyList<string> Bricks { get; }

    public static CampaignVolume Start(TestDirectory directory, long sizeMiB)
    {
        var disk = directory.Own(XfsImage.Mount(directory, "disk", sizeMiB));
        var bricks = Interop.Tests.Kit.Bricks.Make(disk.Path, BrickCount);
        var daemon = directory.Own(new MyrmexDaemon(directory));
        daemon.CreateVolume(Name, bricks);
        return new CampaignVolume(directory, daemon, disk.Path, bricks);
    }

    public MyrmexMount Mount(string name) => Directory.Own(MyrmexMount.FromServer(Directory, name, Daemon.Host, Name));

    public StockMount MountStock(string name) => Directory.Own(StockMount.FromServer(Directory, name, Daemon.Host, Name));

    /// <summary>Stops the volume and looks at the bricks on disk; every mount must be gone.</summary>
    public void StopAndAudit()
    {
        Daemon.StopVolume(Name);
        Shell.Succeed(Shell.Run("/", Limits.Audit, "python3", [Helper.PathOf("audit.py"), "check", .. Bricks.ToArray()]));
    }
}
