using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>One inode as the operations that make it.</summary>
internal sealed partial class StoreCopySource
{
    private const int DataBytesMax = 1 << 20;
    private const int XattrBytesMax = 256 << 10;
    private const int NoteBytesMax = 32 << 10;
    private const int NameCost = 4096; // In bytes that are read.

    // What is not in _items yet.
    private readonly List<CopyBlocks> _blocks = [];
    private readonly List<CopyName> _listed = [];
    private int _blocksBytes;
    private int _listedBytes;
    private bool _isFirst; // Nothing was said of _directory yet.

    /// <summary>A name for the list; a directory, of which there are few, is sent as a whole.</summary>
    private async ValueTask<Errno> AddNameAsync(Name name, Call call)
    {
        var view = await StoreView.LookupAsync(_store, _directory, name, call);
        if (!view.IsThere)
        {
            return Missing(view.Error);
        }

        if (view.Iatt.IsDirectory)
        {
            var added = await AddInodeAsync(view, _directory, name, call);
            Enter(view.Iatt.Gfid);
            _inodes++;
            List(new CopyName(name, view.Iatt.Gfid, []));
            return added;
        }

        var (error, digest) = await _hasher.DigestAsync(_store, view, call);
        if (error != Errno.Ok)
        {
            return Vanished(error);
        }

        var isFirstName = view.Iatt.Nlink <= 1 || _linked.Add(view.Iatt.Gfid);
        _inodes += isFirstName ? 1u : 0;
        var isLarge = view.Iatt.IsRegular && view.Iatt.Size > CopyHasher.SmallBytes;
        List(new CopyName(name, view.Iatt.Gfid, digest, isLarge && isFirstName));
        if (isLarge && isFirstName)
        {
            FlushNames(isLast: false); // The target must have asked for the file before it asks for its content.
            _files.Enqueue(new FileRange(view, 0, (long)view.Iatt.Size, CopyHasher.LevelFirst));
        }
        else if (view.Iatt.IsRegular && !isLarge)
        {
            _hashedBytes += (long)view.Iatt.Size;
            _dataBytes += isFirstName ? view.Iatt.Size : 0;
        }

        _hashedBytes += NameCost;

        return Errno.Ok;
    }

    private void List(CopyName name)
    {
        _listed.Add(name);
        _listedBytes += name.Name.Span.Length + 40;
        if (_listedBytes >= NoteBytesMax)
        {
            FlushNames(isLast: false);
        }
    }

    private void FlushNames(bool isLast)
    {
        AddMeta(CopyNotes.Encode(new CopyNames(_directory, _isFirst, isLast, _listed)));
        _listed.Clear();
        (_listedBytes, _isFirst) = (0, false);
        _isListing &= !isLast;
    }

    private void AddBlocks(in CopyBlocks blocks)
    {
        _blocks.Add(blocks);
        _blocksBytes += blocks.Hashes.Length + 32;
        if (_blocksBytes >= NoteBytesMax)
        {
            FlushBlocks();
        }
    }

    private void FlushBlocks()
    {
        if (_blocks.Count > 0)
        {
            AddMeta(CopyNotes.Encode(_blocks));
            _blocks.Clear();
            _blocksBytes = 0;
        }
    }

    private async ValueTask<Errno> ServeAsync(CopyWant want, Call call)
    {
        if (want.Kind == CopyWantKind.Data)
        {
            _data = new FileRange(new InodeView(Errno.Ok, new Iatt { Gfid = want.Gfid }, null), want.Offset,
                want.Offset + want.Length, want.Level);
            return Errno.Ok;
        }

        if (want.Kind == CopyWantKind.Blocks)
        {
            return await HashAsync(want.Gfid, want.Offset, want.Length, want.Level, isEnd: false, call);
        }

        var view = await StoreView.LookupAsync(_store, want.Parent, want.Name, call);
        if (!view.IsThere || view.Iatt.Gfid != want.Gfid)
        {
            // It has lost this name since the walk. Another name may have been seen before, so it is what was moved.
            var error = view.IsThere ? Errno.Ok : Missing(view.Error);
            return error == Errno.Ok ? await AddStrayAsync(want.Gfid, call) : error;
        }

        return view.Iatt.Nlink > 1 && !_sent.Add(want.Gfid)
            ? await AddNodeAsync(view, want.Parent, want.Name, call) // One more name.
            : await ServeAsync(want, view, call);
    }

    private async ValueTask<Errno> ServeAsync(CopyWant want, InodeView view, Call call)
    {
        var error = await AddInodeAsync(view, want.Parent, want.Name, call);
        var size = (long)view.Iatt.Size;
        if (error != Errno.Ok || !view.Iatt.IsRegular || size == 0 || want.HasContent)
        {
            return error; // The walk has compared the content, or will.
        }

        if (size > CopyHasher.SmallBytes)
        {
            _files.Enqueue(new FileRange(view, 0, size, CopyHasher.LevelFirst)); // It was small when the walk saw it.
            return Errno.Ok;
        }

        if (want.IsNew)
        {
            _data = new FileRange(view, 0, size, CopyHasher.LevelLast);
            return Errno.Ok;
        }

        return await HashAsync(want.Gfid, 0, (int)size, CopyHasher.LevelLast, isEnd: true, call);
    }

    /// <summary>An inode that has no place where the walk goes, with all its content to be compared.</summary>
    private async ValueTask<Errno> AddAsync(InodeView view, Gfid parent, Name name, Call call)
    {
        if (!view.IsThere)
        {
            return Missing(view.Error);
        }

        var iatt = view.Iatt;
        _inodes++;
        var error = await AddInodeAsync(view, parent, name, call);
        if (iatt.IsDirectory)
        {
            Enter(iatt.Gfid);
        }

        if (error == Errno.Ok && iatt.IsRegular)
        {
            var level = iatt.Size > CopyHasher.SmallBytes ? CopyHasher.LevelFirst : CopyHasher.LevelLast;
            _files.Enqueue(new FileRange(view, 0, (long)iatt.Size, level));
        }

        return error;
    }

    /// <summary>Gone since; or a creation that a crash has torn, which is not anything.</summary>
    private static Errno Missing(Errno error) =>
        error is Errno.ENOTDIR or Errno.ENODATA or Errno.EIO ? Errno.Ok : Vanished(error);

    private async ValueTask<Errno> AddNodeAsync(InodeView view, Gfid parent, Name name, Call call)
    {
        var iatt = view.Iatt;
        var target = default(Name);
        if (iatt.IsSymbolicLink)
        {
            (var error, target) = await CopyHasher.LinkTextAsync(_store, iatt.Gfid, call);
            if (error != Errno.Ok)
            {
                return Vanished(error);
            }
        }

        Add(new JournalOperation
        {
            Fop = iatt.IsDirectory ? FopCode.Mkdir : iatt.IsSymbolicLink ? FopCode.Symlink : FopCode.Mknod,
            Gfid = iatt.Gfid,
            Parent = parent,
            Name = name,
            Mode = iatt.Mode,
            Uid = iatt.Uid,
            GroupId = iatt.Gid,
            Device = DeviceNumber.ToLinux(iatt.Rdev),
            Target = target,
        });
        return Errno.Ok;
    }

    /// <summary>A file without a name: it is made in the pool, and kept.</summary>
    private async ValueTask<Errno> AddKeptAsync(Gfid gfid, Call call)
    {
        var view = await StoreView.StatAsync(_store, gfid, call);
        var name = Redo.PoolName(gfid);
        var error = await AddAsync(view, IForcedStore.Pool, name, call);
        if (error == Errno.Ok && view.IsThere)
        {
            Add(new JournalOperation
            {
                Fop = FopCode.Unlink,
                Gfid = gfid,
                Parent = IForcedStore.Pool,
                Name = name,
                Mode = view.Iatt.Mode,
                Flags = JournalOperation.LastName | JournalOperation.Keep,
            });
        }

        return error;
    }

    /// <summary>The name and all that is said of the inode but its content.</summary>
    private async ValueTask<Errno> AddInodeAsync(InodeView view, Gfid parent, Name name, Call call)
    {
        var iatt = view.Iatt;
        var error = await AddNodeAsync(view, parent, name, call);
        error = error == Errno.Ok ? await AddXattrsAsync(iatt.Gfid, call) : error;
        if (error != Errno.Ok)
        {
            return Vanished(error);
        }

        if (iatt.IsRegular)
        {
            Add(new JournalOperation
            {
                Fop = FopCode.Truncate,
                Gfid = iatt.Gfid,
                Mode = iatt.Mode,
                Size = (long)iatt.Size,
            });
        }

        AddAttributes(view);
        return Errno.Ok;
    }

    /// <summary>All extended attributes; the first item takes all others away.</summary>
    private async ValueTask<Errno> AddXattrsAsync(Gfid gfid, Call call)
    {
        var (error, xattrs) = await StoreLister.XattrsAsync(_store, gfid, call);
        for (var i = 0; error == Errno.Ok && (i == 0 || i < xattrs.Count);)
        {
            var flags = i == 0 ? StoreCopyWriter.OnlyThese : 0u;
            var some = new List<XattrValue>();
            for (var bytes = 0; i < xattrs.Count && bytes < XattrBytesMax; i++)
            {
                some.Add(xattrs[i]);
                bytes += xattrs[i].Value!.Length; // A listing has values.
            }

            Add(new JournalOperation { Fop = FopCode.Setxattr, Gfid = gfid, Xattrs = some, Flags = flags });
            if (xattrs.Count == 0)
            {
                break;
            }
        }

        return error;
    }

    /// <summary>
    /// Owner, mode and times, as they were before the content was read; what is made of content changes none of them.
    /// </summary>
    private void AddAttributes(InodeView view) => Add(new JournalOperation
    {
        Fop = FopCode.Setattr,
        Gfid = view.Iatt.Gfid,
        Mode = view.Iatt.Mode,
        Uid = view.Iatt.Uid,
        GroupId = view.Iatt.Gid,
        Valid = SetattrValid.Uid | SetattrValid.Gid
            | (view.Iatt.IsSymbolicLink ? SetattrValid.None : SetattrValid.Mode),
        Times = view.Times ?? InodeTimes.Of(view.Iatt),
    });

    /// <summary>The hashes of the next piece of a file.</summary>
    private async ValueTask<Errno> CompareAsync(FileRange file, Call call)
    {
        var length = (int)Math.Min(file.End - file.Offset, CopyHasher.RangeMax);
        if (length <= 0)
        {
            _ = _files.Dequeue();
            return Errno.Ok;
        }

        var at = file.Offset;
        file.Offset += length;
        _dataBytes += (ulong)length;
        return await HashAsync(file.Gfid, at, length, file.Level, file.Offset >= file.End, call);
    }

    private async ValueTask<Errno> HashAsync(Gfid gfid, long offset, int length, int level, bool isEnd, Call call)
    {
        _hashedBytes += length;
        var (error, hashes) = await _hasher.HashAsync(_store, gfid, offset, length, level, call);
        if (error == Errno.Ok)
        {
            AddBlocks(new CopyBlocks(gfid, offset, length, level, hashes, isEnd));
        }

        return Vanished(error);
    }

    /// <summary>The next piece of content that is wanted. The target may have something where a hole is here.</summary>
    private async ValueTask<Errno> ReadDataAsync(FileRange file, int bytesMax, Call call)
    {
        var gfid = file.Gfid;
        if (file.Offset < file.End && file.Offset >= file.ExtentEnd)
        {
            await FindExtentAsync(file, call);
        }

        if (file.Offset >= file.End)
        {
            _data = null;
            return Errno.Ok;
        }

        var length = Math.Min(Math.Min(bytesMax, file.ExtentEnd - file.Offset), DataBytesMax);
        var reply = await _store.Read(
            new ReadFop { Gfid = gfid, Fd = call.AnonymousFd(gfid), Offset = file.Offset, Size = (uint)length }, call);
        var error = reply.Error;
        if (error == Errno.Ok && !reply.Data.IsEmpty)
        {
            reply.Data.Retain();
            AddData(file, reply.Data);
        }
        else
        {
            _data = null; // It is shorter now, or gone.
        }

        reply.Release();
        return Vanished(error);
    }

    private void AddData(FileRange file, Payload data)
    {
        Add(
            new JournalOperation
            {
                Fop = FopCode.Write,
                Gfid = file.Gfid,
                Mode = FileMode.Regular,
                Offset = file.Offset,
                Length = data.Length,
            },
            data);
        file.Offset += data.Length;
        _sentBytes += data.Length;
    }

    /// <summary>The next bytes that are not a hole; where a store does not tell, everything that is left.</summary>
    private async ValueTask FindExtentAsync(FileRange file, Call call)
    {
        var data = await CopyHasher.SeekAsync(_store, file.Gfid, file.Offset, SeekKind.Data, call);
        var begin = data.Error == Errno.ENXIO ? file.End
            : data.Error == Errno.Ok ? Math.Min(data.Offset, file.End) : file.Offset;
        if (begin > file.Offset)
        {
            Add(new JournalOperation
            {
                Fop = FopCode.Discard,
                Gfid = file.Gfid,
                Mode = FileMode.Regular,
                Offset = file.Offset,
                Length = begin - file.Offset,
            });
            file.Offset = begin;
        }

        var hole = data.Error == Errno.Ok && begin < file.End
            ? await CopyHasher.SeekAsync(_store, file.Gfid, file.Offset, SeekKind.Hole, call) : data;
        file.ExtentEnd = hole.Error == Errno.Ok ? Math.Min(hole.Offset, file.End) : file.End;
    }

    private void AddMeta(byte[] meta)
    {
        _items.Add(new CopyItem(meta, default));
        _bytes += meta.Length;
    }

    private void Add(JournalOperation operation, Payload data = default)
    {
        var meta = OperationCodec.Encode(operation);
        _items.Add(new CopyItem(meta, data));
        _bytes += meta.Length + data.Length;
    }

    /// <summary>An inode that is gone is not an error: an entry that was committed meanwhile took it away.</summary>
    private static Errno Vanished(Errno error) => error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;

    /// <summary>A part of a file that is being read.</summary>
    private sealed class FileRange(InodeView view, long offset, long end, int level)
    {
        public Gfid Gfid => view.Iatt.Gfid;

        public long Offset { get; set; } = offset;

        public long End => end;

        public int Level => level;

        /// <summary>Up to here there is no hole.</summary>
        public long ExtentEnd { get; set; }
    }
}
