using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Replication.Simulation;

namespace Myrmex.Campaigns;

/// <summary>
/// Two clients on each of two mounts that read and write the same pages at the same time
/// (<c>Helpers/histories.py</c>). What they saw of
/// every page must be what one copy could have answered.
/// </summary>
internal sealed class PageHistories : IDisposable
{
    /// <summary>Pages, and so seconds, at most: more than any fault lasts.</summary>
    private const int PagesMax = 300;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly List<Helper> _clients = [];
    private readonly List<string> _logs = [];

    /// <param name="name">Of the histories in this campaign; their directory on the volume exists.</param>
    public PageHistories(TestDirectory directory, string name, string first, string second)
    {
        var count = PagesMax.ToString(CultureInfo.InvariantCulture);
        Shell.Check("/", "python3", Helper.PathOf("histories.py"), "make", Path.Combine(first, name, "pages"), count);
        string[] mounts = [first, second, first, second];
        foreach (var (mount, i) in mounts.Select((m, i) => (m, i + 1)))
        {
            var log = directory[$"{name}.history-{i}.log"];
            _logs.Add(log);
            _clients.Add(Helper.Start(
                "histories.py", "run", Path.Combine(mount, name, "pages"), count, log,
                i.ToString(CultureInfo.InvariantCulture)));
        }

        if (_clients.Any(c => c.Answer(Patience) != "ready"))
        {
            throw new HarnessException("histories.py does not start");
        }
    }

    /// <summary>Ends the clients and checks what they saw.</summary>
    /// <returns>What there was, for people.</returns>
    public string Finish()
    {
        _clients.ForEach(c => c.Finish(Patience));
        var operations = _logs.SelectMany(File.ReadLines).Select(Parse).ToList();
        var pages = operations.GroupBy(o => o.Page, o => o.Operation).ToList();
        foreach (var page in pages)
        {
            if (!LinearizabilityChecker.IsLinearizable([.. page]))
            {
                var lines = page.OrderBy(o => o.Invoked).Select(o => $"{o}");
                throw new HarnessException($"page {page.Key} was not one page:\n{string.Join('\n', lines)}");
            }
        }

        return $"{operations.Count} operations on {pages.Count} pages linearizable";
    }

    public void Dispose() => _clients.ForEach(c => c.Dispose());

    private static (int Page, HistoryOperation Operation) Parse(string line)
    {
        var words = line.Split(' ');
        var returned = words[2] == "-" ? long.MaxValue : long.Parse(words[2], CultureInfo.InvariantCulture);
        return (
            int.Parse(words[0], CultureInfo.InvariantCulture),
            new HistoryOperation(
                words[3] == "w" ? HistoryKind.Write : HistoryKind.Read,
                ulong.Parse(words[4], CultureInfo.InvariantCulture),
                long.Parse(words[1], CultureInfo.InvariantCulture), returned));
    }
}
