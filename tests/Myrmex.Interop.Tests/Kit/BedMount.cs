
namespace Myrmex.Interop.Tests.Kit;

/// <summary>A mount by a client machine of the <see cref="NodeBed"/>; the mount point is seen by all.</summary>
internal sealed class BedMount : FuseMount
{
    private BedMount(Child child, string path)
        : base(child, path)
    {
    }

    /// <param name="client">Words that run a program on the client machine.</param>
    /// <param name="options">More words of <c>myrmex mount</c>.</param>
    public static BedMount Own(
        TestDirectory directory, string[] client, string name, string host, string volume, params string[] options) => Start(
        directory, name, [.. client, Product.Executable, "mount", "-f", .. options, $"{host}:/{volume}"]);

    /// <inheritdoc cref="Own"/>
    public static BedMount Stock(TestDirectory directory, string[] client, string name, string host, string volume) => Start(
        directory, name,
        [
            .. client, "glusterfs", "-N", "--process-name", "fuse", "-l", "/dev/stdout", "-L", "INFO",
            $"--volfile-server={host}", $"--volfile-id={volume}",
        ]);

    private static BedMount Start(TestDirectory directory, string name, string[] words)
    {
        var path = directory.Make(name);
        var child = Child.Start(name, directory.Logs, "nsenter", [.. words, path]);
        try
        {
            return new BedMount(child, path);
        }
        catch
        {
            child.Dispose();
            throw;
        }
    }
}
