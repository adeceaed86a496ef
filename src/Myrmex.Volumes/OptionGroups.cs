using System;
using System.Collections.Generic;
using System.IO;

namespace Myrmex.Volumes;

/// <summary>
/// Settings that belong together, for <c>volume set VOL group NAME</c>: the administrator's own files first, then
/// those that come with the program. A file has a <c>key=value</c> a line, as in GlusterFS.
/// </summary>
public static class OptionGroups
{
    /// <summary>Bytes of the longest file that is read.</summary>
    private const int FileBytesMax = 64 << 10;

    /// <summary>Names of the groups that come with the program.</summary>
    public static IReadOnlyList<string> BuiltIn { get; } =
        ["db-workload", "distributed-virt", "gluster-block", "metadata-cache", "nl-cache", "samba", "virt"];

    /// <summary>
    /// The settings of a group, in the file's order; null when there is no such group. Throws
    /// <see cref="IOException"/> and <see cref="UnauthorizedAccessException"/> for a file that cannot be read.
    /// </summary>
    /// <param name="directory">With the administrator's own files; null for none.</param>
    public static IReadOnlyList<VolumeSetting>? Find(string name, string? directory)
    {
        if (!IsName(name))
        {
            return null;
        }

        if (directory is not null && File.Exists(Path.Combine(directory, name)))
        {
            using var own = new StreamReader(Path.Combine(directory, name));
            return Parse(own);
        }

        using var stream = typeof(OptionGroups).Assembly.GetManifestResourceStream("groups/" + name);
        if (stream is null)
        {
            return null;
        }

        using var reader = new StreamReader(stream);
        return Parse(reader);
    }

    /// <summary>Where the administrator's own file of this name would be.</summary>
    public static string PathOf(string name, string? directory) => Path.Combine(directory ?? "groups", name);

    /// <summary>Lines without a value, empty ones and comments with # are left out.</summary>
    internal static IReadOnlyList<VolumeSetting> Parse(TextReader reader)
    {
        var settings = new List<VolumeSetting>();
        var left = FileBytesMax;
        while (left > 0 && reader.ReadLine() is { } line)
        {
            left -= line.Length + 1;
            var text = line.Trim();
            var equals = text.IndexOf('=');
            if (equals > 0 && text[0] != '#')
            {
                settings.Add(new VolumeSetting(text[..equals].Trim(), text[(equals + 1)..].Trim()));
            }
        }

        return settings;
    }

    private static bool IsName(string name) =>
        name.Length is > 0 and <= 255 && name[0] != '.' && name.AsSpan().IndexOfAny('/', '\0') < 0;
}
