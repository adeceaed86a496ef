namespace Myrmex.Runtime.Simulation;

/// <summary>A node's view of the virtual time. Its wall clock may be wrong and may jump; its monotonic one may run fast or slow.</summary>
public sealed class SimClock(SimWorld world) : IClock
{
    /// <summary>How wrong the wall clock is; change it to make the clock jump.</summary>
    public long WallOffsetNs { get; set; }

    /// <summary>How much too fast the monotonic clock runs, in parts per million; set it before the node starts.</summary>
    public long DriftPpm { get; set; }

    public long MonotonicNs => world.NowNs + (world.NowNs / 1_000_000 * DriftPpm);

    public long WallNs => SimWorld.WallAt(world.NowNs) + WallOffsetNs;
}
