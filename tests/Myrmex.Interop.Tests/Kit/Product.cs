using System;
using System.IO;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>The built product: where its executable lies. MYRMEX_EXE names another one.</summary>
internal static class Product
{
    public static string Repository { get; } = FindRepository();

    public static string Artifacts => Path.Combine(Repository, "artifacts");

    /// <summary>
    /// The newer one of the native executable, which is what users run, and that of the ordinary build; MYRMEX_EXE names another.
    /// </summary>
    public static string Executable { get; } = FindExecutable();

    /// <summary>The command <c>myrmex mount</c> alone; the newer one of its two builds.</summary>
    public static string MountExecutable { get; } = Newest("Myrmex.Mount", "myrmex-mount");

    /// <summary>Runs a subcommand to its end.</summary>
    public static CommandResult Run(params string[] arguments) => Shell.Run("/", Shell.DefaultLimit, Executable, arguments);

    /// <summary>True when the executable has the subcommand.</summary>
    public static bool Has(string command) =>
        Run("help").Output.Split('\n').Any(line => line.TrimStart().StartsWith(command + " ", StringComparison.Ordinal));

    private static string FindRepository()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Myrmex.slnx")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new HarnessException("the tests do not lie inside the repository");
    }

    private static string FindExecutable() =>
        Environment.GetEnvironmentVariable("MYRMEX_EXE") is { Length: > 0 } named ? named
            : Newest("Myrmex.Host", "myrmex");

    private static string Newest(string project, string name)
    {
        // The tests' own configuration (debug, release) is the last part of their directory.
        var configuration = new DirectoryInfo(AppContext.BaseDirectory).Name;
        var built = Path.Combine(Artifacts, "bin", project, configuration, name);
        var native = Path.Combine(Artifacts, "native", name);
        return File.GetLastWriteTimeUtc(native) > File.GetLastWriteTimeUtc(built) ? native : built;
    }
}
