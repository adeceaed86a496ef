using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// What a store holds, in a form that is equal for two replicas that have applied the same operations: names, gfids,
/// types, modes, owners, link counts of files, devices, sizes, content, link texts, stored times, and the extended
/// attributes that clients may see. Left out is what belongs to one replica: block counts, sizes and link counts of
/// directories, times of the local file system, handles and notes of names. A line an inode and name, in the order of
/// names, and one a kept file, which has none; one hash over all.
/// </summary>
public sealed class StoreDigest
{
    private const uint ReadBytes = 1 << 20;

    private readonly Translator _store;
    private readonly SortedDictionary<string, string> _lines = new(StringComparer.Ordinal);

    private StoreDigest(Translator store) => _store = store;

    /// <summary>SHA-256 over the lines.</summary>
    public byte[] Hash { get; private set; } = [];

    /// <summary>Why the store could not be read; the hash is void then.</summary>
    public Errno Error { get; private set; }

    /// <summary>The lines by path, for people and for finding the difference.</summary>
    public IReadOnlyDictionary<string, string> Lines => _lines;

    /// <summary>
    /// Reads the whole store by fops. It takes as long as reading every file; nothing may change meanwhile.
    /// </summary>
    public static async ValueTask<StoreDigest> TakeAsync(Translator store)
    {
        var digest = new StoreDigest(store);
        var call = Call.Internal();
        call.TimeFlags = TimeFlags.ForwardOnly;
        var root = await StoreView.StatAsync(store, Gfid.Root, call);
        digest.Error = root.Error;
        await digest.AddAsync("/", root, call);
        var directories = new Stack<(string Path, Gfid Gfid)>();
        directories.Push(("/", Gfid.Root));
        while (digest.Error == Errno.Ok && directories.TryPop(out var directory))
        {
            foreach (var name in await digest.ListAsync(directory.Gfid, call))
            {
                var path = directory.Path + Convert.ToHexString(name.Span) + "/";
                var inode = await StoreView.LookupAsync(store, directory.Gfid, name, call);
                await digest.AddAsync(path, inode, call);
                if (inode.Iatt.IsDirectory)
                {
                    directories.Push((path, inode.Iatt.Gfid));
                }
            }
        }

        foreach (var gfid in StoreView.ForcedOf(store)?.ListKept() ?? [])
        {
            await digest.AddAsync($"kept {gfid}", await StoreView.StatAsync(store, gfid, call), call);
        }

        call.Release();
        digest.Seal();
        return digest;
    }

    /// <summary>The first differences to another digest, one a line; empty when there are none.</summary>
    public string DifferencesTo(StoreDigest other)
    {
        const int max = 20;
        var text = new StringBuilder();
        var count = 0;
        var paths = new SortedSet<string>(_lines.Keys, StringComparer.Ordinal);
        paths.UnionWith(other._lines.Keys);
        foreach (var path in paths)
        {
            var mine = _lines.GetValueOrDefault(path, "-");
            var theirs = other._lines.GetValueOrDefault(path, "-");
            if (mine != theirs && ++count <= max)
            {
                text.Append(path).Append("\n  ").Append(mine).Append("\n  ").Append(theirs).Append('\n');
            }
        }

        return text.ToString();
    }

    private void Seal()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (path, line) in _lines)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(path));
            hash.AppendData([0]);
            hash.AppendData(Encoding.UTF8.GetBytes(line));
            hash.AppendData([0]);
        }

        Hash = hash.GetHashAndReset();
    }

    private async ValueTask AddAsync(string path, InodeView inode, Call call)
    {
        if (!inode.IsThere)
        {
            _lines[path] = inode.Error.ToString();
            return;
        }

        var iatt = inode.Iatt;
        var line = new StringBuilder();
        line.Append(iatt.Gfid).Append(" mode=").Append(Convert.ToString(iatt.Mode, 8))
            .Append(" owner=").Append(iatt.Uid).Append(':').Append(iatt.Gid);
        if (!iatt.IsDirectory)
        {
            line.Append(" nlink=").Append(iatt.Nlink).Append(" size=").Append(iatt.Size)
                .Append(" rdev=").Append(iatt.Rdev);
        }

        if (inode.Times is { } t)
        {
            line.Append(" a=").Append(t.Atime).Append('.').Append(t.AtimeNsec).Append(" m=").Append(t.Mtime).Append('.')
                .Append(t.MtimeNsec).Append(" c=").Append(t.Ctime).Append('.').Append(t.CtimeNsec);
        }

        if (iatt.IsRegular)
        {
            line.Append(" data=").Append(Convert.ToHexString(await HashAsync(iatt, call)));
        }
        else if (iatt.IsSymbolicLink)
        {
            var reply = await _store.Readlink(new ReadlinkFop { Gfid = iatt.Gfid }, call);
            Note(reply.Error);
            line.Append(" target=").Append(Convert.ToHexString(reply.Target.Span));
            reply.Release();
        }

        await AddXattrsAsync(line, iatt.Gfid, call);
        _lines[path] = line.ToString();
    }

    private async ValueTask<byte[]> HashAsync(Iatt iatt, Call call)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (long offset = 0; offset < (long)iatt.Size && Error == Errno.Ok;)
        {
            var reply = await _store.Read(
                new ReadFop
                {
                    Gfid = iatt.Gfid,
                    Fd = call.AnonymousFd(iatt.Gfid),
                    Offset = offset,
                    Size = (uint)Math.Min(ReadBytes, (long)iatt.Size - offset),
                },
                call);
            Note(reply.IsOk && reply.Data.IsEmpty ? Errno.EIO : reply.Error);
            hash.AppendData(reply.Data.Span);
            offset += reply.Data.Length;
            reply.Release();
        }

        return hash.GetHashAndReset();
    }

    private async ValueTask AddXattrsAsync(StringBuilder line, Gfid gfid, Call call)
    {
        var (error, found) = await StoreLister.XattrsAsync(_store, gfid, call);
        Note(error);
        var xattrs = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var xattr in found)
        {
            xattrs[Encoding.UTF8.GetString(xattr.Name.Span)] = Convert.ToHexString(xattr.Value!); // Listed, so there.
        }

        foreach (var (name, value) in xattrs)
        {
            line.Append(' ').Append(name).Append('=').Append(value);
        }
    }

    private async ValueTask<List<Name>> ListAsync(Gfid gfid, Call call)
    {
        var names = new List<Name>();
        if (Error == Errno.Ok)
        {
            Note(await StoreLister.ListAsync(_store, gfid, names, call));
        }

        return names;
    }

    private void Note(Errno error) => Error = Error == Errno.Ok ? error : Error;
}
