using System;
using System.Collections.Generic;
using System.Globalization;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The words of a command and the options that GlusterFS' command line takes anywhere between them. Options that only
/// steer its own logging or transport are taken and change nothing.
/// </summary>
public sealed record CliArguments
{
    private const int TimeoutSecondsDefault = 120;
    private const int TimeoutSecondsMax = 86_400;

    private static readonly string[] Ignored = ["--log-file", "--log-level", "--logger", "--log-format"];

    private static readonly string[] IgnoredWithoutValue = ["--nolog", "--inet6", "--wignore", "--wignore-partition"];

    public IReadOnlyList<string> Words { get; private init; } = [];

    /// <summary>Questions are answered with yes.</summary>
    public bool IsScript { get; private init; }

    public bool IsXml { get; private init; }

    /// <summary>What the REST interface says, as it says it.</summary>
    public bool IsJson { get; private init; }

    public bool AsksVersion { get; private init; }

    public bool AsksHelp { get; private init; }

    /// <summary>Only the directory of logs, or of state dumps, is asked for; null for neither.</summary>
    public string? AsksDirectory { get; private init; }

    /// <summary>Go on with events as they happen.</summary>
    public bool Follows { get; private init; }

    /// <summary>Number of the last event known; null when not given.</summary>
    public long? After { get; private init; }

    public TimeSpan Timeout { get; private init; } = TimeSpan.FromSeconds(TimeoutSecondsDefault);

    /// <summary>Null when not given.</summary>
    public string? WorkingDirectory { get; private init; }

    /// <summary>The unix socket to talk to; null for the working directory's.</summary>
    public string? Socket { get; private init; }

    /// <summary>HOST or HOST:PORT of the node port of a daemon elsewhere; null for the one of this machine.</summary>
    public string? RemoteHost { get; private init; }

    /// <summary>Directory of the administrator's certificate for it; null when not given.</summary>
    public string? Certificate { get; private init; }

    /// <summary>
    /// Throws <see cref="CommandException"/> for an option that is not known or not good. A value is after = or is the
    /// next word.
    /// </summary>
    public static CliArguments Parse(IEnumerable<string> arguments)
    {
        var words = new List<string>();
        var result = new CliArguments { Words = words };
        string? waiting = null;
        foreach (var argument in arguments)
        {
            if (waiting is not null)
            {
                result = result.WithValue(waiting, argument);
                waiting = null;
            }
            else if (!argument.StartsWith("--", StringComparison.Ordinal))
            {
                words.Add(argument);
            }
            else if (argument.IndexOf('=') is > 0 and var equals)
            {
                result = result.WithValue(argument[..equals], argument[(equals + 1)..]);
            }
            else if (TakesValue(argument))
            {
                waiting = argument;
            }
            else
            {
                result = result.WithSwitch(argument);
            }
        }

        return waiting is null ? result
            : throw new CommandException(CommandFailure.Invalid, $"option '{waiting}' requires an argument");
    }

    private static bool TakesValue(string option) =>
        option is "--mode" or "--timeout" or "--remote-host" or "--certificate" or "--working-directory"
            or "--glusterd-sock" or "--after"
            || Array.IndexOf(Ignored, option) >= 0;

    private CliArguments WithSwitch(string option) => option switch
    {
        "--xml" => this with { IsXml = true },
        "--json" => this with { IsJson = true },
        "--version" => this with { AsksVersion = true },
        "--help" => this with { AsksHelp = true },
        "--follow" => this with { Follows = true },
        "--print-logdir" or "--print-statedumpdir" => this with { AsksDirectory = "log" },
        _ when Array.IndexOf(IgnoredWithoutValue, option) >= 0 => this,
        _ => throw new CommandException(CommandFailure.Invalid, $"unrecognized option '{option}'"),
    };

    private CliArguments WithValue(string option, string value) => option switch
    {
        "--mode" when value is "script" or "interactive" => this with { IsScript = value == "script" },
        "--working-directory" => this with { WorkingDirectory = value },
        "--glusterd-sock" => this with { Socket = value },
        "--timeout" => this with { Timeout = TimeSpan.FromSeconds(Number(option, value, 1, TimeoutSecondsMax)) },
        "--after" => this with { After = Number(option, value, 0, long.MaxValue) },
        "--remote-host" => this with
        {
            RemoteHost = value is "localhost" or "127.0.0.1" or "::1" or "" ? null : value,
        },
        "--certificate" => this with { Certificate = value },
        _ when Array.IndexOf(Ignored, option) >= 0 => this,
        _ => throw new CommandException(CommandFailure.Invalid, $"unrecognized option '{option}={value}'"),
    };

    private static long Number(string option, string text, long minimum, long maximum) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && number >= minimum && number <= maximum
            ? number
            : throw new CommandException(
                CommandFailure.Invalid, $"{option}={text} is not {minimum} to {maximum}");
}
