using System;
using System.CommandLine;
using System.IO;
using Myrmex.Management;

namespace Myrmex.Host;

/// <summary><c>myrmex web</c>: where the page of the daemon is, with the token that opens it.</summary>
internal static class WebCommand
{
    public static Command Entry { get; } = new("web", "the page for people: its address", Run);

    private static int Run(string[] args)
    {
        var root = new RootCommand("Prints the address of the daemon's page, which opens with it. It is a secret: "
            + "whoever has it is administrator.");
        return ClusterCommand.AskingHere(root, async (client, _) =>
        {
            var daemon = await client.DaemonAsync();
            if (daemon.HttpPort == 0)
            {
                throw new IOException(
                    "The daemon was started with --http 0 and has no page. Start it with --http PORT.");
            }

            var file = Path.Combine(daemon.WorkingDirectory, DaemonOptions.TokenFileName);
            var token = (await File.ReadAllTextAsync(file)).Trim();
            Console.WriteLine($"http://localhost:{daemon.HttpPort}/#token={token}");
            await Console.Error.WriteLineAsync(
                $"From another machine: ssh -L {daemon.HttpPort}:localhost:{daemon.HttpPort} {daemon.HostName}");
            return 0;
        }).Parse(args).Invoke();
    }
}
