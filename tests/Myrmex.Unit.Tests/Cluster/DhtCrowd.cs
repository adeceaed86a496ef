using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>What the members of a crowd do, in parts of their sum.</summary>
internal sealed record CrowdHabits
{
    public int Create { get; init; } = 4;

    public int Mkdir { get; init; } = 3;

    public int Rmdir { get; init; } = 3;

    public int Unlink { get; init; } = 3;

    public int Link { get; init; } = 2;

    public int Rename { get; init; } = 6;

    public int Look { get; init; } = 3;

    public int Read { get; init; } = 2;

    public int List { get; init; } = 1;

    /// <summary>Share of names, in percent, that are taken from below the root.</summary>
    public int Depth { get; init; } = 40;

    /// <summary>Renames and links go to names that never existed, so that all names can be counted.</summary>
    public bool FreshTargets { get; init; }

    public int Sum => Create + Mkdir + Rmdir + Unlink + Link + Rename + Look + Read + List;
}

/// <summary>
/// Many users of a distribute volume who all use the same few names. Every outcome is compared with the errnos that are
/// legal for the fop when others are at work; what was acknowledged is counted.
/// </summary>
internal sealed class DhtCrowd(CrowdHabits habits, IReadOnlyList<DhtVolume> clients, IClock clock, int seed)
{
    private static readonly string[] Names = ["a", "b", "c", "d", "e", "f"];

    private readonly ConcurrentQueue<string> _history = new();
    private readonly ConcurrentDictionary<Gfid, string> _contents = new();
    private int _fresh;
    private int _acting; // With the next two only meaningful on one thread.
    private TaskCompletionSource? _closed;
    private TaskCompletionSource? _quiet;
    private int _namesMade;
    private int _namesRemoved;

    /// <summary>
    /// A directory that is given by gfid may be gone: the brick that is asked says ESTALE, one that is asked by name ENOENT.
    /// </summary>
    private static readonly Errno[] Gone = [Errno.ENOENT, Errno.ESTALE];

    /// <summary>The errnos that a fop may answer besides success.</summary>
    private static readonly Dictionary<FopCode, Errno[]> Legal = new()
    {
        [FopCode.Lookup] = Gone,
        [FopCode.Create] = [.. Gone, Errno.EEXIST, Errno.EISDIR],
        [FopCode.Mkdir] = [.. Gone, Errno.EEXIST],
        [FopCode.Rmdir] = [.. Gone, Errno.ENOTEMPTY, Errno.ENOTDIR],
        [FopCode.Unlink] = [.. Gone, Errno.EISDIR],
        [FopCode.Link] = [.. Gone, Errno.EEXIST],
        [FopCode.Rename] = [.. Gone, Errno.ENOTEMPTY, Errno.ENOTDIR, Errno.EISDIR, Errno.EINVAL],
        [FopCode.Read] = Gone,
        [FopCode.Opendir] = Gone,
    };

    /// <summary>What was asked and answered, oldest first.</summary>
    public IEnumerable<string> History => _history;

    /// <summary>Contents by gfid of all files ever made.</summary>
    public IReadOnlyDictionary<Gfid, string> Contents => _contents;

    /// <summary>Names that must be there at the end when nothing was ever replaced.</summary>
    public int NamesExpected => _namesMade - _namesRemoved;

    /// <summary>Ends when nothing is under way any more; nothing begins before <see cref="Open"/>.</summary>
    public Task CloseAsync()
    {
        (_closed, _quiet) = (new TaskCompletionSource(), new TaskCompletionSource());
        return _acting == 0 ? Task.CompletedTask : _quiet.Task;
    }

    public void Open()
    {
        var closed = _closed;
        _closed = null;
        closed!.SetResult();
    }

    /// <summary>One user of one client.</summary>
    public async Task VisitAsync(int user, int fops)
    {
        var random = new Random((seed * 1000) + user);
        for (var i = 0; i < fops; i++)
        {
            // A client may get another graph meanwhile.
            await (_closed?.Task ?? Task.CompletedTask);
            _acting++;
            try
            {
                await ActAsync(clients[user % clients.Count], random, $"{user}.{i}");
            }
            finally
            {
                _acting--;
            }

            if (_acting == 0 && _closed is not null)
            {
                _quiet!.TrySetResult();
            }
        }
    }

    public void Tell(string what) => _history.Enqueue($"{clock.MonotonicNs / 1000,10} {what}");

    /// <summary>Fails when an errno is not legal for a fop.</summary>
    private void Check(FopCode code, Errno error, string what)
    {
        Tell($"{what}: {error}");
        if (error != Errno.Ok && !Legal[code].Contains(error))
        {
            throw new InvalidOperationException($"{code} must not answer {error}: {what}");
        }
    }

    private async Task ActAsync(DhtVolume client, Random random, string who)
    {
        var parent = await ParentAsync(client, random);
        var name = Names[random.Next(Names.Length)];
        var what = random.Next(habits.Sum);
        if ((what -= habits.Create) < 0)
        {
            await CreateAsync(client, parent, name, isExclusive: habits.FreshTargets || random.Next(2) == 0, who);
        }
        else if ((what -= habits.Mkdir) < 0)
        {
            await LookFirstAsync(client, parent, name);
            var (error, _) = await client.TryMkdirAsync(parent, name);
            Note(error, made: 1);
            Check(FopCode.Mkdir, error, $"{who} mkdir {parent.Ino:x}/{name}");
        }
        else if ((what -= habits.Rmdir) < 0)
        {
            var error = await client.RmdirAsync(parent, name);
            Note(error, removed: 1);
            Check(FopCode.Rmdir, error, $"{who} rmdir {parent.Ino:x}/{name}");
        }
        else if ((what -= habits.Unlink) < 0)
        {
            var error = await client.UnlinkAsync(parent, name);
            Note(error, removed: 1);
            Check(FopCode.Unlink, error, $"{who} unlink {parent.Ino:x}/{name}");
        }
        else if ((what -= habits.Link) < 0)
        {
            await LinkAsync(client, random, parent, name, who);
        }
        else if ((what -= habits.Rename) < 0)
        {
            await RenameAsync(client, random, parent, name, who);
        }
        else if ((what -= habits.Look) < 0)
        {
            var (error, iatt) = await client.LookupAsync(parent, name);
            Check(FopCode.Lookup, error, $"{who} lookup {parent.Ino:x}/{name} = {iatt.Gfid.Ino:x}");
        }
        else if (what - habits.Read < 0)
        {
            await ReadAsync(client, parent, name, who);
        }
        else
        {
            await ListAsync(client, parent, who);
        }
    }

    /// <summary>The root, or what a shared name below it is, when it is a directory.</summary>
    private async Task<Gfid> ParentAsync(DhtVolume client, Random random)
    {
        var parent = Gfid.Root;
        while (random.Next(100) < habits.Depth)
        {
            var name = Names[random.Next(Names.Length)];
            var (error, iatt) = await client.LookupAsync(parent, name);
            Check(FopCode.Lookup, error, $"parent {parent.Ino:x}/{name} = {iatt.Gfid.Ino:x}");
            if (error != Errno.Ok || !iatt.IsDirectory)
            {
                break;
            }

            parent = iatt.Gfid;
        }

        return parent;
    }

    /// <summary>What a kernel does before it makes a name: a look-up, be it a moment too early.</summary>
    private async Task LookFirstAsync(DhtVolume client, Gfid parent, string name)
    {
        var (error, _) = await client.LookupAsync(parent, name);
        Check(FopCode.Lookup, error, $"look {parent.Ino:x}/{name}");
    }

    private async Task CreateAsync(DhtVolume client, Gfid parent, string name, bool isExclusive, string who)
    {
        await LookFirstAsync(client, parent, name);
        var (error, fd) = await client.TryCreateAsync(parent, name, isExclusive ? OpenFlags.Exclusive : 0);
        Note(error, made: 1);
        Check(FopCode.Create, error, $"{who} create {parent.Ino:x}/{name} = {fd.Gfid.Ino:x}");
        if (error != Errno.Ok)
        {
            return;
        }

        // Whoever opens the same file writes the same.
        var content = fd.Gfid.ToString();
        _contents[fd.Gfid] = content;
        Check(FopCode.Read, await client.WriteAsync(fd, content), $"{who} write {fd.Gfid.Ino:x}");
        await client.ReleaseAsync(fd);
    }

    private async Task LinkAsync(DhtVolume client, Random random, Gfid parent, string name, string who)
    {
        var from = await ParentAsync(client, random);
        var source = Names[random.Next(Names.Length)];
        var (error, iatt) = await client.LookupAsync(from, source);
        Check(FopCode.Lookup, error, $"{who} lookup {from.Ino:x}/{source} = {iatt.Gfid.Ino:x}");
        if (error == Errno.Ok && !iatt.IsDirectory)
        {
            var target = TargetOf(name);
            await LookFirstAsync(client, parent, target);
            error = await client.LinkAsync(iatt.Gfid, parent, target);
            Note(error, made: 1);
            Check(FopCode.Link, error, $"{who} link {iatt.Gfid.Ino:x} {parent.Ino:x}/{target}");
        }
    }

    private async Task RenameAsync(DhtVolume client, Random random, Gfid parent, string name, string who)
    {
        var from = await ParentAsync(client, random);
        var source = Names[random.Next(Names.Length)];
        var target = TargetOf(name);
        var error = await client.RenameAsync(from, source, parent, target);
        Check(FopCode.Rename, error, $"{who} rename {from.Ino:x}/{source} {parent.Ino:x}/{target}");
    }

    private async Task ReadAsync(DhtVolume client, Gfid parent, string name, string who)
    {
        var (error, iatt) = await client.LookupAsync(parent, name);
        Check(FopCode.Lookup, error, $"{who} lookup {parent.Ino:x}/{name} = {iatt.Gfid.Ino:x}");
        if (error == Errno.Ok && iatt.IsRegular)
        {
            (error, var text) = await client.ReadAsync(iatt.Gfid);
            Check(FopCode.Read, error, $"{who} read {iatt.Gfid.Ino:x}");
            if (error == Errno.Ok && text.Length > 0 && text != iatt.Gfid.ToString())
            {
                throw new InvalidOperationException($"{who} read what belongs to another file: {text}");
            }
        }
    }

    private async Task ListAsync(DhtVolume client, Gfid parent, string who)
    {
        var fd = client.NewFd(parent, isDirectory: true);
        var open = await client.Dht.Opendir(new OpendirFop { Gfid = parent, Fd = fd }, DhtVolume.NewCall());
        var error = open.Error;
        open.Release();
        Check(FopCode.Opendir, error, $"{who} opendir {parent.Ino:x}");
        for (var offset = 0L; error == Errno.Ok;)
        {
            var ask = new ReaddirpFop { Gfid = parent, Fd = fd, Offset = offset, Size = 4096 };
            var reply = await client.Dht.Readdirp(in ask, DhtVolume.NewCall());
            error = reply.Error;
            var count = reply.Entries.Count;
            offset = count > 0 ? (long)reply.Entries[count - 1].Offset : 0;
            reply.Release();
            Check(FopCode.Opendir, error, $"{who} readdirp {parent.Ino:x}");
            if (count == 0)
            {
                break;
            }
        }

        await client.ReleaseAsync(fd);
    }

    private string TargetOf(string name) =>
        habits.FreshTargets ? $"{name}-{Interlocked.Increment(ref _fresh)}" : name;

    private void Note(Errno error, int made = 0, int removed = 0)
    {
        if (error == Errno.Ok)
        {
            Interlocked.Add(ref _namesMade, made);
            Interlocked.Add(ref _namesRemoved, removed);
        }
    }
}
