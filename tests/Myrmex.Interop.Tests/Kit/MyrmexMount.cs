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
    /// <param name="options">What follows <c>-o</c>, one each.</param>
    public static MyrmexMount FromServer(TestDirectory directory, string name, string host, string volume, params string[] options) =>
        Start(directory, name, options, [$"{host}:/{volume}"]);

    /// <summary>Mounts by a volume file.</summary>
    public static MyrmexMount FromVolfile(TestDirectory directory, string name, string volfile, params string[] options)
    {
        var file = directory.Write(name + ".client.vol", volfile);
        return Start(directory, name, [.. options, $"volfile={file}"], []);
    }

    private static MyrmexMount Start(TestDirectory directory, string name, string[] options, string[] source)
    {
        var path = directory.Make(name);
        string[] words = options.Length == 0 ? [] : ["-o", string.Join(',', options)];
        var child = Child.Start(name, directory.Logs, Product.Executable, ["mount", "-f", .. words, .. source, path]);
        try
        {
            return new MyrmexMount(child, path);
        }
        catch (Exception)
        {
            child.Dispose();
            throw;
        }
    }
}
