using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>Empty brick directories.</summary>
internal static class Bricks
{
    /// <summary>Makes b1 .. bN below the directory.</summary>
    public static string[] Make(string parent, int count)
    {
        var paths = Enumerable.Range(1, count).Select(number => Path.Combine(parent, $"b{number}")).ToArray();
        foreach (var path in paths)
        {
            Directory.CreateDirectory(path);
        }

        return paths;
    }
}
