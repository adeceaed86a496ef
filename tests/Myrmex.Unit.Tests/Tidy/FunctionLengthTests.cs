using System;
using System.Collections.Generic;
using System.Linq;
using Xunit;

namespace Myrmex.Unit.Tests.Tidy;

/// <summary>
/// A function that has just crossed 70 lines is split or simplified; the few that are honestly longer than 80 stay whole.
/// </summary>
public sealed class FunctionLengthTests
{
    private const int JustCrossedMin = 71;
    private const int JustCrossedMax = 80;

    // What opens a brace with a parenthesis before it, and is no function.
    private static readonly string[] OtherWords =
        [" class ", " struct ", " interface ", " enum ", " record ", " namespace ", " if ", " for ", " foreach ", " while ",
            " switch ", " lock ", " using ", " fixed ", " else ", " catch "];

    [Fact]
    public void NoFunctionHasJustCrossedSeventyLines()
    {
        var findings = Repository.Sources("src")
            .SelectMany(file => Functions(Repository.ReadLines(file))
                .Where(f => f.Length is >= JustCrossedMin and <= JustCrossedMax)
                .Select(f => $"{file}:{f.Line} has {f.Length} lines: {f.Signature}"))
            .ToList();
        Assert.True(findings.Count == 0, string.Join('\n', findings));
    }

    [Fact]
    public void FunctionsAreMeasuredFromSignatureToBrace()
    {
        var lines = """
            public class A
            {
                void One(
                    int a)
                {
                    if (a > 0)
                    {
                    }
                }
            }
            """.Split('\n');
        Assert.Equal([(3, 7, "void One(")], Functions(lines));
    }

    /// <summary>Members are found by indentation, which the format check keeps exact.</summary>
    private static IEnumerable<(int Line, int Length, string Signature)> Functions(string[] lines)
    {
        for (var open = 1; open < lines.Length; open++)
        {
            var indent = lines[open].Length - 1;
            if (indent is not (4 or 8) || lines[open] != new string(' ', indent) + "{")
            {
                continue;
            }

            var start = open - 1;
            while (start > 0 && IndentOf(lines[start]) > indent)
            {
                start--;
            }

            if (IndentOf(lines[start]) == indent && lines[start].Contains('(')
                && !OtherWords.Any(word => (" " + lines[start]).Contains(word, StringComparison.Ordinal)))
            {
                var close = Array.FindIndex(lines, open, line => line.StartsWith(new string(' ', indent) + "}", StringComparison.Ordinal));
                yield return (start + 1, close - start + 1, lines[start].Trim());
            }
        }
    }

    private static int IndentOf(string line) => line.Length == 0 ? int.MaxValue : line.Length - line.TrimStart().Length;
}
