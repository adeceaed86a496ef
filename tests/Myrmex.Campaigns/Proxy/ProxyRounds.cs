using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Campaigns;

/// <summary>
/// Programs at work on two mounts of a volume for a while, with the proxy that they use lost as often as it can be: as
/// soon as all have gone on and the lost one serves again, the other one is next.
/// </summary>
internal sealed class ProxyRounds(CampaignRun run, ProxyBed bed, ProxyKill[] kinds, Stalls stalls)
{
    /// <summary>Programs of a fixed time work so much longer: what is lost last has to be found again.</summary>
    private const int SecondsAfter = 10;

    /// <summary>Longest pause before the next one is lost.</summary>
    private const int PauseMsMax = 600;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private int _victim;

    /// <summary>Rounds in which something was wrong.</summary>
    public int Bad { get; private set; }

    public void Run(int round, string volume, FuseMount[] mounts, int seconds, int killsMax)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"{volume}-{round}");
        var before = (run.Failures, stalls.Count);
        run.Say(string.Create(CultureInfo.InvariantCulture, $"{name}: {stalls.Count} of {killsMax} done"));
        try
        {
            var programs = Work(name, mounts, seconds, killsMax, run.Random((ulong)round));
            run.Say(string.Create(CultureInfo.InvariantCulture, $"{name}: {stalls.Count - before.Count} proxies lost; {programs}"));
            Directory.Delete(Path.Combine(mounts[0].Path, name), recursive: true);
        }
        catch (HarnessException e)
        {
            run.Fail($"{name}: {e.Message}", $"--volume {volume} --kills {Math.Max(1, stalls.Count - before.Count)} --seed {run.Seed}");
        }

        Bad += run.Failures > before.Failures ? 1 : 0;
    }

    private string Work(string name, FuseMount[] mounts, int seconds, int killsMax, SimRandom random)
    {
        string[] places = [.. mounts.Select(m => m.Path)];
        using var load = new JournalLoad(run.Directory, name, places);
        using var locks = new LockTorture(run.Directory, name, places);
        using var git = Helper.Start("gitloop.py", Directory.CreateDirectory(Path.Combine(places[1], name, "git")).FullName, "1");
        using var programs = new RoundPrograms(run.Directory, name, seconds + SecondsAfter, postgres: null, places);
        if (git.Answer(Patience) != "ready")
        {
            throw new HarnessException("gitloop.py does not start");
        }

        var logs = new OperationLogs([.. load.Logs, .. locks.Logs]);
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed.TotalSeconds < seconds && stalls.Count < killsMax)
        {
            Lose(load, logs, mounts, kinds[random.Below(kinds.Length)], random);
        }

        var result = locks.Finish();
        var cloned = git.Finish(Patience);
        if (!cloned.EndsWith(" wrong 0", StringComparison.Ordinal))
        {
            throw new HarnessException($"git: {cloned}");
        }

        return $"{result}; git {cloned}; {load.Finish(places[1])}; {programs.Finish()}";
    }

    /// <summary>The proxy that the clients use is lost, everybody goes on, and it comes back.</summary>
    private void Lose(JournalLoad load, OperationLogs logs, FuseMount[] mounts, ProxyKill kill, SimRandom random)
    {
        System.Threading.Thread.Sleep(random.Below(PauseMsMax));
        // Nobody goes back to a proxy of his own accord: after the first one, all use the other.
        var node = bed.Proxies[_victim++ % bed.Proxies.Count];
        var title = string.Create(CultureInfo.InvariantCulture, $"{kill} of {node.Name}, the {stalls.Count + 1}th");
        var sinceUs = OperationLogs.NowUs;
        ProxyBed.Inject(node, kill);
        long backUs;
        try
        {
            Wait.Until($"all programs go on after {title}", Patience, () => logs.AllWentOn(sinceUs), () => logs.Behind(sinceUs));
            load.AwaitProgress($"after {title}");
            backUs = OperationLogs.NowUs;
        }
        finally
        {
            ProxyBed.TakeBack(node, kill);
        }

        Wait.Until(
            $"clients are attached again after {title}", Patience,
            () => mounts.All(m => IsAttached(m, node)), () => string.Join('\n', mounts.Select(m => m.LogTail())));
        var (took, what) = logs.Longest(sinceUs, backUs);
        stalls.Add($"{kill}", took);
        run.Say(string.Create(CultureInfo.InvariantCulture, $"{title}: {took.TotalSeconds:0.00} s ({what})"));
    }

    /// <summary>What the client has told last of the proxy of a machine.</summary>
    private static bool IsAttached(FuseMount mount, BedNode node)
    {
        using var stream = new FileStream(mount.Log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd().Split('\n').LastOrDefault(l =>
            l.Contains($"={node.Address}:", StringComparison.Ordinal)
            && (l.Contains("client: attached", StringComparison.Ordinal) || l.Contains("client: connection lost", StringComparison.Ordinal)))
            ?.Contains("client: attached", StringComparison.Ordinal) == true;
    }
}
