using System;
using System.Diagnostics;

namespace Myrmex.Runtime.Linux;

/// <summary>The clocks of the machine.</summary>
public sealed class LinuxClock : IClock
{
    public static LinuxClock Shared { get; } = new();

    // Stopwatch ticks are nanoseconds of CLOCK_MONOTONIC on Linux.
    public long MonotonicNs => Stopwatch.GetTimestamp();

    public long BootNs => Sys.BootTimeNs;

    public long WallNs => (DateTime.UtcNow.Ticks - DateTime.UnixEpoch.Ticks) * 100;
}
