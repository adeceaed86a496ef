using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.Json.Nodes;
using Myrmex.Interop.Tests.Kit;

namespace Myrmex.Campaigns;

/// <summary>What the files of one brick saw since the last look.</summary>
/// <param name="GoodUnixMs">End of the last operation that worked.</param>
internal sealed record BrickView(string Brick, int Operations, long WorstMs, long GoodUnixMs, IReadOnlyList<string> Errors);

/// <summary>Writes, reads and compares files of every brick through one mount: <c>fleet.py</c>.</summary>
internal sealed class FleetWriter : IDisposable
{
    private const int FilesPerBrick = 4;

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private readonly Helper _helper;
    private readonly string _folder;
    private readonly string _state;

    /// <param name="bricks">Directories of the bricks by node.</param>
    public FleetWriter(TestDirectory directory, string name, FuseMount mount, IReadOnlyDictionary<string, string> bricks)
    {
        Name = name;
        _folder = $"fleet-{name}";
        _state = directory[$"fleet-{name}.json"];
        _helper = Helper.Start(
            "fleet.py",
            [
                "run", Path.Combine(mount.Path, _folder), _state, $"{FilesPerBrick}",
                .. bricks.Select(b => $"{b.Key}={Path.Combine(b.Value, _folder)}"),
            ]);
        if (_helper.Answer(Patience) != "ready")
        {
            throw new HarnessException($"the writer of {name} has not begun");
        }
    }

    public string Name { get; }

    /// <summary>What has happened since the last look.</summary>
    public IReadOnlyList<BrickView> Look() => Parse(_helper.Ask("status", Patience));

    /// <summary>Ends the work; what has happened since the last look.</summary>
    public IReadOnlyList<BrickView> End() => Parse(_helper.Ask("end", Patience));

    /// <summary>What was acknowledged, read through a mount; empty when all of it is there, else what is not.</summary>
    public string Verify(FuseMount mount)
    {
        var result = Shell.Run("/", Patience, "python3", Helper.PathOf("fleet.py"), "verify", Path.Combine(mount.Path, _folder), _state);
        return result.ExitCode == 0 && result.Output.TrimEnd().EndsWith(" wrong 0", StringComparison.Ordinal) ? "" : result.ToString();
    }

    public void Dispose() => _helper.Dispose();

    private static List<BrickView> Parse(string line) =>
    [
        .. JsonNode.Parse(line)!.AsObject().Select(b => new BrickView(
            b.Key, b.Value!["operations"]!.GetValue<int>(), b.Value["worstMs"]!.GetValue<long>(), b.Value["goodMs"]!.GetValue<long>(),
            [.. b.Value["errors"]!.AsArray().Select(e => $"{e![2]}")])),
    ];
}
