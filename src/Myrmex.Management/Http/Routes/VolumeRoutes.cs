using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management.Http;

/// <summary>Volumes, their status and their options.</summary>
internal sealed class VolumeRoutes(
    IVolumeCommands commands, ITaskLog? tasks = null, IBrickDetails? details = null) : RestRoutes
{
    private const string Volumes = "/v1/volumes";
    private const string One = Volumes + "/{name}";
    private const string Options = One + "/options";

    public override void Map(RouteMap map)
    {
        MapLooks(map);
        MapLife(map);
        MapOptions(map);
    }

    /// <summary>A volume as it is told.</summary>
    public static VolumeMessage ToMessage(Volume volume) => new(
        volume.Name, volume.Id.ToString(), volume.Status.ToString(), volume.TypeText, (int)volume.Type,
        volume.BrickCountText, volume.DistributeCount, volume.ReplicaCount, volume.ArbiterCount,
        [
            .. volume.Bricks.Select(b =>
                new BrickMessage(b.Host, b.Path, b.Index, b.Node.ToString(), volume.IsArbiter(b))
                {
                    IsReset = b.IsReset,
                    Journal = b.Journal,
                }),
        ],
        [.. volume.Settings.Select(s => new OptionMessage(s.Key, s.Value, IsDefault: false))])
    {
        Version = volume.Version,
    };

    private void MapLooks(RouteMap map)
    {
        map.Get(
            Volumes, "All volumes.", VolumeMessageJson.Default.VolumeListMessage,
            _ => new VolumeListMessage([.. commands.List().Select(ToMessage)]));
        map.Get(
            One, "A volume.", VolumeMessageJson.Default.VolumeMessage,
            r => ToMessage(commands.Find(r.Path("name"))));
        map.Get(
            One + "/status", "What runs of a started volume.", VolumeMessageJson.Default.VolumeStatusMessage,
            async r => WithTasks(await StatusAsync(r)))
            .Flag("detail", "With the bricks' file systems.");
    }

    private void MapLife(RouteMap map)
    {
        map.Change(
            "POST", Volumes, "Makes a volume.", VolumeMessageJson.Default.CreateMessage,
            VolumeMessageJson.Default.VolumeMessage,
            (_, message) => ToldAsync(commands.CreateAsync(ToRequest(message), CancellationToken.None)));
        Change(map, "POST", One + "/start", "Serves the bricks of a volume.", r =>
            commands.StartAsync(r.Volume, r.Flag("force"), CancellationToken.None))
            .Flag("force", "A started volume is fine too: bricks that are not online are tried again.");
        Change(map, "POST", One + "/stop", "Ends serving the bricks of a volume.", r =>
            commands.StopAsync(r.Volume, r.Flag("force"), CancellationToken.None))
            .Flag("force", "A volume that is not started is fine too.");
        Change(map, "DELETE", One, "Forgets a volume; its bricks keep their data.", r =>
            commands.DeleteAsync(r.Volume, CancellationToken.None));
    }

    private void MapOptions(RouteMap map)
    {
        map.Get(
            Options, "All options of a volume, defaults included.", OptionMessageJson.Default.OptionListMessage,
            r => OptionsOf(r.Path("name"), key: null));
        map.Get(
            Options + "/{key}", "An option of a volume.", OptionMessageJson.Default.OptionListMessage,
            r => OptionsOf(r.Path("name"), r.Path("key")));
        map.Change(
            "PUT", Options, "Makes settings, all or none.", OptionMessageJson.Default.SettingListMessage,
            VolumeMessageJson.Default.VolumeMessage,
            (r, message) => ToldAsync(commands.SetAsync(
                r.Volume, [.. message.Options.Select(ToSetting)], CancellationToken.None)))
            .Conditional();
        Change(map, "DELETE", Options, "Takes all options back to their defaults.", r =>
            commands.ResetAsync(r.Volume, key: null, r.Flag("force"), CancellationToken.None))
            .Flag("force", "Also those that a new volume has set.");
        Change(map, "DELETE", Options + "/{key}", "Takes an option back to its default.", r =>
            commands.ResetAsync(r.Volume, r.Path("key"), r.Flag("force"), CancellationToken.None))
            .Flag("force", "Also one that a new volume has set.");
    }

    private static Route Change(
        RouteMap map, string method, string pattern, string summary,
        System.Func<RestRequest, Task<Volume>> command) =>
        map.Change(
            method, pattern, summary, VolumeMessageJson.Default.VolumeMessage, r => ToldAsync(command(r)))
            .Conditional();

    private static async Task<VolumeMessage> ToldAsync(Task<Volume> command) => ToMessage(await command);

    private static VolumeSetting ToSetting(SettingMessage? message)
    {
        var setting = RestRequest.NotNull("options", message);
        return new VolumeSetting(setting.Key, setting.Value);
    }

    private static CreateRequest ToRequest(CreateMessage message) => new(
        message.Name, [.. message.Bricks.Select(b => RestRequest.NotNull("bricks", b))])
    {
        ReplicaCount = message.ReplicaCount,
        ArbiterCount = message.ArbiterCount,
        JournalDirectory = message.JournalDirectory,
        Force = message.Force,
    };

    /// <summary>The status of a volume as it is told, without tasks.</summary>
    public static VolumeStatusMessage ToMessage(VolumeReport report) => new(
        report.Volume.Name, report.Volume.Id.ToString(),
        [
            .. report.Bricks.Select(b => new BrickStatusMessage(
                b.Brick.Host, b.Brick.Path, b.Brick.Node.ToString(), b.Online, b.Port, b.Pid,
                b.Detail is null ? null : ToMessage(b.Detail))),
        ])
    {
        Proxies = [.. report.Proxies.Select(ProxyRoutes.ToMessage)],
    };

    private async Task<VolumeStatusMessage> StatusAsync(RestRequest request)
    {
        var status = ToMessage(commands.Status(request.Path("name"), request.Flag("detail")));
        return request.Flag("detail") && details is not null
            ? await details.FillAsync(status, request.Aborted) : status;
    }

    private VolumeStatusMessage WithTasks(VolumeStatusMessage status) => tasks is null
        ? status : status with { Tasks = [.. tasks.Tasks.Where(t => t.Volume == status.Name)] };

    private static BrickDetailMessage ToMessage(BrickDetail detail) => new(
        detail.Device, detail.FileSystem, detail.MountOptions, detail.Space.BlockSize, detail.Space.TotalBytes,
        detail.Space.FreeBytes, detail.Space.Inodes, detail.Space.FreeInodes);

    /// <summary>The tag is read first: should the volume change in between, it is that of what was before.</summary>
    private OptionListMessage OptionsOf(string name, string? key)
    {
        var tag = VolumeTarget.TagOf(commands.Find(name));
        return new OptionListMessage(
            [.. commands.Get(name, key).Select(o => new OptionMessage(o.Key, o.Value, o.IsDefault))])
        {
            Tag = tag,
        };
    }
}
