using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management.Http;

/// <summary>What options there are, groups of them, and those of all volumes at once.</summary>
internal sealed class OptionRoutes(RestServices services) : RestRoutes
{
    private const string Cluster = "/v1/cluster/options";

    private IClusterOptionCommands Commands =>
        RestServices.Need(services.ClusterOptions, "changes of the options of all volumes");

    public override void Map(RouteMap map)
    {
        map.Get(
            "/v1/options", "All options, with help.", OptionMessageJson.Default.OptionHelpListMessage,
            _ => new OptionHelpListMessage([
                .. VolumeOptions.All.Select(o => ToMessage(o, isClusterWide: false)),
                .. ClusterOptions.All.Select(o => ToMessage(o, isClusterWide: true)),
            ]));
        map.Get(
            "/v1/option-groups/{name}", "Settings that belong together.",
            OptionMessageJson.Default.OptionGroupMessage, r => Group(r.Path("name")));
        map.Get(
            Cluster, "The options of all volumes, defaults included.", OptionMessageJson.Default.OptionListMessage,
            _ => Told(ClusterOptions.All.Select(o => o.Key)));
        map.Get(
            Cluster + "/{key}", "An option of all volumes.", OptionMessageJson.Default.OptionListMessage,
            r => Told([Known(r.Path("key"))]));
        map.Change(
            "PUT", Cluster, "Sets options of all volumes, all or none.",
            OptionMessageJson.Default.SettingListMessage, OptionMessageJson.Default.OptionListMessage,
            SetAsync).Conditional();
        map.Change(
            "DELETE", Cluster, "Takes all options of all volumes back to their defaults.",
            OptionMessageJson.Default.OptionListMessage, r => ResetAsync(key: null, r.Expected)).Conditional();
        map.Change(
            "DELETE", Cluster + "/{key}", "Takes an option of all volumes back to its default.",
            OptionMessageJson.Default.OptionListMessage, r => ResetAsync(Known(r.Path("key")), r.Expected))
            .Conditional();
    }

    private static OptionHelpMessage ToMessage(VolumeOption option, bool isClusterWide) =>
        new(option.Key, option.Declaration.Default, option.Help)
        {
            Range = option.RangeText,
            Effect = option.EffectText,
            IsClusterWide = isClusterWide,
        };

    private OptionGroupMessage Group(string name) =>
        OptionGroups.Find(name, services.GroupDirectory) is { } settings
            ? new OptionGroupMessage(name, [.. settings.Select(s => new SettingMessage(s.Key, s.Value))])
            : throw new CommandException(
                CommandFailure.NotFound, $"Unable to open file '{OptionGroups.PathOf(name, services.GroupDirectory)}'. "
                + "Error: No such file or directory");

    private OptionMessage Report(string key)
    {
        var set = services.ClusterOptions?.Settings.GetValueOrDefault(key);
        var isFixed = key is ClusterOptions.OpVersion or ClusterOptions.MaxOpVersion; // No default: what it is.
        return new OptionMessage(
            key, set ?? ClusterOptions.Find(key)?.Declaration.Default, set is null && !isFixed);
    }

    private static string Known(string key) => ClusterOptions.Find(key) is null
        ? throw new CommandException(CommandFailure.NotFound, ClusterOptions.Unknown(key)) : key;

    private async Task<OptionListMessage> SetAsync(RestRequest request, SettingListMessage message)
    {
        var settings = new List<VolumeSetting>();
        foreach (var setting in message.Options)
        {
            var problem = setting is null
                ? "a setting is null" : ClusterOptions.Problem(setting.Key, setting.Value);
            if (setting is null || problem is not null)
            {
                throw new CommandException(CommandFailure.Invalid, problem!); // Null has its problem.
            }

            settings.Add(new VolumeSetting(setting.Key, setting.Value));
        }

        await Commands.SetAsync(settings, request.Expected, CancellationToken.None);
        return Told(settings.Select(s => s.Key));
    }

    private async Task<OptionListMessage> ResetAsync(string? key, Precondition? expected)
    {
        await Commands.ResetAsync(key, expected, CancellationToken.None);
        return Told(ClusterOptions.All.Select(o => o.Key).Where(k => key is null || k == key));
    }

    /// <summary>The tag is read first: should something change in between, it is that of what was before.</summary>
    private OptionListMessage Told(IEnumerable<string> keys)
    {
        var tag = services.ClusterOptions?.Tag;
        return new OptionListMessage([.. keys.Select(Report)]) { Tag = tag };
    }
}
