using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Dht;
using Myrmex.Graph;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>
/// What must hold of a volume that nobody uses any more, seen by a client that has just come: every name is on exactly the
/// bricks it has to be on, directories are on all of them with one gfid and a whole layout, nothing is out of reach.
/// </summary>
internal sealed class DhtAudit(DhtVolume volume, IReadOnlyDictionary<Gfid, string> contents)
{
    private readonly List<string> _faults = [];
    private readonly Dictionary<Gfid, int> _places = [];
    private readonly HashSet<Gfid>[] _reached = [.. Enumerable.Range(0, volume.Count).Select(_ => new HashSet<Gfid>())];

    public IReadOnlyList<string> Faults => _faults;

    /// <summary>Names found.</summary>
    public int Names { get; private set; }

    /// <summary>Link files that a look-up had to make, replace or remove, and directories that it had to complete.</summary>
    public int Mended { get; private set; }

    public async Task RunAsync()
    {
        var directories = new Queue<(Gfid Gfid, string Path)>([(Gfid.Root, string.Empty)]);
        var seen = new HashSet<Gfid>();
        while (directories.TryDequeue(out var directory))
        {
            if (seen.Add(directory.Gfid))
            {
                await AuditDirectoryAsync(directory.Gfid, directory.Path, directories);
            }
            else
            {
                _faults.Add($"{directory.Path}: a second name of a directory");
            }
        }

        for (var brick = 0; brick < volume.Count; brick++)
        {
            // The root is always reached, be it empty.
            var count = InodesOf(brick);
            if (count != _reached[brick].Count)
            {
                _faults.Add($"brick {brick}: {count} inodes, {_reached[brick].Count} of them can be reached");
            }
        }
    }

    private async Task AuditDirectoryAsync(Gfid gfid, string path, Queue<(Gfid, string)> directories)
    {
        foreach (var reached in _reached)
        {
            reached.Add(gfid);
        }

        var alive = new HashSet<string>();
        foreach (var name in RawNames(gfid))
        {
            var before = Describe(gfid, name);
            var (error, iatt) = await volume.LookupAsync(gfid, name);
            var after = Describe(gfid, name);
            Mended += before == after ? 0 : 1;
            var where = $"{path}/{name}: before {before}, after {after}";
            if (error == Errno.ENOENT)
            {
                Expect(after.Trim('-').Length == 0, $"{where}: not found but there");
                continue;
            }

            Expect(error == Errno.Ok, $"{where}: {error}");
            alive.Add(name);
            Names++;
            if (error == Errno.Ok && iatt.IsDirectory)
            {
                directories.Enqueue((iatt.Gfid, $"{path}/{name}"));
                AuditCopies(gfid, name, iatt.Gfid, where);
            }
            else if (error == Errno.Ok)
            {
                await AuditFileAsync(gfid, name, iatt.Gfid, where);
            }
        }

        Expect(volume.LayoutOnBricks(gfid).IsWhole, $"{path}: layout is not whole");
        var listed = await volume.ListAsync(gfid);
        Expect(
            listed.Count == alive.Count && alive.SetEquals(listed),
            $"{path}: listed {string.Join(' ', listed)}, found {string.Join(' ', alive)}");
    }

    private void AuditCopies(Gfid parent, string name, Gfid gfid, string where)
    {
        for (var brick = 0; brick < volume.Count; brick++)
        {
            var (error, iatt, _) = volume.OnBrick(brick, parent, name);
            Expect(error == Errno.Ok && iatt.IsDirectory && iatt.Gfid == gfid, $"{where}: wrong on brick {brick}");
        }
    }

    private async Task AuditFileAsync(Gfid parent, string name, Gfid gfid, string where)
    {
        var (data, links) = volume.PlacesOf(parent, name);
        var hashed = volume.HashedOf(parent, name);
        Expect(data.Length == 1, $"{where}: data on {data.Length} bricks");
        if (data.Length != 1)
        {
            return;
        }

        // After a repair of the layout link files of the former one may be left; they must lead to the file all the same.
        var isRepaired = volume.LayoutOnBricks(parent).CommitHash == LayoutXattr.CommitHashInvalid;
        Expect(
            isRepaired ? data[0] == hashed || links.Contains(hashed) : links.SequenceEqual(data[0] == hashed ? [] : [hashed]),
            $"{where}: hashes to {hashed}, data on {data[0]}, links on {string.Join(',', links)}");
        Expect(_places.TryAdd(gfid, data[0]) || _places[gfid] == data[0], $"{where}: the file is on two bricks");
        foreach (var link in links)
        {
            var (_, iatt, linkTo) = volume.OnBrick(link, parent, name);
            _reached[link].Add(iatt.Gfid);
            if (isRepaired && link != hashed)
            {
                continue; // Of the former layout, and perhaps of a former file of that name: no look-up follows it.
            }

            Expect(iatt.Gfid == gfid, $"{where}: the link file has another gfid");
            Expect(linkTo == volume.Bricks.Names[data[0]], $"{where}: the link file points to {linkTo}");
        }

        _reached[data[0]].Add(gfid);
        var (error, text) = await volume.ReadAsync(gfid);
        Expect(
            error == Errno.Ok && contents.TryGetValue(gfid, out var content) && text == content,
            $"{where}: {error}, contains {text}");
    }

    /// <summary>All names that any brick has in a directory.</summary>
    private SortedSet<string> RawNames(Gfid gfid)
    {
        var names = new SortedSet<string>(System.StringComparer.Ordinal);
        foreach (var memory in volume.Bricks.Memory)
        {
            var ask = new ReaddirpFop { Gfid = gfid, Fd = volume.NewFd(gfid, isDirectory: true), Size = 1 << 20 };
            var reply = memory.Readdirp(in ask, DhtVolume.NewCall()).AsTask().Result;
            for (var i = 0; reply.IsOk && i < reply.Entries.Count; i++)
            {
                if (!reply.Entries.NameOf(i).IsDotOrDotDot)
                {
                    names.Add(reply.Entries.NameOf(i).ToString());
                }
            }

            reply.Release();
        }

        return names;
    }

    /// <summary>What each brick has of a name: a directory, data, a link file to a brick, or nothing.</summary>
    private string Describe(Gfid parent, string name)
    {
        var text = string.Empty;
        for (var brick = 0; brick < volume.Count; brick++)
        {
            var (error, iatt, linkTo) = volume.OnBrick(brick, parent, name);
            text += error != Errno.Ok ? "-"
                : iatt.IsDirectory ? $"D{iatt.Gfid.Ino & 0xFFFF:x4}"
                : linkTo is not null ? $"L{volume.Bricks.Names.IndexOf(linkTo)}"
                : $"F{iatt.Gfid.Ino & 0xFFFF:x4}";
        }

        return text;
    }

    private int InodesOf(int brick)
    {
        var dump = new StateDump();
        volume.Bricks.Memory[brick].DumpState(dump);
        var line = dump.ToString().Split('\n').Single(l => l.StartsWith("inodes=", System.StringComparison.Ordinal));
        return int.Parse(line[7..], CultureInfo.InvariantCulture);
    }

    private void Expect(bool holds, string fault)
    {
        if (!holds)
        {
            _faults.Add(fault);
        }
    }
}
