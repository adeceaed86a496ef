using System;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A mount by <c>myrmex mount</c>.</summary>
internal sealed class MyrmexMount : FuseMount
{
    private MyrmexMount(Child child, string path)
        : base(child, path)
    {
    }

    /// <summary>Mounts with the volume file that the server gives out on port 24007.</summary>
    public static MyrmexMount FromServer(TestDirectory directory, string name, string host, string volume, params string[] options) =>
        Start(directory, name, [$"{host}:/{volume}", directory.Make(name), .. options]);

    /// <summary>Mounts by a volume file.</summary>
    public static MyrmexMount FromVolfile(TestDirectory directory, string name, string volfile, params string[] options)
    {
        var file = directory.Write(name + ".client.vol", volfile);
        return Start(directory, name, ["--volfile", file, directory.Make(name), .. options]);
    }

    private static MyrmexMount Start(TestDirectory directory, string name, string[] arguments)
    {
        var child = Child.Start(name, directory.Logs, Product.Executable, ["mount", "--foreground", .. arguments]);
        try
        {
            return new MyrmexMount(child, directory[name]);
        }
        catch (Exception)
        {
            child.Dispose();
            throw;
        }
    }
}
