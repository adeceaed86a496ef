using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Myrmex.Management.CommandLine;

/// <summary>A command of the command line.</summary>
/// <param name="Words">Its first words, e.g. "volume create".</param>
/// <param name="Usage">Its grammar in GlusterFS' words.</param>
/// <param name="Does">What help says that it does.</param>
/// <param name="Run">Takes the words that follow; returns the exit code.</param>
internal sealed record CliCommand(string Words, string Usage, string Does, Func<string[], Task<int>> Run)
{
    private readonly string[] _words = Words.Split(' ');

    /// <summary>How many words name it.</summary>
    public int Length => _words.Length;

    /// <summary>It is refused in this version, and help does not show it.</summary>
    public bool IsAbsent { get; init; }

    /// <summary>It is about the whole cluster, and <c>global help</c> shows it.</summary>
    public bool IsGlobal { get; init; }

    /// <summary>"volume", "peer" and so on.</summary>
    public string Subject => _words[0];

    /// <summary>How many of the first words it agrees with.</summary>
    public int Agrees(IReadOnlyList<string> words)
    {
        var same = 0;
        while (same < _words.Length && same < words.Count && _words[same] == words[same])
        {
            same++;
        }

        return same;
    }
}
