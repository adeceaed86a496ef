using System;
using System.IO;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>An XFS file system with reflink on a loop device over a sparse file: what bricks are recommended to lie on.</summary>
internal sealed class XfsImage : IDisposable
{
    private readonly string _device;

    private XfsImage(string device, string path)
    {
        _device = device;
        Path = path;
    }

    public string Path { get; }

    /// <summary>Makes the image beside the mount point and mounts it.</summary>
    public static XfsImage Mount(TestDirectory directory, string name, long sizeMiB = 4096)
    {
        var image = directory[name + ".xfs"];
        using (var file = File.Create(image))
        {
            file.SetLength(sizeMiB << 20);
        }

        Shell.Check("/", "mkfs.xfs", "-q", "-K", "-f", "-m", "reflink=1", "-i", "size=512", image);
        var device = Shell.Check("/", "losetup", "--show", "-f", image).Trim();
        Ledger.AddLoop(device);
        var path = directory.Make(name);
        var disk = new XfsImage(device, path);
        disk.MountAgain();
        return disk;
    }

    /// <summary>For who has unmounted it.</summary>
    public void MountAgain() => Shell.Check("/", "mount", "-o", "noatime", _device, Path);

    public void Dispose()
    {
        Mounts.Unmount(Path);
        Shell.Run("/", Shell.DefaultLimit, "losetup", "-d", _device);
    }
}
