using System.Collections.Generic;

namespace Myrmex.Graph;

/// <summary>One <c>volume … end-volume</c> block. Options keep their order; a repeated key keeps its last value.</summary>
public sealed class VolfileBlock(string name, string type)
{
    public string Name { get; } = name;

    /// <summary>Category and kind, e.g. "protocol/client".</summary>
    public string Type { get; } = type;

    public List<KeyValuePair<string, string>> Options { get; } = [];

    /// <summary>Names of blocks that stand earlier in the file.</summary>
    public List<string> Subvolumes { get; } = [];

    public string? Option(string key)
    {
        for (var i = Options.Count - 1; i >= 0; i--)
        {
            if (Options[i].Key == key)
            {
                return Options[i].Value;
            }
        }

        return null;
    }

    public VolfileBlock With(string key, string value)
    {
        Options.Add(new KeyValuePair<string, string>(key, value));
        return this;
    }

    public VolfileBlock Over(params IEnumerable<string> subvolumes)
    {
        Subvolumes.AddRange(subvolumes);
        return this;
    }
}
