using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a client, bottom up: a protocol/client a brick, cluster/distribute (present even over one brick),
/// features/utime when features.ctime is on, the performance translators that are switched on, and debug/io-stats with
/// the name of the volume. The same for our own and for GlusterFS clients, except of a volume with journals: our own
/// attach to all members and have a cluster/journal-client a replica set, which finds the member that leads; GlusterFS'
/// have one protocol/client a replica set, to the door of one brick. Both call it <see cref="Volume.NameOf"/>.
/// </summary>
public static class ClientVolfile
{
    /// <summary>The port where clients ask for a brick's port unless the file says otherwise.</summary>
    public const int ManagementPortDefault = 24007;

    /// <summary>Sends what it gets to the member that leads.</summary>
    internal const string JournalClientType = "cluster/journal-client";

    private const string WindowSize = "cache-size";
    private const string FarWindow = "4MB";

    /// <param name="trusted">For a node of the pool: with the name and password that auth.allow does not limit.</param>
    /// <param name="managementPort">Where the daemons of the bricks' hosts serve the port map.</param>
    /// <param name="isOurs">For a client of ours.</param>
    /// <param name="isAlive">
    /// Whether the node of a brick is heard of. A GlusterFS client of a volume with journals gets the door of the first
    /// such brick of each set, or of the first one when none is. Null: all are.
    /// </param>
    public static VolfileDocument Build(
        Volume volume, bool trusted, int managementPort = ManagementPortDefault, bool isOurs = false,
        Func<Brick, bool>? isAlive = null)
    {
        var file = new VolfileDocument();
        AddDistribute(file, volume, isOurs, isAlive, (name, brick, export) => Add(
            file, volume, name, ClientBlock.Type,
            ClientBlock.Options(volume, brick, export, trusted, managementPort), []));
        Layer(file, volume, VolumeOptions.Ctime, "utime", "features/utime");
        LayerWriteBehind(file, volume, isFar: isOurs && volume.HasJournals);
        Layer(file, volume, VolumeOptions.OpenBehind, "open-behind", "performance/open-behind");
        Layer(file, volume, VolumeOptions.QuickRead, "quick-read", "performance/quick-read");
        Layer(file, volume, VolumeOptions.MdCache, "md-cache", "performance/md-cache");
        Add(file, volume, volume.Name, "debug/io-stats", [], [file.Top.Name]);
        return file;
    }

    /// <summary>The bricks, what makes copies of one, and the distribution over them.</summary>
    /// <param name="addClient">Adds a block of this name that attaches to an export of a brick.</param>
    /// <param name="node">The node on which the graph is; null when it is not known to be one.</param>
    internal static void AddDistribute(
        VolfileDocument file, Volume volume, bool isOurs, Func<Brick, bool>? isAlive,
        Action<string, Brick, string> addClient, NodeId? node = null)
    {
        var subvolumes = new List<string>();
        if (!volume.HasJournals)
        {
            foreach (var brick in volume.Bricks)
            {
                subvolumes.Add(brick.IdIn(volume.Name));
                addClient(brick.IdIn(volume.Name), brick, brick.Path);
            }
        }

        for (var place = 0; place < volume.ReplicaSets.Count; place++)
        {
            var name = volume.NameOf(volume.ReplicaSets[place]);
            var members = volume.MembersAt(place);
            subvolumes.Add(name);
            if (!isOurs)
            {
                var door = members.FirstOrDefault(b => isAlive is null || isAlive(b)) ?? members[0];
                addClient(name, door, door.Path);
                continue;
            }

            foreach (var brick in members)
            {
                addClient(brick.IdIn(volume.Name), brick, brick.MemberExport);
            }

            Add(file, volume, name, JournalClientType, [new("members", BrickVolfile.Numbers(members))],
                [.. members.Select(b => b.IdIn(volume.Name))]);
            AddReaders(file.Top, VolumeOptions.ReadersAt(volume, place), node);
        }

        Add(file, volume, $"{volume.Name}-dht", "cluster/distribute", DistributeOptions(volume), subvolumes);
    }

    /// <summary>Who is asked for large reads: the one on the same machine, else all for a part each.</summary>
    private static void AddReaders(VolfileBlock set, IReadOnlyList<Brick> readers, NodeId? node)
    {
        if (readers.FirstOrDefault(b => b.Node == node) is { } near)
        {
            set.With("near", BrickVolfile.Numbers([near]));
        }
        else if (readers.Count > 0)
        {
            set.With("readers", BrickVolfile.Numbers(readers));
        }
    }

    private static List<KeyValuePair<string, string>> DistributeOptions(Volume volume) =>
        volume.DecommissionedSubvolumes is { Count: > 0 } leaving
            ? [new("decommissioned-bricks", string.Join(',', leaving))]
            : [];

    /// <summary>
    /// A write of our clients to a replica set, or through a proxy, is on two links one after the other and waits for
    /// disks: with a window of 1 MB it would be on its way most of the time while the client's link is idle.
    /// </summary>
    /// <param name="isFar">Such a client's.</param>
    internal static void LayerWriteBehind(VolfileDocument file, Volume volume, bool isFar)
    {
        const string Type = "performance/write-behind";
        Layer(file, volume, VolumeOptions.WriteBehind, "write-behind", Type);
        if (isFar && file.Top.Type == Type && file.Top.Option(WindowSize) is null)
        {
            file.Top.With(WindowSize, FarWindow);
        }
    }

    internal static void Layer(VolfileDocument file, Volume volume, string option, string suffix, string type)
    {
        if (VolumeOptions.IsOn(volume, option))
        {
            Add(file, volume, $"{volume.Name}-{suffix}", type, [], [file.Top.Name]);
        }
    }

    internal static void Add(
        VolfileDocument file, Volume volume, string name, string type,
        List<KeyValuePair<string, string>> options, IReadOnlyList<string> subvolumes)
    {
        options.AddRange(VolumeOptions.For(volume, GraphSide.Client, type));
        var block = file.Add(name, type).Over(subvolumes);
        block.Options.AddRange(options);
    }
}
