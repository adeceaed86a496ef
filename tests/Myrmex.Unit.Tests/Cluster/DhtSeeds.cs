using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>
/// Runs a simulation with many seeds. MYRMEX_DHT_SEED runs one seed alone, MYRMEX_DHT_SEEDS that many seeds.
/// </summary>
internal static class DhtSeeds
{
    public static bool IsOneSeed => Environment.GetEnvironmentVariable("MYRMEX_DHT_SEED") is not null;

    public static void Run(Action<int> simulate, int seeds)
    {
        if (int.TryParse(Environment.GetEnvironmentVariable("MYRMEX_DHT_SEED"), out var one))
        {
            simulate(one);
            return;
        }

        if (int.TryParse(Environment.GetEnvironmentVariable("MYRMEX_DHT_SEEDS"), out var more))
        {
            seeds = more;
        }

        var failed = new List<string>();
        for (var seed = 1; seed <= seeds; seed++)
        {
            try
            {
                simulate(seed);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                failed.Add($"seed {seed}: {e.Message}");
            }
        }

        Assert.True(failed.Count == 0, $"{failed.Count} of {seeds} seeds failed\n{string.Join("\n", failed.Take(20))}");
    }

    public static void Await(SimWorld world, Task task)
    {
        Assert.True(world.RunUntil(() => task.IsCompleted, limitMs: 10_000_000), "the crowd waits for ever");
        task.GetAwaiter().GetResult();
    }
}
