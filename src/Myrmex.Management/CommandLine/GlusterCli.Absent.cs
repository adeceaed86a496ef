using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;

namespace Myrmex.Management.CommandLine;

public sealed partial class GlusterCli
{
    /// <summary>
    /// Commands of GlusterFS for what this version does not have: they are known, and say so, with the exit code of a
    /// failure.
    /// </summary>
    private static readonly (string Words, string What)[] Absent =
    [
        ("volume remove-brick", "bricks cannot be removed"),
        ("volume quota", "there is no quota"),
        ("volume inode-quota", "there is no quota"),
        ("volume bitrot", "files are not signed"),
        ("volume geo-replication", "there is no geo-replication"),
        ("volume barrier", "there are no barriers"),
        ("snapshot create", "there are no snapshots"),
        ("snapshot clone", "there are no snapshots"),
        ("snapshot restore", "there are no snapshots"),
        ("snapshot status", "there are no snapshots"),
        ("snapshot info", "there are no snapshots"),
        ("snapshot list", "there are no snapshots"),
        ("snapshot config", "there are no snapshots"),
        ("snapshot delete", "there are no snapshots"),
        ("snapshot activate", "there are no snapshots"),
        ("snapshot deactivate", "there are no snapshots"),
        ("nfs-ganesha", "NFS-Ganesha is not set up"),
        ("system:: uuid reset", "a node keeps its identity"),
        ("system:: copy file", "files are not copied to other nodes"),
        ("system:: execute", "programs are not run on other nodes"),
        ("system:: mount", "nothing is mounted for others"),
        ("system:: umount", "nothing is unmounted for others"),
    ];

    private IEnumerable<CliCommand> AbsentTable() => Absent.Select(a => new CliCommand(
        a.Words, a.Words, a.What, _ => Task.FromResult(RefuseAbsent(a.Words, a.What)))
    {
        IsAbsent = true,
    });

    /// <param name="what">Before "in this version".</param>
    private int RefuseAbsent(string words, string what)
    {
        var e = new CommandException(CommandFailure.NotSupported, $"{what} in this version");
        if (!_arguments.IsXml)
        {
            return Refused(e, $"{words}: failed: {e.Message}");
        }

        Print(CliXml.Failure(e.Message).ToString());
        return Failed;
    }
}
