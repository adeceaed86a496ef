using System;
using System.Collections.Generic;
using System.Text;

namespace Myrmex.Graph;

/// <summary>Recursive-free parser of one volume file.</summary>
internal sealed class VolfileParser(string text)
{
    private readonly VolfileDocument _document = new();
    private readonly HashSet<string> _names = new(StringComparer.Ordinal);
    private int _at;
    private int _line = 1;

    public VolfileDocument Run()
    {
        while (NextWord() is { } word)
        {
            Expect(word, "volume");
            ReadBlock();
        }

        return _document;
    }

    private void ReadBlock()
    {
        var name = Need("a volume name");
        if (!_names.Add(name))
        {
            throw Error($"volume '{name}' is defined twice");
        }

        Expect(Need("'type'"), "type");
        var type = Need("a type");
        if (!type.Contains('/'))
        {
            throw Error($"type '{type}' is not of the form category/kind");
        }

        var block = new VolfileBlock(name, type);
        while (true)
        {
            var word = Need("'option', 'subvolumes' or 'end-volume'");
            switch (word.ToLowerInvariant())
            {
                case "option":
                    ReadOption(block);
                    break;
                case "subvolumes":
                    ReadSubvolumes(block);
                    Finish(block);
                    return;
                case "end-volume":
                    Finish(block);
                    return;
                default:
                    throw Error($"'{word}' where 'option', 'subvolumes' or 'end-volume' was expected");
            }
        }
    }

    private void ReadOption(VolfileBlock block)
    {
        var key = Need("an option name");
        var value = Need($"a value of option {key}", isValue: true);
        block.Options.Add(new KeyValuePair<string, string>(key, value));
    }

    private void ReadSubvolumes(VolfileBlock block)
    {
        while (true)
        {
            var word = Need("'end-volume'");
            if (word.Equals("end-volume", StringComparison.OrdinalIgnoreCase))
            {
                break;
            }

            if (word == block.Name || !_names.Contains(word))
            {
                throw Error($"subvolume '{word}' of '{block.Name}' is not defined before it");
            }

            block.Subvolumes.Add(word);
        }

        if (block.Subvolumes.Count == 0)
        {
            throw Error($"volume '{block.Name}' says subvolumes but names none");
        }
    }

    private void Finish(VolfileBlock block)
    {
        if (_document.Blocks.Count == VolfileDocument.BlocksMax)
        {
            throw Error($"more than {VolfileDocument.BlocksMax} volumes");
        }

        _document.Blocks.Add(block);
    }

    private void Expect(string word, string keyword)
    {
        if (!word.Equals(keyword, StringComparison.OrdinalIgnoreCase))
        {
            throw Error($"'{word}' where '{keyword}' was expected");
        }
    }

    /// <param name="isValue">It stands on the same line and may be quoted.</param>
    private string Need(string what, bool isValue = false)
    {
        var line = _line;
        var word = NextWord(isValue);
        if (word is null)
        {
            throw Error($"the file ends where {what} was expected");
        }

        if (isValue && _line != line)
        {
            _line = line;
            throw Error($"{what} is missing");
        }

        return word;
    }

    private string? NextWord(bool isValue = false)
    {
        SkipSpace();
        if (_at == text.Length)
        {
            return null;
        }

        if (text[_at] == '"')
        {
            return isValue ? ReadQuoted() : throw Error("only the value of an option may be quoted");
        }

        var start = _at;
        while (_at < text.Length && !char.IsWhiteSpace(text[_at]) && text[_at] != '#')
        {
            if (text[_at] is '`' or '\0')
            {
                throw Error("a backquote or NUL is not allowed");
            }

            _at++;
        }

        return text[start.._at];
    }

    private string ReadQuoted()
    {
        var word = new StringBuilder();
        for (_at++; _at < text.Length; _at++)
        {
            switch (text[_at])
            {
                case '"':
                    _at++;
                    return word.ToString();
                case '\\' when _at + 1 < text.Length && text[_at + 1] is not ('\n' or '`' or '\0'):
                    word.Append(text[++_at]);
                    break;
                case '\n':
                    throw Error("a quoted value has no end on its line");
                case '`' or '\0':
                    throw Error("a backquote or NUL is not allowed");
                default:
                    word.Append(text[_at]);
                    break;
            }
        }

        throw Error("a quoted value has no end");
    }

    private void SkipSpace()
    {
        for (; _at < text.Length; _at++)
        {
            if (text[_at] == '#')
            {
                while (_at + 1 < text.Length && text[_at + 1] != '\n')
                {
                    _at++;
                }
            }
            else if (text[_at] == '\n')
            {
                _line++;
            }
            else if (!char.IsWhiteSpace(text[_at]))
            {
                return;
            }
        }
    }

    private GraphException Error(string message) => new($"volume file, line {_line}: {message}");
}
