using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Unit.Tests.Tidy;

/// <summary>The source tree this test was built from.</summary>
internal static class Repository
{
    private static readonly string[] Skipped = ["artifacts", "bin", "obj", ".git", ".myrmex", ".vs", ".idea", "TestResults"];

    public static string Root { get; } = FindRoot();

    /// <summary>All files of the tree, relative, with forward slashes, in order.</summary>
    public static IReadOnlyList<string> Files { get; } = [.. List(Root).Order(StringComparer.Ordinal)];

    /// <summary>Hand-written C# below a directory.</summary>
    public static IEnumerable<string> Sources(string directory) =>
        Files.Where(f => f.StartsWith(directory + "/", StringComparison.Ordinal)
            && f.EndsWith(".cs", StringComparison.Ordinal) && !f.EndsWith(".g.cs", StringComparison.Ordinal));

    public static string Read(string file) => File.ReadAllText(Path.Combine(Root, file));

    public static string[] ReadLines(string file) => File.ReadAllLines(Path.Combine(Root, file));

    private static IEnumerable<string> List(string directory)
    {
        foreach (var file in Directory.EnumerateFiles(directory))
        {
            yield return Path.GetRelativePath(Root, file).Replace('\\', '/');
        }

        foreach (var child in Directory.EnumerateDirectories(directory))
        {
            if (!Skipped.Contains(Path.GetFileName(child)))
            {
                foreach (var file in List(child))
                {
                    yield return file;
                }
            }
        }
    }

    private static string FindRoot()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "Myrmex.slnx")))
            {
                return at;
            }
        }

        throw new InvalidOperationException("the tests do not lie below the repository");
    }
}
