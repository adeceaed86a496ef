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
        ("volume heal", "volumes with copies of files"),
        ("volume replace-brick", "replacing a brick"),
        ("volume reset-brick", "resetting a brick"),
        ("volume remove-brick", "removing bricks"),
        ("volume quota", "quota"),
        ("volume inode-quota", "quota"),
        ("volume bitrot", "signing of files"),
        ("volume geo-replication", "geo-replication"),
        ("volume barrier", "barriers"),
        ("snapshot create", "snapshots"),
        ("snapshot clone", "snapshots"),
        ("snapshot restore", "snapshots"),
        ("snapshot status", "snapshots"),
        ("snapshot info", "snapshots"),
        ("snapshot list", "snapshots"),
        ("snapshot config", "snapshots"),
        ("snapshot delete", "snapshots"),
        ("snapshot activate", "snapshots"),
        ("snapshot deactivate", "snapshots"),
        ("nfs-ganesha", "set-up of NFS-Ganesha"),
        ("system:: uuid reset", "another identity of a node"),
        ("system:: copy file", "copying files to all nodes"),
        ("system:: execute", "running programs on all nodes"),
        ("system:: mount", "mounting for others"),
        ("system:: umount", "unmounting for others"),
    ];

    private IEnumerable<CliCommand> AbsentTable() => Absent.Select(a => new CliCommand(
        a.Words, a.Words, $"not in this version: {a.What}", _ => Task.FromResult(RefuseAbsent(a.Words, a.What)))
    {
        IsAbsent = true,
    });

    private int RefuseAbsent(string words, string what)
    {
        var e = new CommandException(CommandFailure.NotSupported, $"this version does not have {what}");
        return _arguments.IsXml
            ? Print(CliXml.Failure(e.Message).ToString()) : Refused(e, $"{words}: failed: {e.Message}");
    }
}
