using System;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A mount by the stock FUSE client.</summary>
internal sealed class StockMount : FuseMount
{
    private StockMount(Child child, string path)
        : base(child, path)
    {
    }

    /// <summary>Mounts by a volume file.</summary>
    public static StockMount FromVolfile(TestDirectory directory, string name, string volfile, params string[] options)
    {
        var file = directory.Write(name + ".client.vol", volfile);
        return Start(directory, name, [.. options, "-f", file]);
    }

    /// <summary>Mounts as the mount helper does: the volume file comes from the server's port 24007.</summary>
    public static StockMount FromServer(TestDirectory directory, string name, string host, string volume, params string[] options) =>
        Start(directory, name, [.. options, $"--volfile-server={host}", $"--volfile-id={volume}"]);

    private static StockMount Start(TestDirectory directory, string name, string[] arguments)
    {
        var path = directory.Make(name);
        var child = Child.Start(
            name,
            directory.Logs,
            "glusterfs",
            [.. new[] { "-N", "--process-name", "fuse", "-l", "/dev/stdout", "-L", "INFO" }, .. arguments, path]);
        try
        {
            return new StockMount(child, path);
        }
        catch (Exception)
        {
            child.Dispose();
            throw;
        }
    }

    /// <summary>Number of lines of the client's log that contain the text.</summary>
    public int CountInLog(string text) =>
        System.IO.File.ReadLines(Log).Count(line => line.Contains(text, StringComparison.Ordinal));
}
