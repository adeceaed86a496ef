using System;
using System.Diagnostics;
using System.Globalization;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Xunit;
using Xunit.Sdk;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace Myrmex.Fuzz.Tests;

/// <summary>
/// Runs a body with one seed after the other: for a few seconds as a smoke test, or MYRMEX_FUZZ_ITERATIONS times from
/// MYRMEX_FUZZ_SEED on for a campaign or to repeat one failure. A seed always means the same input.
/// </summary>
internal static class FuzzRun
{
    /// <summary>Bytes an iteration may allocate whatever its input, besides what it says itself.</summary>
    private const long AllocatedBytesMax = 4 << 20;

    public static void Run(string target, double smokeSeconds, Action<SimRandom> body, Func<long>? allowedBytes = null)
    {
        var first = ReadNumber("MYRMEX_FUZZ_SEED") ?? 1;
        var iterations = ReadNumber("MYRMEX_FUZZ_ITERATIONS") ?? (ulong)(smokeSeconds > 0 ? long.MaxValue : 1);
        var isTimed = ReadNumber("MYRMEX_FUZZ_ITERATIONS") is null;
        var clock = Stopwatch.StartNew();
        var outstanding = PayloadPool.Shared.OutstandingBytes;
        for (ulong i = 0; i < iterations && !(isTimed && clock.Elapsed.TotalSeconds >= smokeSeconds); i++)
        {
            var seed = first + i;
            var allocated = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                body(new SimRandom(seed));
                Assert.Equal(outstanding, PayloadPool.Shared.OutstandingBytes);
            }
            catch (Exception e)
            {
                throw Failure(target, seed, e.Message, e);
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
            if (allowedBytes is not null && allocated > AllocatedBytesMax + allowedBytes())
            {
                throw Failure(target, seed, $"{allocated} bytes were allocated", inner: null);
            }
        }
    }

    private static ulong? ReadNumber(string variable) =>
        ulong.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out var number)
            ? number
            : null;

    private static XunitException Failure(string target, ulong seed, string what, Exception? inner) => new(
        $"{what}\nrepeat: MYRMEX_FUZZ_SEED={seed} MYRMEX_FUZZ_ITERATIONS=1 ./test fuzz {target}", inner);
}
