using System.Collections.Generic;
using System.Text;

namespace Myrmex.Volumes;

/// <summary>Writes volume files: blocks bottom up, the last one is the top.</summary>
internal sealed class VolfileText
{
    private readonly StringBuilder _text = new();

    /// <summary>Name of the last block; the next one usually stands on it.</summary>
    public string Top { get; private set; } = string.Empty;

    public void Block(
        string name, string type, IEnumerable<KeyValuePair<string, string>> options, IReadOnlyList<string> subvolumes)
    {
        if (_text.Length > 0)
        {
            _text.Append('\n');
        }

        _text.Append("volume ").Append(name).Append('\n').Append("    type ").Append(type).Append('\n');
        foreach (var (key, value) in options)
        {
            _text.Append("    option ").Append(key).Append(' ').Append(Quoted(value)).Append('\n');
        }

        if (subvolumes.Count > 0)
        {
            _text.Append("    subvolumes ").AppendJoin(' ', subvolumes).Append('\n');
        }

        _text.Append("end-volume\n");
        Top = name;
    }

    public override string ToString() => _text.ToString();

    private static string Quoted(string value)
    {
        var plain = value.Length > 0;
        foreach (var c in value)
        {
            plain &= c is > ' ' and not ('"' or '\\' or '#');
        }

        return plain ? value : '"' + value.Replace("\\", "\\\\").Replace("\"", "\\\"") + '"';
    }
}
