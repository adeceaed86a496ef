using System;
using System.Linq;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>The executable: one subcommand a process kind, one file a subcommand in Commands/.</summary>
internal static class Program
{
    private static int Main(string[] args)
    {
        _ = Sys.RaiseDescriptorLimit(); // Clients and open files are descriptors; usual soft limits are for select(2).
        try
        {
            if (Aliases.Called is { } alias)
            {
                return alias.Run(args);
            }

            var command = args.Length == 0 ? null
                : CommandTable.All.Concat(Aliases.All).FirstOrDefault(c => c.Name == args[0]);
            if (command is null)
            {
                return args is ["version" or "--version" or "-V"] ? Version() : Usage(args);
            }

            return command.Run(args[1..]);
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

    private static int Usage(string[] args)
    {
        var asked = args.Length == 0 || args[0] is "help" or "--help" or "-h";
        var writer = asked ? Console.Out : Console.Error;
        if (!asked)
        {
            writer.WriteLine($"myrmex: unknown command '{args[0]}'");
        }

        writer.WriteLine("usage: myrmex COMMAND ...");
        foreach (var command in CommandTable.All)
        {
            writer.WriteLine($"  {command.Name,-10} {command.Help}");
        }

        return asked ? 0 : 2;
    }
}
