using System.Collections.Generic;
using System.Linq;
using Myrmex.Volumes;

namespace Myrmex.Management.Hooks;

/// <summary>A command as its hooks are told of it.</summary>
/// <param name="Op">Name of the directory: create, start, stop, set, reset, delete or add-brick.</param>
/// <param name="Volume">"all" for options of all volumes.</param>
/// <param name="Before">Arguments of the hooks before the command, less --volname.</param>
/// <param name="After">The same of those after it.</param>
internal sealed record HookCall(
    string Op, string Volume, IReadOnlyList<string> Before, IReadOnlyList<string> After)
{
    public static HookCall Create(string volume) => new("create", volume, [], []);

    public static HookCall Delete(string volume) => new("delete", volume, [], []);

    /// <param name="started">How many volumes are started before it.</param>
    /// <param name="isStarted">The volume is one of them.</param>
    public static HookCall Start(string volume, int started, bool isStarted, string workingDirectory) => new(
        "start", volume, [$"--first={Word(started == 0)}", .. Tail("start", workingDirectory)],
        [$"--first={Word(started + (isStarted ? 0 : 1) == 1)}", .. Tail("start", workingDirectory)]);

    /// <param name="started">How many volumes are started before it.</param>
    /// <param name="isStarted">The volume is one of them.</param>
    public static HookCall Stop(string volume, int started, bool isStarted) => new(
        "stop", volume, [$"--last={Word(started == 1)}"],
        [$"--last={Word(started - (isStarted ? 1 : 0) == 0)}"]);

    public static HookCall Set(
        string volume, IEnumerable<VolumeSetting> settings, string workingDirectory)
    {
        string[] arguments =
            ["-o", .. settings.Select(s => $"{s.Key}={s.Value}"), $"--gd-workdir={workingDirectory}"];
        return new HookCall("set", volume, arguments, arguments);
    }

    public static HookCall Reset(string volume, string workingDirectory) => Simple("reset", volume, workingDirectory);

    public static HookCall AddBrick(string volume, string workingDirectory) =>
        Simple("add-brick", volume, workingDirectory);

    private static HookCall Simple(string op, string volume, string workingDirectory) =>
        new(op, volume, Tail(op, workingDirectory), Tail(op, workingDirectory));

    private static string[] Tail(string op, string workingDirectory) =>
        ["--version=1", $"--volume-op={op}", $"--gd-workdir={workingDirectory}"];

    private static string Word(bool value) => value ? "yes" : "no";
}
