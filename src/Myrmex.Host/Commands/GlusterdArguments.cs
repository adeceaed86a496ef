using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Host;

/// <summary>
/// The options of GlusterFS' <c>glusterd</c> as those of <c>myrmex daemon</c>. Its volume file is read for the
/// working directory and the bind address; other options there are not ours.
/// </summary>
internal static class GlusterdArguments
{
    private const string Usage =
        "usage: glusterd [-N] [-f VOLFILE] [-l LOG-FILE] [-L LOG-LEVEL] [-p PID-FILE] [--debug] [-V]";

    private static readonly string[] Ignored = ["--localtime-logging", "--print-netgroups", "--global-threading"];

    public static int Run(string[] args)
    {
        if (args.Contains("-V") || args.Contains("--version"))
        {
            return GlusterCommands.Run(["--version"]);
        }

        try
        {
            return DaemonCommand.Entry.Run([.. Translate(args)]);
        }
        catch (FormatException e)
        {
            Console.Error.WriteLine($"{e.Message}\n{Usage}");
            return 1;
        }
    }

    /// <summary>Throws <see cref="FormatException"/> and <see cref="IOException"/>.</summary>
    internal static List<string> Translate(string[] args)
    {
        var result = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            var equals = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i].IndexOf('=') : -1;
            var name = equals > 0 ? args[i][..equals] : args[i];
            string Value() => equals > 0 ? args[i][(equals + 1)..]
                : ++i < args.Length ? args[i] : throw new FormatException($"option {name} needs a value");
            switch (name)
            {
                case "-N" or "--no-daemon":
                    result.Add("--foreground");
                    break;
                case "--debug":
                    result.AddRange(["--foreground", "--log-level", "Debug"]);
                    break;
                case "-l" or "--log-file":
                    result.AddRange(["--log-file", Value()]);
                    break;
                case "-L" or "--log-level":
                    result.AddRange(["--log-level", Level(Value())]);
                    break;
                case "-f" or "--volfile":
                    AddVolfile(result, Value());
                    break;
                case "-p" or "--pid-file" or "--logger" or "--log-format" or "--xlator-option":
                    Value(); // The daemon's pid is in its working directory.
                    break;
                case var other when Array.IndexOf(Ignored, other) >= 0:
                    break;
                default:
                    throw new FormatException($"unrecognized option '{args[i]}'");
            }
        }

        return result;
    }

    private static void AddVolfile(List<string> result, string file)
    {
        foreach (var line in File.ReadLines(file))
        {
            var words = line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
            switch (words)
            {
                case ["option", "working-directory", var directory]:
                    result.AddRange(["--working-directory", directory]);
                    break;
                case ["option", "transport.socket.bind-address", var address]:
                    result.AddRange(["--bind", address]);
                    break;
                case ["option", "transport.socket.listen-port", var port]:
                    result.AddRange(["--port", port]);
                    break;
                case ["option", "base-port", var port]:
                    result.AddRange(["--brick-port", port]);
                    break;
            }
        }
    }

    private static string Level(string text) => text.ToUpperInvariant() switch
    {
        "TRACE" => "Trace",
        "DEBUG" => "Debug",
        "INFO" => "Information",
        "WARNING" => "Warning",
        "ERROR" or "CRITICAL" => "Error",
        "NONE" => "None",
        _ => throw new FormatException($"'{text}' is not a log level"),
    };
}
