using System;
using System.IO;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex mount</c> and <c>mount.glusterfs</c> without the rest: the arguments are those of the command.
/// </summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        _ = Sys.RaiseDescriptorLimit();
        try
        {
            if (args is ["version" or "--version" or "-V"])
            {
                return Version();
            }

            // The child that serves a mount is started with the name of the command.
            args = args is ["mount", ..] ? args[1..] : args;
            return Path.GetFileName(Environment.GetCommandLineArgs()[0]) == "mount.glusterfs"
                ? GlusterMountArguments.Run(args, Version) : MountCommand.Entry.Run(args);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Console.Error.WriteLine($"myrmex: {e.Message}");
            return 1;
        }
    }

    private static int Version()
    {
        Console.Out.WriteLine($"myrmex {BuildVersion.Text}");
        return 0;
    }
}
