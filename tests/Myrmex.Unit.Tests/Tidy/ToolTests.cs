using System.Diagnostics;
using System.IO;
using Xunit;

namespace Myrmex.Unit.Tests.Tidy;

/// <summary>What tools say about the tree.</summary>
public sealed class ToolTests
{
    [Fact]
    public void GeneratedFilesAreCurrent()
    {
        // Built beside this project, in the same configuration.
        var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(System.AppContext.BaseDirectory));
        var tool = Path.Combine(Repository.Root, "artifacts/bin/FopGen", configuration, "FopGen.dll");
        Run("dotnet", $"exec \"{tool}\" \"{Repository.Root}\" --check");
    }

    /// <summary>White space only: the whole of dotnet format takes minutes, and the build checks the rest of the style.</summary>
    [Fact]
    public void WhiteSpaceIsAsTheEditorConfigSays() =>
        Run("dotnet", "format whitespace . --folder --verify-no-changes --exclude artifacts");

    private static void Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Repository.Root,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["DOTNET_TieredPGO"] = "0" }, // They run once and briefly: profiles cost a third of their time.
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        var text = (output + errors.Result).Replace(Repository.Root + "/", string.Empty);
        Assert.True(process.ExitCode == 0, text[..System.Math.Min(text.Length, 4000)]);
    }
}
