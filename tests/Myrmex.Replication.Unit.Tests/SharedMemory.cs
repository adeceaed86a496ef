using System.Runtime.CompilerServices;
using Myrmex.Base;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>
/// Simulated members are killed by the thousand, and none of them gives back what it has rented. When that reaches the
/// limit of the process no link reads any more, in all worlds at once: so there is room for all of them.
/// </summary>
internal static class SharedMemory
{
    private const long LimitBytes = 16L << 30; // Counted, not taken at once: a whole run rents some 1.1 GiB.

    [ModuleInitializer]
    internal static void Widen() => PayloadPool.Shared.LimitBytes = LimitBytes;
}
