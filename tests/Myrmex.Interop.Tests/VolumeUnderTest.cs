using System;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// Base of the fixtures of classes that run many tests on one mount. The volume is made at the first use, so that a class whose tests
/// are all skipped starts nothing.
/// </summary>
public abstract class VolumeUnderTest : IDisposable
{
    private readonly Lazy<(TestDirectory Directory, FuseMount Mount)> _parts;

    protected VolumeUnderTest()
    {
        _parts = new Lazy<(TestDirectory, FuseMount)>(Make, isThreadSafe: false);
    }

    /// <summary>The mounted volume.</summary>
    public string MountPath => _parts.Value.Mount.Path;

    /// <summary>A directory of the local file system the bricks lie on.</summary>
    public string LocalPath => _parts.Value.Directory.Make("disk/local");

    internal TestDirectory Directory => _parts.Value.Directory;

    internal FuseMount Mount => _parts.Value.Mount;

    public void Dispose()
    {
        if (_parts.IsValueCreated)
        {
            _parts.Value.Directory.Dispose();
        }

        GC.SuppressFinalize(this);
    }

    /// <summary>Starts servers over the brick directories, and the client.</summary>
    internal abstract FuseMount Start(TestDirectory directory, string[] bricks);

    private (TestDirectory Directory, FuseMount Mount) Make()
    {
        var directory = new TestDirectory(GetType().Name);
        try
        {
            var disk = directory.Own(XfsImage.Mount(directory, "disk"));
            return (directory, directory.Own(Start(directory, Bricks.Make(disk.Path, 3))));
        }
        catch
        {
            directory.Dispose();
            throw;
        }
    }
}
