using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Myrmex.Unit.Tests.Tidy;

/// <summary>Rules about the text of the repository.</summary>
public sealed partial class TextTests
{
    private const int LineLengthMax = 120;
    private const string LongLinesFile = "tests/Myrmex.Unit.Tests/Tidy/long-lines.txt";

    private static readonly string[] TextEndings =
        [".cs", ".md", ".txt", ".sh", ".csproj", ".props", ".targets", ".slnx", ".json", ".yml", ".service", ".vol", ".html", ".js"];

    /// <summary>
    /// A ratchet: the file lists how many long lines older files still have. UPDATE=1 writes it anew; it should only shrink.
    /// </summary>
    [Fact]
    public void LinesInSrcAreAtMost120ColumnsLong()
    {
        var counts = Repository.Sources("src")
            .Select(file => (File: file, Count: Repository.ReadLines(file).Count(line => line.Length > LineLengthMax)))
            .Where(entry => entry.Count > 0)
            .ToList();
        if (Environment.GetEnvironmentVariable("UPDATE") == "1")
        {
            File.WriteAllLines(Path.Combine(Repository.Root, LongLinesFile), counts.Select(c => $"{c.Count} {c.File}"));
        }

        var allowed = Repository.ReadLines(LongLinesFile)
            .Select(line => line.Split(' ', 2))
            .ToDictionary(parts => parts[1], parts => int.Parse(parts[0]), StringComparer.Ordinal);
        AssertNone(counts
            .Where(entry => entry.Count > allowed.GetValueOrDefault(entry.File))
            .SelectMany(entry => Repository.ReadLines(entry.File)
                .Select((line, index) => (line, index))
                .Where(l => l.line.Length > LineLengthMax)
                .Select(l => $"{entry.File}:{l.index + 1} has {l.line.Length} columns")));
    }

    [Fact]
    public void NoFileIsLargerThanOneMebibyte() =>
        AssertNone(Repository.Files.Where(f => new FileInfo(Path.Combine(Repository.Root, f)).Length > 1 << 20));

    [Fact]
    public void EveryMarkdownFileHasExactlyOneTitle() =>
        AssertNone(Repository.Files.Where(f => f.EndsWith(".md", StringComparison.Ordinal))
            .Select(f => (File: f, Titles: TitlesOf(Repository.ReadLines(f))))
            .Where(entry => entry.Titles != 1)
            .Select(entry => $"{entry.File} has {entry.Titles} titles"));

    [Fact]
    public void NoWordOfUnfinishedWorkIsLeftBehind() =>
        AssertNone(Matches(BannedWord(), f => !f.Contains("/Tidy/", StringComparison.Ordinal)));

    [Fact]
    public void NoPathOfADeveloperMachineIsWrittenDown() =>
        AssertNone(Matches(MachinePath(), f => !f.Contains("/Tidy/", StringComparison.Ordinal)));

    [Fact]
    public void EveryFolderWithATranslatorHasAReadme() =>
        AssertNone(Repository.Sources("src/Translators")
            .Where(f => Repository.Read(f).Contains("TranslatorRegistration Registration", StringComparison.Ordinal))
            .Select(f => Path.GetDirectoryName(f)!.Replace('\\', '/'))
            .Distinct()
            .Where(folder => !Repository.Files.Contains(folder + "/README.md"))
            .Select(folder => folder + " has no README.md"));

    private static int TitlesOf(string[] lines)
    {
        var titles = 0;
        var inCode = false;
        foreach (var line in lines)
        {
            inCode ^= line.StartsWith("```", StringComparison.Ordinal);
            titles += !inCode && line.StartsWith("# ", StringComparison.Ordinal) ? 1 : 0;
        }

        return titles;
    }

    private static IEnumerable<string> Matches(Regex pattern, Func<string, bool> where) =>
        Repository.Files
            .Where(f => where(f) && (TextEndings.Contains(Path.GetExtension(f)) || !Path.HasExtension(f)))
            .SelectMany(f => Repository.ReadLines(f)
                .Select((line, index) => (line, index))
                .Where(l => pattern.IsMatch(l.line))
                .Select(l => $"{f}:{l.index + 1}: {l.line.Trim()}"));

    private static void AssertNone(IEnumerable<string> findings)
    {
        var list = findings.ToList();
        Assert.True(list.Count == 0, string.Join('\n', list.Take(60)));
    }

    [GeneratedRegex(@"\b(FIXME|XXX|TODO|HACK)\b")]
    private static partial Regex BannedWord();

    [GeneratedRegex(@"/work/|/root/|/home/[a-z]")]
    private static partial Regex MachinePath();
}
