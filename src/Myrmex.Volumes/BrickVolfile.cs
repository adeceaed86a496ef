using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>
/// The graph of a brick, bottom up: storage/posix, features/locks, features/outcomes, features/cache-leases,
/// features/leases, features/upcall, debug/io-stats with the brick's path as its name (the name clients attach to),
/// protocol/server with who may attach. With journals: storage/posix and a protocol/client to every other member of the
/// replica set, features/locks over the store (below the journal, because only a member that leads may grant an inode
/// lock), cluster/journal over them, features/cache-leases, features/leases, debug/io-stats with the name of the
/// member's export, a cluster/journal-client with the brick's path as its name, which passes what clients of GlusterFS
/// send on to the member that leads, and protocol/server with both exports. An arbiter has no storage: its
/// cluster/journal is a witness and stands over the ways to the other members alone.
/// </summary>
public static class BrickVolfile
{
    /// <summary>Tells clients what others have changed.</summary>
    internal const string UpcallType = "features/upcall";

    /// <summary>Promises proxies to tell them before anybody changes what they keep.</summary>
    internal const string CacheLeasesType = "features/cache-leases";

    /// <summary>Gives leases of files.</summary>
    internal const string LeasesType = "features/leases";

    /// <param name="managementPort">Where the daemons of the other members serve the port map.</param>
    public static VolfileDocument Build(
        Volume volume, Brick brick, int managementPort = ClientVolfile.ManagementPortDefault)
    {
        var file = new VolfileDocument();
        if (volume.IsArbiter(brick))
        {
            AddServer(
                file, volume, $"{volume.Name}-server", brick.Path,
                AddMember(file, volume, brick, managementPort, store: null));
            return file;
        }

        var sharing = volume.SharingFileSystem(brick).ToString(CultureInfo.InvariantCulture);
        Add(file, volume, $"{volume.Name}-posix", "storage/posix",
            [
                new("shared-brick-count", sharing),
                new("volume-id", volume.Id.ToString()),
                new("directory", brick.Path),
            ],
            []);
        Add(file, volume, $"{volume.Name}-locks", "features/locks", [], [file.Top.Name]);
        string[] exports = volume.HasJournals ? AddMember(file, volume, brick, managementPort, file.Top.Name)
            : AddPlain(file, volume, brick);
        AddServer(file, volume, $"{volume.Name}-server", brick.Path, exports);
        return file;
    }

    /// <summary>A brick that proxies send their clients' changes to remembers what came of them.</summary>
    private static string[] AddPlain(VolfileDocument file, Volume volume, Brick brick)
    {
        Add(file, volume, $"{volume.Name}-outcomes", "features/outcomes", [], [file.Top.Name]);
        Add(file, volume, $"{volume.Name}-cache-leases", CacheLeasesType, [], [file.Top.Name]);
        Add(file, volume, $"{volume.Name}-leases", LeasesType, [], [file.Top.Name]);
        Add(file, volume, $"{volume.Name}-upcall", UpcallType, [], [file.Top.Name]);
        return AddStack(file, volume, brick, brick.Path);
    }

    /// <summary>What every brick has at the top of its own stack.</summary>
    private static string[] AddStack(VolfileDocument file, Volume volume, Brick brick, string export)
    {
        Add(file, volume, export, "debug/io-stats",
            [new("unique-id", brick.Path), new("volume-id", volume.Id.ToString())], [file.Top.Name]);
        return [export];
    }

    /// <param name="store">The top of its own storage; null for an arbiter.</param>
    private static string[] AddMember(
        VolfileDocument file, Volume volume, Brick brick, int managementPort, string? store)
    {
        var place = volume.SetPlaceOf(brick);
        var set = volume.ReplicaSets[place];
        var peers = volume.MembersAt(place).Where(b => b.Index != brick.Index).ToList();
        foreach (var peer in peers)
        {
            ClientBlock.AddOfServer(
                file, volume, PeerName(volume, peer), peer, peer.MemberExport, managementPort);
        }

        string[] peerNames = [.. peers.Select(p => PeerName(volume, p))];
        List<KeyValuePair<string, string>> options =
            [
                new("replica-set", volume.IdOf(set).ToString()),
                new("store-prefix", volume.StorePrefixOf(set)),
                new("member", Numbers([brick])),
                new("incarnation", brick.Incarnation.ToString(CultureInfo.InvariantCulture)),
                new("peers", Numbers(peers)),
                new("journal-directory", brick.JournalDirectory),
                new("volume-name", volume.Name),
                new("set-number", set.Number.ToString(CultureInfo.InvariantCulture)),
                new("brick-name", brick.FullName),
                new("node-id", brick.Node.ToString()),
                new("preferred-leader", Numbers([volume.PreferredLeaderAt(place)])),
            ];
        if (store is null)
        {
            options.Add(new("witness", "on"));
        }
        else if (brick.Journal is not null)
        {
            options.Add(new("store-directory", brick.Internals));
        }

        Add(
            file, volume, $"{volume.Name}-journal", "cluster/journal", options,
            store is null ? peerNames : [store, .. peerNames]);
        if (store is not null)
        {
            Add(file, volume, $"{volume.Name}-cache-leases", CacheLeasesType, [], [file.Top.Name]);
            Add(file, volume, $"{volume.Name}-leases", LeasesType, [], [file.Top.Name]);
        }

        AddStack(file, volume, brick, brick.MemberExport);
        Add(file, volume, brick.Path, ClientVolfile.JournalClientType,
            [new("members", Numbers([brick, .. peers]))], [brick.MemberExport, .. peerNames]);
        if (VolumeOptions.ReadersAt(volume, place).Contains(brick))
        {
            file.Top.With("near", Numbers([brick]));
        }

        return [brick.Path, brick.MemberExport];
    }

    private static string PeerName(Volume volume, Brick peer) =>
        string.Create(CultureInfo.InvariantCulture, $"{volume.Name}-peer-{peer.Index}");

    /// <summary>Member numbers, separated by commas.</summary>
    internal static string Numbers(IEnumerable<Brick> members) => string.Join(
        ',', members.Select(m => (m.Member ?? 0).ToString(CultureInfo.InvariantCulture)));

    /// <summary>The server over what clients may attach to.</summary>
    internal static void AddServer(
        VolfileDocument file, Volume volume, string name, string authPath, string[] exports)
    {
        var options = ServerOptions(volume, authPath, exports);
        options.AddRange(VolumeOptions.For(volume, GraphSide.Brick, "protocol/server", exports));
        file.Add(name, "protocol/server").Over(exports).Options.AddRange(options);
    }

    private static List<KeyValuePair<string, string>> ServerOptions(
        Volume volume, string authPath, string[] exports)
    {
        var options = new List<KeyValuePair<string, string>> { new("transport-type", "tcp") };
        foreach (var export in exports)
        {
            options.Add(new($"auth.login.{export}.allow", volume.Username));
        }

        options.Add(new($"auth.login.{volume.Username}.password", volume.Password));
        options.Add(new("auth-path", authPath));
        if (volume.Setting(VolumeOptions.AuthAllow) is null)
        {
            var all = VolumeOptions.Effective(volume, VolumeOptions.AuthAllow);
            options.AddRange(exports.Select(e => new KeyValuePair<string, string>($"auth.addr.{e}.allow", all)));
        }

        return options;
    }

    private static void Add(
        VolfileDocument file, Volume volume, string name, string type, List<KeyValuePair<string, string>> options,
        IReadOnlyList<string> below)
    {
        options.AddRange(VolumeOptions.For(volume, GraphSide.Brick, type));
        file.Add(name, type).Over(below).Options.AddRange(options);
    }
}
