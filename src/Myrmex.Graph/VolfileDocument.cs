using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;

namespace Myrmex.Graph;

/// <summary>
/// A volume file: blocks in order, the last one is the top. Grammar: <c>volume NAME</c>, <c>type CATEGORY/KIND</c>, any number of
/// <c>option KEY VALUE</c>, optional <c>subvolumes NAME…</c>, <c>end-volume</c>; keywords in any case, <c>#</c> starts a comment, a value with
/// spaces stands in double quotes with backslash escapes. Backquotes (commands in stock parsers) are refused.
/// </summary>
public sealed class VolfileDocument
{
    /// <summary>Largest text that is parsed, in characters.</summary>
    public const int LengthMax = 16 << 20;

    public const int BlocksMax = 65536;

    public List<VolfileBlock> Blocks { get; } = [];

    public VolfileBlock Top => Blocks[^1];

    public VolfileBlock Add(string name, string type)
    {
        var block = new VolfileBlock(name, type);
        Blocks.Add(block);
        return block;
    }

    /// <summary>Parses; throws <see cref="GraphException"/> with the line number for anything that is not a volume file.</summary>
    public static VolfileDocument Parse(string text)
    {
        if (text.Length > LengthMax)
        {
            throw new GraphException($"volume file is longer than {LengthMax} characters");
        }

        var document = new VolfileParser(text).Run();
        if (document.Blocks.Count == 0)
        {
            throw new GraphException("volume file has no volume");
        }

        return document;
    }

    /// <summary>The text; parses back to the same blocks.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var block in Blocks)
        {
            text.Append("volume ").Append(block.Name).Append("\n    type ").Append(block.Type).Append('\n');
            foreach (var (key, value) in block.Options)
            {
                text.Append("    option ").Append(key).Append(' ').Append(Quote(value)).Append('\n');
            }

            if (block.Subvolumes.Count > 0)
            {
                text.Append("    subvolumes ").AppendJoin(' ', block.Subvolumes).Append('\n');
            }

            text.Append("end-volume\n\n");
        }

        return text.ToString();
    }

    /// <summary>True when both have the same names, types and edges, so that only options differ.</summary>
    public bool HasSameShape(VolfileDocument other) =>
        Blocks.Count == other.Blocks.Count && Blocks.Zip(other.Blocks).All(pair =>
            pair.First.Name == pair.Second.Name && pair.First.Type == pair.Second.Type
            && pair.First.Subvolumes.SequenceEqual(pair.Second.Subvolumes));

    private static string Quote(string value)
    {
        var plain = value.Length > 0 && value.All(c => c is > ' ' and < (char)127 and not ('"' or '\\' or '#' or '`'));
        return plain ? value : "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";
    }
}
