using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>
/// Thin clients of two proxies, of which the one they use is lost in every way, again and again: no application may see
/// an error, nothing may be lost or happen twice, and locks stay held.
/// </summary>
internal sealed class ProxyCampaign : Campaign
{
    private const string Kills = "kills";
    private const string Only = "only";
    private const string OfVolume = "volume";
    private const string Seconds = "seconds";
    private const string Cache = "cache";

    private const int KillsUsual = 1000;
    private const int SecondsUsual = 150;

    /// <summary>Rounds with a failure after which the rest would not tell more.</summary>
    private const int BadRoundsMax = 10;

    /// <summary>What happens, as often as it is here.</summary>
    private static readonly ProxyKill[] Usual =
    [
        ProxyKill.Kill, ProxyKill.Kill, ProxyKill.Kill, ProxyKill.Kill, ProxyKill.Stop, ProxyKill.Stop, ProxyKill.Cut, ProxyKill.Cut,
        ProxyKill.Off,
    ];

    public override string Name => "proxy";

    public override string Summary => "thin clients of two proxies, which die, hang and vanish under load";

    public override Need Needs => ProxyBed.Needs;

    public override IReadOnlyDictionary<string, string> Options { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Kills] = $"proxies that are lost, in all ({KillsUsual})",
            [Only] = $"lost only like this: {string.Join(' ', Enum.GetNames<ProxyKill>())}",
            [OfVolume] = $"only the volume {ProxyBed.Distributed} (plain bricks) or {ProxyBed.Replicated} (replica sets)",
            [Cache] = "on: the proxies answer from memory (proxy.cache)",
            [Seconds] = $"that the programs of a round work before they are checked ({SecondsUsual})",
        };

    public override void Run(CampaignRun run)
    {
        var only = run.Options.Text(Only, "");
        ProxyKill[] kinds = only.Length > 0 ? [Enum.Parse<ProxyKill>(only, ignoreCase: true)]
            : run.IsSmoke ? [ProxyKill.Kill, ProxyKill.Stop] : Usual;
        string[] volumes = run.Options.Text(OfVolume, "") switch
        {
            ProxyBed.Distributed => [ProxyBed.Distributed],
            ProxyBed.Replicated => [ProxyBed.Replicated],
            "" => run.IsSmoke ? [ProxyBed.Distributed] : [ProxyBed.Distributed, ProxyBed.Replicated],
            var other => throw new ArgumentException($"--{OfVolume} {other}: say {ProxyBed.Distributed} or {ProxyBed.Replicated}"),
        };
        ProxyBed? bed = null;
        if (!run.Step("start a machine with bricks and two with proxies", () => bed = new ProxyBed(
            run.Directory, run.Options.Text(Cache, "off") == "on", volumes)))
        {
            return;
        }

        var stalls = new Stalls();
        var kills = (int)run.Options.Number(Kills, run.IsSmoke ? 2 : KillsUsual);
        var seconds = (int)run.Options.Number(Seconds, run.IsSmoke ? 5 : SecondsUsual);
        var mounts = volumes.ToDictionary(
            v => v, v => (FuseMount[])[bed!.Mount($"{v}-1", v), bed.Mount($"{v}-2", v)], StringComparer.Ordinal);
        var rounds = new ProxyRounds(run, bed!, kinds, stalls);
        for (var round = 1; stalls.Count < kills && rounds.Bad < BadRoundsMax; round++)
        {
            var volume = volumes[round % volumes.Length];
            rounds.Run(round, volume, mounts[volume], seconds, kills);
        }

        foreach (var (kind, text) in stalls.Lines())
        {
            run.Figure(kind, text);
        }

        foreach (var volume in volumes)
        {
            run.Step($"{volume} is whole", () => bed!.Check(volume));
        }
    }
}
