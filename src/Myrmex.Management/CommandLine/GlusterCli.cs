using System;
using System.Collections.Generic;
using System.Text;
using System.Text.Json.Serialization.Metadata;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The commands of GlusterFS' command line, against our daemon: same grammar, text, XML and exit codes (0 success, 1
/// failure; with --xml a refusal exits 0 and the XML has it). Source: gluster(8) 10.3.
/// </summary>
public sealed partial class GlusterCli(
    Func<CliArguments, IManagementClient> connect, CliTerminal terminal, string version)
{
    private const int Success = 0;
    private const int Failed = 1;

    private CliArguments _arguments = new();
    private IManagementClient? _client;
    private IReadOnlyList<CliCommand>? _commands;

    private IManagementClient Client => _client ??= connect(_arguments);

    /// <summary>Runs one command, or, with no words, those that are typed in at a prompt.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(IEnumerable<string> arguments)
    {
        try
        {
            _arguments = CliArguments.Parse(arguments);
            return _arguments switch
            {
                { AsksVersion: true } => Print($"myrmex {version}\n"),
                { AsksHelp: true } => Print(Summary()),
                { AsksDirectory: not null } => await PrintDirectoryAsync(),
                { Words.Count: 0 } => await PromptAsync(),
                _ => await DispatchAsync(_arguments.Words),
            };
        }
        catch (CommandException e)
        {
            return Refused(e, e.Message);
        }
        catch (DaemonUnreachableException e)
        {
            return Fail(e.Message);
        }
        finally
        {
            (_client as IDisposable)?.Dispose();
            _client = null;
        }
    }

    /// <summary>The words of a line; quotes hold words together.</summary>
    internal static IReadOnlyList<string> Split(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        var quote = '\0';
        var begun = false;
        foreach (var c in line)
        {
            if (c == quote)
            {
                quote = '\0';
            }
            else if (quote != '\0' || !(char.IsWhiteSpace(c) || c is '"' or '\''))
            {
                word.Append(c);
                begun = true;
            }
            else if (c is '"' or '\'')
            {
                quote = c;
                begun = true;
            }
            else if (begun)
            {
                words.Add(word.ToString());
                word.Clear();
                begun = false;
            }
        }

        if (begun)
        {
            words.Add(word.ToString());
        }

        return words;
    }

    private async Task<int> PromptAsync()
    {
        var result = Success;
        while (true)
        {
            Print("gluster> ");
            await terminal.Out.FlushAsync();
            var line = await terminal.In.ReadLineAsync();
            var words = Split(line ?? "quit");
            if (words.Count == 1 && words[0] is "quit" or "exit")
            {
                return result;
            }

            if (words.Count > 0)
            {
                result = await new GlusterCli(connect, terminal, version).RunAsync(words);
            }
        }
    }

    private int Usage(string usage)
    {
        terminal.Error.Write($"\nUsage:\n{usage}\n\n");
        return Failed;
    }

    /// <summary>A mistake in the command line itself: what is wrong, then the grammar.</summary>
    private int Usage(string usage, string problem)
    {
        terminal.Error.Write($"{problem}\n");
        return Usage(usage);
    }

    private int Fail(string text)
    {
        terminal.Error.Write($"{text}\n");
        return Failed;
    }

    /// <summary>A refusal of the daemon, in words or, with --json, as the problem that it is.</summary>
    private int Refused(CommandException e, string text)
    {
        if (_arguments.IsJson)
        {
            Print(CliJson.Of(Problems.Of(e), ProblemMessageJson.Default.ProblemMessage));
            return Failed;
        }

        return Fail(e.Advice is null ? text : $"{text}\n{e.Advice}");
    }

    private int Print(string text)
    {
        terminal.Out.Write(text);
        return Success;
    }

    /// <summary>What a command found, in the form that was asked for.</summary>
    private int Show<T>(T message, JsonTypeInfo<T> type, Func<CliXml> xml, Func<string> text) => Print(
        _arguments.IsJson ? CliJson.Of(message, type) : _arguments.IsXml ? xml().ToString() : text());

    /// <summary>A report with a renderer of its own.</summary>
    private int Show<T>(T message, JsonTypeInfo<T> type, string? rendered) =>
        Print(_arguments.IsJson || rendered is null ? CliJson.Of(message, type) : rendered);

    private async Task<int> PrintDirectoryAsync()
    {
        var daemon = await Client.DaemonAsync();
        return Print($"{daemon.WorkingDirectory}/log\n");
    }
}
