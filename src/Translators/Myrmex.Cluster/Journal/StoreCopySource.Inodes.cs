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

    private async ValueTask<Errno> AddAsync(InodeView view, Gfid parent, Name name, Call call)
    {
        if (!view.IsThere)
        {
            // Gone since; or a creation that a crash has torn, which is not anything.
            return view.IsMissing || view.Error is Errno.ENODATA or Errno.EIO ? Errno.Ok : view.Error;
        }

        var iatt = view.Iatt;
        var target = default(Name);
        if (iatt.IsSymbolicLink)
        {
            var reply = await _store.Readlink(new ReadlinkFop { Gfid = iatt.Gfid }, call);
            var error = reply.Error;
            target = reply.IsOk ? reply.Target.ToOwned() : default;
            reply.Release();
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
        return !iatt.IsDirectory && iatt.Nlink > 1 && !_linked.Add(iatt.Gfid)
            ? Errno.Ok // One more name.
            : await AddContentAsync(view, call);
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

    private async ValueTask<Errno> AddContentAsync(InodeView view, Call call)
    {
        var iatt = view.Iatt;
        _inodes++;
        var error = await AddXattrsAsync(iatt.Gfid, call);
        if (error != Errno.Ok)
        {
            return Vanished(error);
        }

        if (iatt.IsDirectory)
        {
            Enter(iatt.Gfid);
        }

        if (iatt.IsRegular)
        {
            Add(new JournalOperation { Fop = FopCode.Truncate, Gfid = iatt.Gfid, Mode = iatt.Mode, Size = 0 });
            _file = new OpenFile(view);
        }
        else
        {
            AddAttributes(view);
        }

        return Errno.Ok;
    }

    private async ValueTask<Errno> AddXattrsAsync(Gfid gfid, Call call)
    {
        var (error, xattrs) = await StoreLister.XattrsAsync(_store, gfid, call);
        for (var i = 0; i < xattrs.Count && error == Errno.Ok;)
        {
            var some = new List<XattrValue>();
            for (var bytes = 0; i < xattrs.Count && bytes < XattrBytesMax; i++)
            {
                some.Add(xattrs[i]);
                bytes += xattrs[i].Value!.Length; // A listing has values.
            }

            Add(new JournalOperation { Fop = FopCode.Setxattr, Gfid = gfid, Xattrs = some });
        }

        return error;
    }

    /// <summary>
    /// Owner, mode and times, as they were before the content was read: so times that are equal to those of a later
    /// reading say that the content is, too.
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

    /// <summary>The next piece of content; at the end the size, for a hole there, and the attributes.</summary>
    private async ValueTask<Errno> ReadFileAsync(OpenFile file, int bytesMax, Call call)
    {
        var gfid = file.View.Iatt.Gfid;
        if (file.Offset >= file.ExtentEnd)
        {
            await FindExtentAsync(file, call);
        }

        var size = (long)file.View.Iatt.Size;
        if (file.Offset >= size)
        {
            _file = null;
            Add(new JournalOperation { Fop = FopCode.Truncate, Gfid = gfid, Mode = file.View.Iatt.Mode, Size = size });
            AddAttributes(file.View);
            return Errno.Ok;
        }

        var length = System.Math.Min(System.Math.Min(bytesMax, file.ExtentEnd - file.Offset), DataBytesMax);
        var reply = await _store.Read(
            new ReadFop { Gfid = gfid, Fd = call.AnonymousFd(gfid), Offset = file.Offset, Size = (uint)length }, call);
        var error = reply.Error;
        if (error == Errno.Ok && reply.Data.IsEmpty)
        {
            file.Offset = size; // It is shorter now.
        }
        else if (error == Errno.Ok)
        {
            reply.Data.Retain();
            AddData(file, gfid, reply.Data);
        }
        else
        {
            _file = null;
        }

        reply.Release();
        return Vanished(error);
    }

    private void AddData(OpenFile file, Gfid gfid, Payload data)
    {
        Add(
            new JournalOperation
            {
                Fop = FopCode.Write,
                Gfid = gfid,
                Mode = file.View.Iatt.Mode,
                Offset = file.Offset,
                Length = data.Length,
            },
            data);
        file.Offset += data.Length;
        _dataBytes += (ulong)data.Length;
    }

    /// <summary>The next bytes that are not a hole; where a store does not tell, everything that is left.</summary>
    private async ValueTask FindExtentAsync(OpenFile file, Call call)
    {
        var gfid = file.View.Iatt.Gfid;
        var size = (long)file.View.Iatt.Size;
        var data = await SeekAsync(gfid, file.Offset, SeekKind.Data, call);
        file.Offset = data.Error == Errno.ENXIO ? size : data.Error == Errno.Ok ? data.Offset : file.Offset;
        var hole = data.Error == Errno.Ok ? await SeekAsync(gfid, file.Offset, SeekKind.Hole, call) : data;
        file.ExtentEnd = hole.Error == Errno.Ok ? System.Math.Min(hole.Offset, size) : size;
    }

    private async ValueTask<(Errno Error, long Offset)> SeekAsync(Gfid gfid, long offset, SeekKind kind, Call call)
    {
        var reply = await _store.Seek(
            new SeekFop { Gfid = gfid, Fd = call.AnonymousFd(gfid), Offset = offset, Kind = kind }, call);
        var result = (reply.Error, reply.Offset);
        reply.Release();
        return result;
    }

    private void Add(JournalOperation operation, Payload data = default)
    {
        var meta = OperationCodec.Encode(operation);
        _items.Add(new CopyItem(meta, data));
        _bytes += meta.Length + data.Length;
    }

    /// <summary>An inode that is gone is not an error: an entry that was committed meanwhile took it away.</summary>
    private static Errno Vanished(Errno error) => error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;

    /// <summary>A file whose content is being read.</summary>
    private sealed class OpenFile(InodeView view)
    {
        public InodeView View => view;

        public long Offset { get; set; }

        /// <summary>Up to here there is no hole.</summary>
        public long ExtentEnd { get; set; }
    }
}
