using System;
using System.Collections.Generic;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>The copies of a replica set on disk, read past everybody who serves them.</summary>
internal static class Replicas
{
    private static readonly TimeSpan Catch = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Fails when the copies do not become equal, or one of them is not sound in itself. Nobody may be writing;
    /// members that were
    /// away may still be catching up.
    /// </summary>
    /// <param name="limit">For one look at all of them; they are read whole.</param>
    public static void AwaitEqual(IReadOnlyCollection<string> bricks, TimeSpan? limit = null)
    {
        CommandResult? last = null;
        Wait.Until(
            "the copies are equal", Catch,
            () => (last = Shell.Run(
                "/", limit ?? Shell.DefaultLimit, "python3", [Helper.PathOf("replicas.py"), .. bricks])).ExitCode == 0,
            () => $"{last}");
        Audit.Check(bricks);
    }
}
