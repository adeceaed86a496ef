namespace Myrmex.Management.CommandLine;

/// <summary>The grammar of the commands, in GlusterFS' words.</summary>
internal static class Usages
{
    public const string Create =
        "volume create <NEW-VOLNAME> [[replica <COUNT> [arbiter <COUNT>]]|[replica 2 thin-arbiter 1]] "
        + "[disperse [<COUNT>]] [disperse-data <COUNT>] [redundancy <COUNT>] [transport <tcp|rdma|tcp,rdma>] "
        + "<NEW-BRICK> <TA-BRICK>... [force]";

    public const string Start = "volume start <VOLNAME> [force]";
    public const string Stop = "volume stop <VOLNAME> [force]";
    public const string Delete = "volume delete <VOLNAME>";
    public const string Info = "volume info [all|<VOLNAME>]";
    public const string List = "volume list";

    public const string Status =
        "volume status [all | <VOLNAME> [nfs|shd|<BRICK>|quotad]] "
        + "[detail|clients|mem|inode|fd|callpool|tasks|client-list]";

    public const string Set = "volume set <VOLNAME> <KEY> <VALUE>";
    public const string SetGroup = "volume set <VOLNAME> group <GROUP>";
    public const string Get = "volume get <VOLNAME|all> <key|all>";
    public const string Reset = "volume reset <VOLNAME> [option] [force]";
    public const string Help = "volume help";

    public const string AddBrick =
        "volume add-brick <VOLNAME> [<replica> <COUNT> [arbiter <COUNT>]] <NEW-BRICK> ... [force]";

    public const string ReplaceBrick = "volume replace-brick <VOLNAME> <SOURCE-BRICK> <NEW-BRICK> {commit force}";

    public const string ResetBrick =
        "volume reset-brick <VOLNAME> <SOURCE-BRICK> {{start} | {<NEW-BRICK> commit}}";

    public const string Rebalance =
        "volume rebalance <VOLNAME> {{fix-layout start} | {start [force]|stop|status}}";

    public const string Heal =
        "volume heal <VOLNAME> [enable | disable | full |statistics [heal-count [replica <HOSTNAME:BRICKNAME>]] |"
        + "info [summary | split-brain] |split-brain {bigger-file <FILE> | latest-mtime <FILE> |"
        + "source-brick <HOSTNAME:BRICKNAME> [<FILE>]} |granular-entry-heal {enable | disable}]";

    public const string Leader = "volume leader <VOLNAME> [status | move <HOSTNAME:BRICKNAME> | reset]";

    public const string Profile =
        "volume profile <VOLNAME> {start|info [peek|incremental [peek]|cumulative|clear]|stop} [nfs]";

    public const string Top =
        "volume top <VOLNAME> {open|read|write|opendir|readdir|clear} [nfs|brick <brick>] [list-cnt <value>] | "
        + "{read-perf|write-perf} [bs <size> count <count>] [brick <brick>] [list-cnt <value>]";

    public const string Statedump =
        "volume statedump <VOLNAME> [[nfs|quotad] [all|mem|iobuf|callpool|priv|fd|inode|history]... | "
        + "[client <hostname:process-id>]]";

    public const string ClearLocks =
        "volume clear-locks <VOLNAME> <path> kind {blocked|granted|all}"
        + "{inode [range]|entry [basename]|posix [range]}";

    public const string LogRotate = "volume log <VOLNAME> rotate [BRICK]";
    public const string Sync = "volume sync <HOSTNAME> [all|<VOLNAME>]";
    public const string PeerStatus = "peer status";
    public const string Probe = "peer probe { <HOSTNAME> | <IP-address> }";
    public const string Detach = "peer detach { <HOSTNAME> | <IP-address> } [force]";
    public const string Label = "peer label <HOSTNAME> <KEY>=<VALUE>|<KEY>= ...";
    public const string PoolList = "pool list";

    public const string GetState =
        "get-state [<daemon>] [[odir </path/to/output/dir/>] [file <filename>]] [detail|volumeoptions]";

    public const string Events = "events [--follow] [--after N]";
    public const string Tasks = "tasks";
}
