using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;

namespace Myrmex.Tools;

/// <summary>A field of a request or a reply.</summary>
internal sealed record Field(string Name, string Type, string? Enum)
{
    public string Local => "_" + char.ToLowerInvariant(Name[0]) + Name[1..];

    public bool OnWire => Type != "newfd" && Type != "payload";

    /// <summary>The C# type of the member, or null when the field is derived (len).</summary>
    public string? Member => Enum ?? Type switch
    {
        "gfid" => "Gfid",
        "fd" or "newfd" => "Fd",
        "i32" => "int",
        "u32" => "uint",
        "i64" or "off" or "fdnum" => "long",
        "u64" => "ulong",
        "name" => "Name",
        "dict" => "XData?",
        "iatt" => "Iatt",
        "flock" => "Flock",
        "lease" => "Lease",
        "statfs" => "StatFs",
        "dirlist" or "dirplist" => "DirEntries",
        "locks" => "LockItem[]",
        "payload" => "Payload",
        "len" => null,
        _ => throw new InvalidDataException($"unknown type {Type}"),
    };
}

internal sealed class Fop(int number, string name, string[] traits)
{
    public int Number { get; } = number;

    public string Name { get; } = name;

    public string[] Traits { get; } = traits;

    public List<Field> Request { get; } = [];

    public List<Field> Reply { get; } = [];

    public IEnumerable<Field> Members => Request.Where(f => f.Member is not null);

    public IEnumerable<Field> ReplyMembers => Reply.Where(f => f.Member is not null && f.Name != "XData");

    public IEnumerable<Field> Fds => Request.Where(f => f.Type == "fd");
}

internal static class FopDescription
{
    public static List<Fop> Load(string path)
    {
        var fops = new List<Fop>();
        foreach (var line in File.ReadAllLines(path))
        {
            var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length == 0 || words[0].StartsWith('#'))
            {
                continue;
            }

            switch (words[0])
            {
                case "fop":
                    fops.Add(new Fop(int.Parse(words[1]), words[2], words[3..]));
                    break;
                case "req":
                    fops[^1].Request.AddRange(words[1..].Select(ParseField));
                    break;
                case "reply":
                    fops[^1].Reply.AddRange(words[1..].Select(ParseField));
                    break;
                default:
                    throw new InvalidDataException($"cannot read: {line}");
            }
        }

        return fops;
    }

    private static Field ParseField(string text)
    {
        var name = text[..text.IndexOf(':')];
        var type = text[(name.Length + 1)..];
        var slash = type.IndexOf('/');
        return slash < 0 ? new Field(name, type, null) : new Field(name, type[..slash], type[(slash + 1)..]);
    }
}
