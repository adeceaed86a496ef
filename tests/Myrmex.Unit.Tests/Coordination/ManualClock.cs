using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>Time that stands still until the test moves it.</summary>
internal sealed class ManualClock : IClock
{
    public long MonotonicNs { get; set; } = 1;

    public long WallNs { get; set; } = 1_700_000_000_000_000_000;

    public void AdvanceMs(long milliseconds)
    {
        MonotonicNs += milliseconds * 1_000_000;
        WallNs += milliseconds * 1_000_000;
    }
}
