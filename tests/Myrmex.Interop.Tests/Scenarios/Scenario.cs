using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Myrmex.Interop.Tests.Kit;
using Xunit;

namespace Myrmex.Interop.Tests.Scenarios;

/// <summary>
/// A piece of ordinary work with files: a bash script in <c>Helpers/scenarios/NAME.sh</c> that prints what it sees. It is run in a
/// directory of a local file system and in one of a mount; both must print the same and end well. So nothing has to
/// be written down about what is right, and a script is checked before it checks anything.
/// </summary>
internal static class Scenario
{
    /// <summary>Ending of a name whose scenario asks for more than the stock client can do; each says why.</summary>
    private const string OwnClientOnly = ".myrmex";

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Helpers", "scenarios");

    /// <summary>Scenarios that any client passes.</summary>
    public static TheoryData<string> Common => Select(name => !name.EndsWith(OwnClientOnly, StringComparison.Ordinal));

    /// <summary>All scenarios.</summary>
    public static TheoryData<string> All => Select(_ => true);

    /// <summary>Runs the script in both places and compares.</summary>
    /// <param name="name">Name of the scenario.</param>
    /// <param name="mount">Directory of the volume; the scenario gets a subdirectory.</param>
    /// <param name="local">Directory of a local file system.</param>
    public static void Compare(string name, string mount, string local)
    {
        var expected = RunIn(name, local);
        var actual = RunIn(name, mount);
        if (expected.ExitCode != 0)
        {
            throw new HarnessException($"the scenario itself is wrong: it fails on the local file system\n{expected}");
        }

        if (actual.ExitCode != expected.ExitCode || actual.Output != expected.Output)
        {
            throw new HarnessException($"{name} differs from the local file system\n{Difference(expected, actual)}");
        }
    }

    private static TheoryData<string> Select(Func<string, bool> wanted)
    {
        var names = new TheoryData<string>();
        foreach (var file in Directory.GetFiles(Folder, "*.sh").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileNameWithoutExtension(file);
            if (wanted(name))
            {
                names.Add(name);
            }
        }

        return names;
    }

    private static CommandResult RunIn(string name, string parent)
    {
        var script = Path.Combine(Folder, name + ".sh");
        var prelude = Path.Combine(Folder, "..", "prelude.bash");
        return Shell.Bash(parent, $"mkdir '{name}'; cd '{name}'; source '{prelude}'; source '{script}'", Limit);
    }

    private static string Difference(CommandResult expected, CommandResult actual)
    {
        var left = expected.Output.Split('\n');
        var right = actual.Output.Split('\n');
        var lines = new List<string>();
        var first = Enumerable.Range(0, Math.Min(left.Length, right.Length)).FirstOrDefault(i => left[i] != right[i], -1);
        first = first < 0 ? Math.Min(left.Length, right.Length) : first;
        lines.Add($"first difference in line {first + 1} of the output; exit codes {expected.ExitCode} and {actual.ExitCode}");
        lines.AddRange(left.Skip(Math.Max(0, first - 3)).Take(8).Select(l => "local | " + l));
        lines.AddRange(right.Skip(Math.Max(0, first - 3)).Take(8).Select(l => "mount | " + l));
        lines.Add("--- error output, local");
        lines.AddRange(expected.Error.Split('\n').TakeLast(8));
        lines.Add("--- error output, mount");
        lines.AddRange(actual.Error.Split('\n').TakeLast(12));
        return string.Join('\n', lines);
    }
}
