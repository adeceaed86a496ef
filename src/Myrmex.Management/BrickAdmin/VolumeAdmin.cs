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
    /// Clears locks of a path on every brick; throws when no brick has the path. Source: volume clear-locks.
    /// </summary>
    public async Task<VolumeReport<string>> ClearLocksAsync(
        string volume, IEnumerable<BrickPlace> bricks, ClearLocksQuery query, CancellationToken cancellation)
    {
        var report = await AskAsync(volume, bricks, (a, brick, c) => a.ClearLocksAsync(brick, query, c), cancellation);
        return report.Bricks.Any(b => b.Value is not null)
            ? report
            : throw new BrickAdminException(
                report.Bricks.Select(b => b.Problem).FirstOrDefault(p => p is not null && p != NoPath)
                ?? (report.Bricks.Count > 0 ? NoPath : "no brick was asked"));
    }

    /// <summary>
    /// The one text of <see cref="ClearLocksAsync"/>: the counts of all bricks that have cleared something, or that
    /// there was nothing; and why a brick could not be asked, whose locks are as they were.
    /// </summary>
    public static string ClearedText(VolumeReport<string> report)
    {
        var cleared = report.Bricks.Where(b => b.Value is not null && b.Value != NothingCleared)
            .Select(b => $"{b.Place.Name}/: {b.Value}").ToList();
        var unasked = report.Bricks.Where(b => b.Problem is not null && b.Problem != NoPath)
            .Select(b => $"{b.Place.Name}: {b.Problem}");
        return string.Join('\n', (cleared.Count > 0 ? cleared : [NothingCleared]).Concat(unasked));
    }

    /// <summary>What a brick says that had nothing to clear. Source: volume clear-locks.</summary>
    public const string NothingCleared = "No locks cleared.";

    /// <summary>What a brick says that does not have the path: in a volume of many, most.</summary>
    public const string NoPath = "No such file or directory";

    /// <summary>The problem of a brick that should run and does not.</summary>
    public const string NotRunning = "Brick is not running";

    private async Task<BrickReport<T>> AskOneAsync<T>(
        BrickPlace place, Func<IBrickAdmin, string, CancellationToken, Task<T>> ask, CancellationToken cancellation)
        where T : class
    {
        if (adminOf(place.Node) is not { } admin)
        {
            return new BrickReport<T>(place, null, "its node is not heard of"); // The brick may well run.
        }

        if (!place.Online)
        {
            return new BrickReport<T>(place, null, NotRunning);
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
