using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>Content and attributes of inodes, all reached by gfid.</summary>
public sealed partial class Redo
{
    private async ValueTask<RedoResult> PutAsync(JournalOperation operation, Payload data, Call call)
    {
        var result = operation.Overwrites ? await SetXattrsAsync(operation, call) : await CreateAsync(operation, call);
        if (result.Error != Errno.Ok || result.IsMissing)
        {
            return result;
        }

        // An existing file is emptied first, so that its old bytes do not show before and behind the new ones.
        var error = await TruncateAsync(operation.Gfid, 0, call);
        return error == Errno.Ok ? await WriteAsync(operation, data, call) : ResultOf(error);
    }

    private ValueTask<RedoResult> WriteAsync(JournalOperation operation, Payload data, Call call)
    {
        Invariant.Check(data.Length == operation.Length);
        return WriteAsync(operation, operation.Offset, data, call);
    }

    /// <summary>
    /// Exactly the range. The end of the file moves by itself, and not back: entries behind this one may have moved it
    /// further, those that were applied side by side with it and, in a replay, all those of the window.
    /// </summary>
    private async ValueTask<RedoResult> WriteAsync(JournalOperation operation, long offset, Payload data, Call call)
    {
        var post = default(Iatt);
        for (var done = 0; done < data.Length;)
        {
            var rest = data.Slice(done, data.Length - done);
            var reply = await _store.Write(
                new WriteFop
                {
                    Gfid = operation.Gfid,
                    Fd = call.AnonymousFd(operation.Gfid),
                    Offset = offset + done,
                    Data = rest,
                },
                call);
            var error = reply.Error;
            post = reply.Post;
            done += error == Errno.Ok ? reply.OpRet : 0;
            call.Stored = null; // Of the first bytes.
            error = error == Errno.Ok && reply.OpRet <= 0 ? Errno.EIO : error;
            reply.Release();
            if (error != Errno.Ok)
            {
                return ResultOf(error);
            }
        }

        return await EndModeAsync(operation, post, call);
    }

    /// <summary>
    /// A write of which some bytes are missing, because entries that are committed overwrite them: these are left as
    /// they are, and where the file ends before, it gets a hole. Everything else is as if they were there.
    /// </summary>
    private async ValueTask<RedoResult> WritePartsAsync(
        JournalOperation operation, Payload data, ElidedData elided, Call call)
    {
        if (operation.Fop is not (FopCode.Write or FopCode.CopyFileRange) || elided.Length != operation.Length)
        {
            return new RedoResult(Errno.EUCLEAN);
        }

        for (int block = 0, done = 0; done < data.Length; block++)
        {
            var (begin, length) = (block, 0);
            for (; block < ElidedData.BlocksOf(elided.Length) && !elided.IsMissing(block); block++)
            {
                length += elided.LengthOf(block);
            }

            var part = data.Slice(done, length);
            var at = operation.Offset + ((long)begin * ElidedData.BlockBytes);
            if (length > 0 && await WriteAsync(operation, at, part, call) is var result
                && (result.Error != Errno.Ok || result.IsMissing))
            {
                return result;
            }

            done += length;
        }

        var view = await StoreView.StatAsync(_store, operation.Gfid, call);
        if (!view.IsThere)
        {
            return view.IsMissing ? new RedoResult(Errno.Ok, IsMissing: true) : new RedoResult(view.Error);
        }

        var end = operation.Offset + operation.Length;
        var error = (long)view.Iatt.Size < end ? await TruncateAsync(operation.Gfid, end, call) : Errno.Ok;
        return error == Errno.Ok ? await EndModeAsync(operation, default, call) : ResultOf(error);
    }

    private async ValueTask<RedoResult> ResizeAsync(JournalOperation operation, Call call)
    {
        var error = await TruncateAsync(operation.Gfid, operation.Size, call);
        return error == Errno.Ok ? await EndDataAsync(operation, default, call) : ResultOf(error);
    }

    private async ValueTask<RedoResult> FallocateAsync(JournalOperation operation, Call call)
    {
        var reply = await _store.Fallocate(
            new FallocateFop
            {
                Gfid = operation.Gfid,
                Fd = call.AnonymousFd(operation.Gfid),
                Flags = operation.Flags,
                Offset = operation.Offset,
                Length = operation.Length,
            },
            call);
        return await EndRangeAsync(operation, reply, reply.Post, call);
    }

    private async ValueTask<RedoResult> DiscardAsync(JournalOperation operation, Call call)
    {
        var reply = await _store.Discard(
            new DiscardFop
            {
                Gfid = operation.Gfid,
                Fd = call.AnonymousFd(operation.Gfid),
                Offset = operation.Offset,
                Length = operation.Length,
            },
            call);
        return await EndRangeAsync(operation, reply, reply.Post, call);
    }

    private async ValueTask<RedoResult> ZerofillAsync(JournalOperation operation, Call call)
    {
        var reply = await _store.Zerofill(
            new ZerofillFop
            {
                Gfid = operation.Gfid,
                Fd = call.AnonymousFd(operation.Gfid),
                Offset = operation.Offset,
                Length = operation.Length,
            },
            call);
        return await EndRangeAsync(operation, reply, reply.Post, call);
    }

    /// <summary>What follows a fop on a range. Takes the reply.</summary>
    private async ValueTask<RedoResult> EndRangeAsync(JournalOperation operation, Reply reply, Iatt post, Call call)
    {
        var error = reply.Error;
        reply.Release();
        return error == Errno.Ok ? await EndDataAsync(operation, post, call) : ResultOf(error);
    }

    /// <summary>The recorded size, and the mode when the write has taken set-id bits away.</summary>
    private async ValueTask<RedoResult> EndDataAsync(JournalOperation operation, Iatt post, Call call)
    {
        var error = Errno.Ok;
        if (operation.Size != JournalOperation.SameSize && (post.IsNull || (long)post.Size != operation.Size))
        {
            error = await TruncateAsync(operation.Gfid, operation.Size, call);
        }

        return error == Errno.Ok ? await EndModeAsync(operation, post, call) : ResultOf(error);
    }

    private async ValueTask<RedoResult> EndModeAsync(JournalOperation operation, Iatt post, Call call)
    {
        var error = Errno.Ok;
        if (operation.Valid != SetattrValid.None)
        {
            error = await ChangeAsync(operation, operation.Valid, call);
        }

        return error == Errno.Ok ? new RedoResult(error, Iatt: post) : ResultOf(error);
    }

    private async ValueTask<Errno> TruncateAsync(Gfid gfid, long size, Call call)
    {
        var reply = await _store.Truncate(new TruncateFop { Gfid = gfid, Offset = size }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private async ValueTask<RedoResult> SetattrAsync(JournalOperation operation, Call call)
    {
        var error = await ChangeAsync(operation, operation.Valid, call);
        return error == Errno.Ok ? new RedoResult(error) : ResultOf(error);
    }

    private async ValueTask<Errno> ChangeAsync(JournalOperation operation, SetattrValid valid, Call call)
    {
        var iatt = new Iatt { Mode = operation.Mode, Uid = operation.Uid, Gid = operation.GroupId };
        operation.Times?.CopyTo(ref iatt);
        var reply = await _store.Setattr(new SetattrFop { Gfid = operation.Gfid, Iatt = iatt, Valid = valid }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private async ValueTask<RedoResult> SetXattrsAsync(JournalOperation operation, Call call)
    {
        var error = await PutXattrsAsync(operation, call);
        for (var i = 0; i < operation.Xattrs.Count && error == Errno.Ok; i++)
        {
            var (name, value) = operation.Xattrs[i];
            if (value is null)
            {
                var reply = await _store.Removexattr(new RemovexattrFop { Gfid = operation.Gfid, Name = name }, call);
                error = reply.Error == Errno.ENODATA ? Errno.Ok : reply.Error;
                reply.Release();
            }
        }

        return error == Errno.Ok ? new RedoResult(error) : ResultOf(error);
    }

    /// <summary>Sets the attributes that have a value.</summary>
    private async ValueTask<Errno> PutXattrsAsync(JournalOperation operation, Call call)
    {
        var values = XData.Rent();
        foreach (var (name, value) in operation.Xattrs)
        {
            if (value is not null)
            {
                values.SetBytes(name.Span, value);
            }
        }

        var error = Errno.Ok;
        if (values.Count > 0)
        {
            var reply = await _store.Setxattr(new SetxattrFop { Gfid = operation.Gfid, Values = values }, call);
            error = reply.Error;
            reply.Release();
        }

        values.Release();
        return error;
    }
}
