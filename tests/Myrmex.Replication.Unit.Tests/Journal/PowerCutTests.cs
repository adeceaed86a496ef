using System;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Journal;

/// <summary>The power is cut at every call; the campaign of the same name runs many more.</summary>
[Trait("Tier", "unit")]
public sealed class PowerCutTests
{
    [Fact]
    public void NothingAcknowledgedIsLostAndNothingCutComesBackWhereverThePowerGoes()
    {
        for (ulong seed = 1; seed <= 12; seed++)
        {
            var changes = PowerCutCase.CountChanges(seed, 16);
            for (long cut = 2; cut <= changes; cut++)
            {
                Run(seed, cut);
            }
        }
    }

    [Theory]
    [InlineData(100)]
    public void ManySequencesWithTheCutAnywhere(int count)
    {
        for (ulong seed = 1000; seed < 1000 + (ulong)count; seed++)
        {
            Run(seed, 2 + (long)(seed * 7919 % 150));
        }
    }

    private static void Run(ulong seed, long cut)
    {
        try
        {
            new PowerCutCase(seed).Run(16, cut);
        }
        catch (Exception e)
        {
            Assert.Fail($"seed {seed}, cut {cut}: {e}");
        }
    }
}
