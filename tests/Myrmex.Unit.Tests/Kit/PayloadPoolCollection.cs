using System;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>Tests that look at the payload pool of the process: they run alone, after all that run side by side.</summary>
[CollectionDefinition("payload pool", DisableParallelization = true)]
public sealed class PayloadPoolCollection : ICollectionFixture<SettledPool>;

/// <summary>Before the first of them, what simulated processes of earlier tests held is gone.</summary>
public sealed class SettledPool
{
    public SettledPool() => Bytes();

    /// <summary>Rented bytes, without those of simulated processes that nobody knows any more.</summary>
    public static long Bytes()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        return PayloadPool.Shared.OutstandingBytes;
    }
}
