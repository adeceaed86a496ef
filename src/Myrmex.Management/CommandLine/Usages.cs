using System.Collections.Generic;

namespace Myrmex.Management.CommandLine;

/// <summary>The grammar of the commands there are, in GlusterFS' words.</summary>
internal static class Usages
{
    public const string Create =
        "volume create <NEW-VOLNAME> [transport <tcp>] <NEW-BRICK>... [force]";

    public const string Start = "volume start <VOLNAME> [force]";
    public const string Stop = "volume stop <VOLNAME> [force]";
    public const string Delete = "volume delete <VOLNAME>";
    public const string Info = "volume info [all|<VOLNAME>]";
    public const string List = "volume list";
    public const string Status = "volume status [all | <VOLNAME>] [detail]";
    public const string Set = "volume set <VOLNAME> <KEY> <VALUE> [<KEY> <VALUE>]...";
    public const string Get = "volume get <VOLNAME> <key|all>";
    public const string Reset = "volume reset <VOLNAME> [option] [force]";
    public const string Help = "volume help";
    public const string PeerStatus = "peer status";
    public const string PoolList = "pool list";

    public static IReadOnlyList<(string Usage, string Does)> Volume { get; } =
    [
        (Create, "create a new volume with mentioned bricks"),
        (Delete, "delete volume specified by <VOLNAME>"),
        (Get, "Get the value of the all options or given option for volume <VOLNAME>"),
        (Help, "display help for volume commands"),
        (Info, "list information of all volumes"),
        (List, "list all volumes in cluster"),
        (Reset, "reset all the reconfigured options"),
        (Set, "set options for volume <VOLNAME>; 'volume set help' lists them"),
        (Start, "start volume specified by <VOLNAME>"),
        (Status, "display status of all or specified volume(s)"),
        (Stop, "stop volume specified by <VOLNAME>"),
    ];

    public static IReadOnlyList<(string Usage, string Does)> Peer { get; } =
    [
        (PeerStatus, "list status of peers"),
        (PoolList, "list all the nodes in the pool (including localhost)"),
    ];
}
