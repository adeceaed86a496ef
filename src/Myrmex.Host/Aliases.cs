using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;

namespace Myrmex.Host;

/// <summary>
/// GlusterFS' names for this executable: called as <c>gluster</c>, <c>glusterd</c> or <c>mount.glusterfs</c> it takes
/// their arguments. <c>myrmex install-aliases</c> makes the links.
/// </summary>
internal static class Aliases
{
    public static IReadOnlyList<Command> All { get; } =
    [
        GlusterCommands.Gluster,
        new("glusterd", "the management daemon with GlusterFS' options", GlusterdArguments.Run),
        new("mount.glusterfs", "mount with the options of mount.glusterfs",
            static args => GlusterMountArguments.Run(args, static () => GlusterCommands.Run(["--version"]))),
        new("mount.myrmex", "mount helper", MountCommand.Entry.Run),
    ];

    public static Command Install { get; } = new(
        "install-aliases", "make gluster, glusterd and mount.glusterfs in a directory", InstallIn);

    /// <summary>The alias that this process was called as; null for none.</summary>
    public static Command? Called
    {
        get
        {
            // What the runtime tells is the path of the program, not the name it was called by.
            var line = Encoding.UTF8.GetString(File.ReadAllBytes("/proc/self/cmdline"));
            var name = Path.GetFileName(line.Split('\0')[0]);
            return All.FirstOrDefault(a => a.Name == name);
        }
    }

    private static int InstallIn(string[] args)
    {
        var force = args.Contains("--force");
        var directories = args.Where(a => a != "--force").ToArray();
        if (directories.Length is < 1 or > 2 || directories.Any(d => d.StartsWith('-')))
        {
            Console.Error.WriteLine("usage: myrmex install-aliases DIRECTORY [MOUNT-DIRECTORY] [--force]\n"
                + "  links gluster and glusterd in DIRECTORY (e.g. /usr/sbin) and mount.glusterfs and\n"
                + "  mount.myrmex in MOUNT-DIRECTORY (/sbin) to this program; --force replaces other files");
            return 2;
        }

        var program = Environment.ProcessPath ?? throw new IOException("the path of this program is not known");
        if (Path.GetFileNameWithoutExtension(program) == "dotnet")
        {
            Console.Error.WriteLine("myrmex install-aliases: run the executable itself, not 'dotnet myrmex.dll'");
            return 1;
        }

        var links = All.Select(a => Path.Combine(
            a.Name.StartsWith("mount.", StringComparison.Ordinal) ? directories.ElementAtOrDefault(1) ?? "/sbin"
                : directories[0],
            a.Name)).ToList();
        var taken = links.Where(l => !force && IsTaken(l, program)).ToList();
        if (taken.Count > 0)
        {
            Console.Error.WriteLine(
                $"myrmex install-aliases: {string.Join(", ", taken)} exist and are something else; nothing was done. "
                + "Use --force to replace them.");
            return 1;
        }

        foreach (var link in links)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(link)!);
            File.Delete(link);
            File.CreateSymbolicLink(link, program);
            Console.WriteLine($"{link} -> {program}");
        }

        return 0;
    }

    private static bool IsTaken(string link, string program) =>
        (File.Exists(link) || new FileInfo(link).LinkTarget is not null) && new FileInfo(link).LinkTarget != program;
}
