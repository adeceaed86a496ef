using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;

namespace Myrmex.Campaigns;

/// <summary>What a tree holds: kind, mode, time of last change, size and checksum of everything, links by their target.</summary>
internal sealed class TreeManifest
{
    private readonly SortedDictionary<string, string> _entries = new(StringComparer.Ordinal);

    private TreeManifest()
    {
    }

    public int Files { get; private set; }

    public int Directories { get; private set; }

    public int Links { get; private set; }

    public long Bytes { get; private set; }

    public string Figures => $"{Files} files, {Directories} directories, {Links} links, {Bytes >> 20} MiB";

    /// <summary>Reads the tree.</summary>
    /// <param name="times">Compare times of last change.</param>
    /// <param name="skip">Name of an entry of the root to leave out, such as <c>.git</c>.</param>
    public static TreeManifest Of(string root, bool times, string? skip = null)
    {
        var manifest = new TreeManifest();
        foreach (var entry in new DirectoryInfo(root).EnumerateFileSystemInfos().Where(e => e.Name != skip))
        {
            manifest.Add(root, entry, times);
        }

        return manifest;
    }

    /// <summary>What a build made, as far as it is no stamp of time or log: objects, archives, and all that can be run.</summary>
    public static TreeManifest OfBuild(string root)
    {
        var manifest = Of(root, times: false, skip: ".git");
        foreach (var (path, entry) in manifest._entries.ToList())
        {
            var isMade = path.EndsWith(".o", StringComparison.Ordinal) || path.EndsWith(".a", StringComparison.Ordinal)
                || entry.StartsWith("file mode 755", StringComparison.Ordinal);
            if (!isMade)
            {
                manifest._entries.Remove(path);
            }
        }

        return manifest;
    }

    /// <summary>The first differences, or none.</summary>
    public IReadOnlyList<string> Differences(TreeManifest other)
    {
        var found = new List<string>();
        foreach (var path in _entries.Keys.Union(other._entries.Keys, StringComparer.Ordinal))
        {
            var left = _entries.GetValueOrDefault(path, "nothing");
            var right = other._entries.GetValueOrDefault(path, "nothing");
            if (left != right)
            {
                found.Add($"{path}: {left} became {right}");
            }
        }

        return found;
    }

    /// <summary>Reports every difference as a failure of the run, up to some.</summary>
    public void Compare(TreeManifest other, CampaignRun run, string what)
    {
        var found = Differences(other);
        foreach (var difference in found.Take(Limits.DifferencesShown))
        {
            run.Fail($"{what}: {difference}");
        }

        if (found.Count > Limits.DifferencesShown)
        {
            run.Fail($"{what}: {found.Count} differences in all");
        }

        if (_entries.Count == 0)
        {
            run.Fail($"{what}: nothing was compared");
        }
    }

    private void Add(string root, FileSystemInfo entry, bool times)
    {
        var path = Path.GetRelativePath(root, entry.FullName);
        if (entry.LinkTarget is { } target)
        {
            Links++;
            _entries[path] = $"link to {target}";
            return;
        }

        var common = $"mode {Convert.ToString((int)entry.UnixFileMode, 8)}"
            + (times ? $" time {entry.LastWriteTimeUtc.Ticks}" : "");
        if (entry is DirectoryInfo directory)
        {
            Directories++;
            _entries[path] = $"directory {common}";
            foreach (var below in directory.EnumerateFileSystemInfos())
            {
                Add(root, below, times);
            }

            return;
        }

        Files++;
        using var stream = File.OpenRead(entry.FullName);
        Bytes += stream.Length;
        _entries[path] = $"file {common} size {stream.Length} sha256 {Convert.ToHexStringLower(SHA256.HashData(stream))}";
    }
}
