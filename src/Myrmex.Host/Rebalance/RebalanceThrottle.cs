namespace Myrmex.Host.Rebalance;

/// <summary>
/// How much a rebalance process may load the bricks. Source: GlusterFS' cluster.rebal-throttle.
/// </summary>
/// <param name="Parallel">Directories visited at the same time.</param>
/// <param name="PauseMs">Rest after each.</param>
internal readonly record struct RebalanceThrottle(int Parallel, long PauseMs)
{
    /// <summary>Of lazy, normal, aggressive, or a number of directories at a time from 1 to 64.</summary>
    public static bool TryParse(string text, out RebalanceThrottle throttle)
    {
        throttle = text switch
        {
            "lazy" => new RebalanceThrottle(1, 20),
            "normal" => new RebalanceThrottle(4, 0),
            "aggressive" => new RebalanceThrottle(16, 0),
            _ => int.TryParse(text, out var number) && number is >= 1 and <= 64
                ? new RebalanceThrottle(number, 0)
                : default,
        };
        return throttle.Parallel > 0;
    }
}
