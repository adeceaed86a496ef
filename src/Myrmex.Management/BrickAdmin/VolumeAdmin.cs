using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.BrickAdmin;

/// <summary>Asks all bricks of a volume at once, wherever they are, and puts the answers together.</summary>
/// <param name="adminOf">Who asks the brick process of a node (its id in text); null for a node that is away.</param>
public sealed class VolumeAdmin(Func<string, IBrickAdmin?> adminOf)
{
    /// <summary>
    /// One report a brick, in the given order; a brick that does not answer has a problem and no value.
    /// </summary>
    public async Task<VolumeReport<T>> AskAsync<T>(
        string volume, IEnumerable<BrickPlace> bricks, Func<IBrickAdmin, string, CancellationToken, Task<T>> ask,
        CancellationToken cancellation)
        where T : class
    {
        var reports = await Task.WhenAll(bricks.Select(b => AskOneAsync(b, ask, cancellation)));
        return new VolumeReport<T>(volume, reports);
    }

    /// <summary>
    /// Clears locks of a path on every brick. The one text: the counts of all bricks that have it, or that there
    /// were none;
    /// throws when the path is on none of them.
    /// </summary>
    public async Task<string> ClearLocksAsync(
        string volume, IEnumerable<BrickPlace> bricks, ClearLocksQuery query, CancellationToken cancellation)
    {
        var report = await AskAsync(volume, bricks, (a, brick, c) => a.ClearLocksAsync(brick, query, c), cancellation);
        var cleared = report.Bricks.Where(b => b.Value is not null && b.Value != NothingCleared)
            .Select(b => $"{b.Place.Name}/: {b.Value}").ToList();
        if (cleared.Count > 0)
        {
            return string.Join('\n', cleared);
        }

        return report.Bricks.Any(b => b.Value is not null)
            ? NothingCleared
            : throw new BrickAdminException(report.Bricks.Select(b => b.Problem).FirstOrDefault(p => p is not null)
                ?? "no brick was asked");
    }

    /// <summary>What a brick says that had nothing to clear. Source: volume clear-locks.</summary>
    public const string NothingCleared = "No locks cleared.";

    private async Task<BrickReport<T>> AskOneAsync<T>(
        BrickPlace place, Func<IBrickAdmin, string, CancellationToken, Task<T>> ask, CancellationToken cancellation)
        where T : class
    {
        if (!place.Online || adminOf(place.Node) is not { } admin)
        {
            return new BrickReport<T>(place, null, "Brick is not running");
        }

        try
        {
            return new BrickReport<T>(place, await ask(admin, place.Path, cancellation), null);
        }
        catch (BrickAdminException e)
        {
            return new BrickReport<T>(place, null, e.Message);
        }
    }
}
