using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>One brick as a client sees it.</summary>
/// <param name="Path">Directory on the server; also the name a client asks for.</param>
internal sealed record BrickAddress(string Host, int Port, string Path);

/// <summary>Volume files written by hand, for tests below the management.</summary>
internal static class Volfiles
{
    public const string Disk = "storage/posix";

    public const string Memory = "storage/memory";

    /// <summary>Graph of one brick, in the order of a stock one.</summary>
    /// <param name="storage">Type of the bottom translator.</param>
    public static string Brick(string volume, string path, string volumeId, string storage = Disk)
    {
        var file = new StringBuilder();
        Block(file, $"{volume}-posix", storage, storage == Disk ? [$"directory {path}", $"volume-id {volumeId}"] : []);
        Block(file, $"{volume}-locks", "features/locks", [], $"{volume}-posix");
        Block(file, path, "debug/io-stats", [], $"{volume}-locks");
        Block(
            file,
            $"{volume}-server",
            "protocol/server",
            ["transport-type tcp", $"auth-path {path}", $"auth.addr.{path}.allow *"],
            path);
        return file.ToString();
    }

    /// <summary>Client graph over a distribute set: clients, DHT, and above it the translators of a stock client unless bare.</summary>
    public static string Client(string volume, IReadOnlyList<BrickAddress> bricks, bool performance = true, params string[] clientOptions)
    {
        var file = new StringBuilder();
        for (var index = 0; index < bricks.Count; index++)
        {
            var brick = bricks[index];
            Block(
                file,
                $"{volume}-client-{index}",
                "protocol/client",
                [
                    "transport-type tcp",
                    $"remote-host {brick.Host}",
                    $"remote-port {brick.Port}",
                    $"remote-subvolume {brick.Path}",
                    .. clientOptions,
                ]);
        }

        Block(
            file,
            $"{volume}-dht",
            "cluster/distribute",
            ["lock-migration off", "force-migration off"],
            [.. Enumerable.Range(0, bricks.Count).Select(index => $"{volume}-client-{index}")]);
        var top = $"{volume}-dht";
        foreach (var type in performance
            ? new[] { "write-behind", "open-behind", "quick-read", "md-cache", "io-threads" }
            : [])
        {
            Block(file, $"{volume}-{type}", $"performance/{type}", [], top);
            top = $"{volume}-{type}";
        }

        Block(file, volume, "debug/io-stats", [], top);
        return file.ToString();
    }

    private static void Block(StringBuilder file, string name, string type, string[] options, params string[] subvolumes)
    {
        file.Append($"volume {name}\n    type {type}\n");
        foreach (var option in options)
        {
            file.Append($"    option {option}\n");
        }

        if (subvolumes.Length > 0)
        {
            file.Append($"    subvolumes {string.Join(' ', subvolumes)}\n");
        }

        file.Append("end-volume\n\n");
    }
}
