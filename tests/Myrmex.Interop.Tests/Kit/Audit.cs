using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>The state of bricks on disk, read past everybody who serves them.</summary>
internal static class Audit
{
    /// <summary>Every object has its gfid, handle, name records and layout, and there is nothing more. Nobody may be writing.</summary>
    public static void Check(IEnumerable<string> bricks) =>
        Shell.Check("/", "python3", [Helper.PathOf("audit.py"), "check", .. bricks]);

    /// <summary>Fails with the first lines that differ when two volumes hold different things, or the same on different bricks.</summary>
    public static void SamePlaces(IEnumerable<string> expected, IEnumerable<string> actual)
    {
        var left = Places(expected).Split('\n');
        var right = Places(actual).Split('\n');
        var lines = left.Except(right).Take(10).Select(l => "expected " + l).Concat(right.Except(left).Take(10).Select(l => "actual   " + l)).ToList();
        if (lines.Count > 0 || left.Length != right.Length)
        {
            throw new HarnessException($"the volumes differ: {left.Length} and {right.Length} objects\n{string.Join('\n', lines)}");
        }
    }

    private static string Places(IEnumerable<string> bricks) =>
        Shell.Check("/", "python3", [Helper.PathOf("audit.py"), "places", .. bricks]);
}
