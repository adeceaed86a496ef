using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Volumes;

/// <summary>The options of all volumes at once: <c>volume set all KEY VALUE</c>.</summary>
public static class ClusterOptions
{
    public const string ServerQuorumRatio = "cluster.server-quorum-ratio";
    public const string OpVersion = "cluster.op-version";
    public const string MaxOpVersion = "cluster.max-op-version";

    /// <summary>The level of GlusterFS' protocols that is spoken; it cannot be another one. Source: 10.0.</summary>
    public const int OpVersionValue = 100_000;

    /// <summary>Every option, in the order of <c>volume get all all</c>.</summary>
    public static IReadOnlyList<VolumeOption> All { get; } =
    [
        new(
            new OptionDeclaration(
                ServerQuorumRatio, OptionKind.Percent, "51",
                "Percent of the nodes that must be heard of where cluster.server-quorum-type is server.")
            {
                Minimum = 0,
                Maximum = 100,
            },
            [new OptionTarget(GraphSide.Brick, "management", "server-quorum-ratio")]),
        Fixed("cluster.enable-shared-storage", "disable", "Make a volume that all nodes mount."),
        new(
            new OptionDeclaration(
                OpVersion, OptionKind.Integer, Text(OpVersionValue), "The level of GlusterFS' protocols in use."), []),
        new(
            new OptionDeclaration(
                MaxOpVersion, OptionKind.Integer, Text(OpVersionValue), "The highest level that can be used."), []),
        Idle("cluster.brick-multiplex", OptionKind.Boolean, "disable",
            "Bricks of a node share a process; here they always do."),
        Idle("cluster.max-bricks-per-process", OptionKind.Integer, "250", "Bricks of such a process."),
        Idle("glusterd.vol_count_per_thread", OptionKind.Integer, "100", "Volumes a thread handles at start."),
        Idle("cluster.localtime-logging", OptionKind.Boolean, "disable", "Log local time."),
        Idle("cluster.daemon-log-level", OptionKind.Text, "INFO", "Least severity that daemons log."),
        Idle("cluster.brick-graceful-cleanup", OptionKind.Boolean, "disable", "End bricks step by step."),
    ];

    public static VolumeOption? Find(string key) => All.FirstOrDefault(o => o.Key == key);

    /// <summary>Why a key is not one of these, in GlusterFS' words.</summary>
    public static string Unknown(string key) => VolumeOptions.Find(key) is null && !VolumeOptions.IsUserKey(key)
        ? $"option : {key} does not exist\nDid you mean {Closest(key)}?" : "Not a valid option for all volumes";

    /// <summary>The known key that differs least.</summary>
    public static string Closest(string key) => VolumeOptions.Closest(key, All.Select(o => o.Key));

    /// <summary>Null when the setting can be made, else why not, in GlusterFS' words.</summary>
    public static string? Problem(string key, string value)
    {
        if (Find(key) is not { } option)
        {
            return Unknown(key);
        }

        if (VolumeNames.ValueProblem(value) is { } unfit)
        {
            return $"the value of option {key} {unfit}";
        }

        if (key == MaxOpVersion)
        {
            return "Not a valid option to set";
        }

        if (option.Problem(value) is not null || key != OpVersion)
        {
            return option.Problem(value);
        }

        var level = long.Parse(value, CultureInfo.InvariantCulture);
        return level <= OpVersionValue
            ? $"Required op-version ({value}) should not be equal or lower than current cluster op-version "
                + $"({OpVersionValue})."
            : $"Required op_version ({value}) is not supported. Max supported op_version is {OpVersionValue}";
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static VolumeOption Idle(string key, OptionKind kind, string standard, string help) =>
        new(new OptionDeclaration(key, kind, standard, help) { Minimum = 0 }, []) { Effect = OptionEffect.None };

    private static VolumeOption Fixed(string key, string standard, string help) =>
        new(new OptionDeclaration(key, OptionKind.Boolean, standard, help), []) { Effect = OptionEffect.Refused };
}
