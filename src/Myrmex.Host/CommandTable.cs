using System.Collections.Generic;

namespace Myrmex.Host;

/// <summary>All subcommands.</summary>
internal static class CommandTable
{
    public static IReadOnlyList<Command> All { get; } =
    [
        BrickCommand.Entry,
        BrickAskCommand.Entry,
        ProxyCommand.Entry,
        MountCommand.Entry,
        DaemonCommand.Entry,
        RebalanceCommand.Entry,
        GlusterCommands.Gluster,
        GlusterCommands.Peer,
        GlusterCommands.Pool,
        GlusterCommands.Volume,
        GlusterCommands.Events,
        GlusterCommands.Tasks,
        ClusterCommand.Entry,
        WebCommand.Entry,
        Aliases.Install,
    ];
}
