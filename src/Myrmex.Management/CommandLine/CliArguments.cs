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

    private static readonly string[] Ignored =
        ["--log-file=", "--log-level=", "--logger=", "--log-format=", "--glusterd-sock="];

    private static readonly string[] IgnoredWithoutValue = ["--nolog", "--inet6", "--wignore", "--wignore-partition"];

    public IReadOnlyList<string> Words { get; private init; } = [];

    /// <summary>Questions are answered with yes.</summary>
    public bool IsScript { get; private init; }

    public bool IsXml { get; private init; }

    public bool AsksVersion { get; private init; }

    public bool AsksHelp { get; private init; }

    public TimeSpan Timeout { get; private init; } = TimeSpan.FromSeconds(TimeoutSecondsDefault);

    /// <summary>Null when not given.</summary>
    public string? WorkingDirectory { get; private init; }

    /// <summary>Throws <see cref="CommandException"/> for an option that is not known or not good.</summary>
    public static CliArguments Parse(IEnumerable<string> arguments)
    {
        var words = new List<string>();
        var result = new CliArguments { Words = words };
        foreach (var argument in arguments)
        {
            if (argument.StartsWith("--", StringComparison.Ordinal))
            {
                result = result.WithOption(argument);
            }
            else
            {
                words.Add(argument);
            }
        }

        return result;
    }

    private CliArguments WithOption(string argument)
    {
        var value = argument[(argument.IndexOf('=') + 1)..];
        return argument switch
        {
            "--mode=script" => this with { IsScript = true },
            "--mode=interactive" => this with { IsScript = false },
            "--xml" => this with { IsXml = true },
            "--version" => this with { AsksVersion = true },
            "--help" => this with { AsksHelp = true },
            _ when argument.StartsWith("--working-directory=", StringComparison.Ordinal) =>
                this with { WorkingDirectory = value },
            _ when argument.StartsWith("--timeout=", StringComparison.Ordinal) =>
                this with { Timeout = Seconds(value) },
            _ when argument is "--remote-host=localhost" or "--remote-host=127.0.0.1" => this,
            _ when argument.StartsWith("--remote-host=", StringComparison.Ordinal) => throw new CommandException(
                CommandFailure.Invalid, "--remote-host is not supported: run the command on the node itself"),
            _ when Array.Exists(Ignored, o => argument.StartsWith(o, StringComparison.Ordinal)) => this,
            _ when Array.IndexOf(IgnoredWithoutValue, argument) >= 0 => this,
            _ => throw new CommandException(CommandFailure.Invalid, $"unrecognized option '{argument}'"),
        };
    }

    private static TimeSpan Seconds(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            && seconds is > 0 and <= TimeoutSecondsMax
            ? TimeSpan.FromSeconds(seconds)
            : throw new CommandException(
                CommandFailure.Invalid, $"--timeout={text} is not 1 to {TimeoutSecondsMax} seconds");
}
