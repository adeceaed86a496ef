using System.Globalization;
using System.Text;

namespace Myrmex.Graph;

/// <summary>Text of a state dump: sections with key=value lines.</summary>
public sealed class StateDump
{
    private readonly StringBuilder _text = new();

    public void Section(string type, string name) =>
        _text.Append('\n').Append('[').Append(type).Append('.').Append(name).Append("]\n");

    /// <summary>A section with any title.</summary>
    public void Heading(string title) => _text.Append('\n').Append('[').Append(title).Append("]\n");

    public void Put(string key, object? value) =>
        _text.Append(key).Append('=').AppendFormat(CultureInfo.InvariantCulture, "{0}", value).Append('\n');

    public override string ToString() => _text.ToString();
}
