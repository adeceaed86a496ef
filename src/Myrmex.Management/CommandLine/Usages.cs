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
}
