using System;
using System.Diagnostics;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>Polling: readiness of other processes cannot be awaited in any other way.</summary>
internal static class Wait
{
    private const int PollMs = 50;

    /// <summary>Waits until the condition holds; fails the test when it does not within the limit.</summary>
    public static void Until(string what, TimeSpan limit, Func<bool> condition, Func<string>? details = null)
    {
        if (!Holds(limit, condition))
        {
            throw new HarnessException($"not within {limit.TotalSeconds:0} s: {what}\n{details?.Invoke()}");
        }
    }

    /// <summary>True as soon as the condition holds, false when the limit has passed.</summary>
    public static bool Holds(TimeSpan limit, Func<bool> condition)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (condition())
            {
                return true;
            }

            if (clock.Elapsed > limit)
            {
                return false;
            }

            Thread.Sleep(PollMs);
        }
    }
}
