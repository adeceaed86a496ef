using System;
using System.IO;
using Myrmex.Base;
using Myrmex.Management.CommandLine;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex volume</c>, <c>peer</c> and <c>pool</c>: GlusterFS' command line; <c>myrmex gluster</c> takes a whole line
/// of it, or a prompt without one.
/// </summary>
internal static class GlusterCommands
{
    public static Command Volume { get; } = new(
        "volume", "create, start, stop, change and show volumes", args => Run(["volume", .. args]));

    public static Command Peer { get; } = new("peer", "show the peers of this node", args => Run(["peer", .. args]));

    public static Command Pool { get; } = new("pool", "list the nodes of the pool", args => Run(["pool", .. args]));

    public static Command Gluster { get; } = new("gluster", "take a command line of GlusterFS' gluster command", Run);

    public static Command Events { get; } = new(
        "events", "show what has happened; --follow for what happens", args => Run(["events", .. args]));

    public static Command Tasks { get; } = new("tasks", "show long work", args => Run(["tasks", .. args]));

    public static int Run(string[] args)
    {
        using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = false };
        var cli = new GlusterCli(Connect, new CliTerminal(Console.In, output, Console.Error), BuildVersion.Text);
        return cli.RunAsync(args).GetAwaiter().GetResult();
    }

    private static ManagementClient Connect(CliArguments arguments)
    {
        if (arguments.RemoteHost is { } host)
        {
            return new ManagementClient(host, HostPaths.CertificateOf(arguments.Certificate), arguments.Timeout);
        }

        var directory = arguments.WorkingDirectory is { } given ? Path.GetFullPath(given) : HostPaths.WorkingDirectory;
        return new ManagementClient(Path.TrimEndingDirectorySeparator(directory), arguments.Timeout, arguments.Socket);
    }
}
