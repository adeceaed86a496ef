using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Makes a store from what <see cref="StoreCopySource"/> has read, and keeps what is equal: it compares names, inodes
/// and blocks, and wants what differs. All of it is one replay: in the end the store differs from the state at the
/// start of the copy only by work of later entries, and these follow.
/// </summary>
/// <remarks>
/// Invariants: what a name stands for that the source does not have there goes to the orphan pool, from where a later
/// item takes it if it was only moved, and is removed in the end; an inode is found by its gfid wherever it is.
/// Nothing counts as equal before it was compared in this copy. What is left in the pool of what the target had goes
/// before entries are replayed: an entry that makes an inode must not find an old one with the same gfid.
/// </remarks>
/// <param name="store">The top of the stack that ends in the store.</param>
internal sealed class StoreCopyWriter(Translator store, Redo redo)
{
    /// <summary>Of SETXATTR in a copy: the inode has no other attributes.</summary>
    public const uint OnlyThese = 1u << 30;

    /// <summary>With less than this part of the disk free nothing more is put aside.</summary>
    private const ulong RoomPart = 64;

    private static readonly Name Capability = "security.capability";

    private readonly List<ReadOnlyMemory<byte>> _wants = [];
    private readonly HashSet<Name> _pooled = []; // By the source.
    private readonly Dictionary<Gfid, byte[]> _capabilities = []; // That files are to have.
    private Gfid _looked; // At its capability.
    private readonly List<Name> _own = []; // Of the directory that is being compared.
    private int _at; // Those before were compared.
    private CopyHasher? _hasher;
    private bool _isWiped;
    private bool _isRid; // Of what the target had and the source has not.

    /// <summary>
    /// What this copy has been asked to want and nobody was told yet. Between two calls of others only.
    /// </summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> TakeWants()
    {
        var wants = _wants.ToArray();
        _wants.Clear();
        return wants;
    }

    /// <param name="wipes">Begins with an empty store.</param>
    public async ValueTask<Errno> BeginAsync(bool wipes)
    {
        _isWiped = wipes;
        var error = Errno.Ok;
        if (!redo.IsReplay)
        {
            error = await redo.BeginReplayAsync([]); // Else a copy before this one was not finished.
        }

        if (error == Errno.Ok && wipes)
        {
            return await StoreWipe.RunAsync(store);
        }

        error = error == Errno.Ok ? StoreWipe.LetGoAll(store) : error;
        return error == Errno.Ok ? await With(call => RepairAsync(call)) : error;
    }

    public ValueTask<Errno> TakeAsync(IReadOnlyList<JournalEntry> items) => With(async call =>
    {
        var error = await CheckRoomAsync(call);
        for (var i = 0; i < items.Count && error == Errno.Ok; i++)
        {
            var meta = items[i].Meta;
            error = CopyNotes.IsNote(meta.Span) ? await TakeNoteAsync(meta, call) : await ApplyAsync(items[i], call);
        }

        return error;
    });

    public ValueTask<Errno> ReplayAsync(IReadOnlyList<JournalEntry> entries) => With(async call =>
    {
        var error = _isRid ? Errno.Ok : await StoreWipe.EmptyPoolAsync(store, _pooled.Contains, call);
        error = error == Errno.Ok && !_isRid ? await SetCapabilitiesAsync() : error;
        _isRid = error == Errno.Ok;
        for (var i = 0; i < entries.Count && error == Errno.Ok; i++)
        {
            error = entries[i].Header.Kind == EntryKind.Operation ? await ApplyAsync(entries[i], call: null) : error;
        }

        return error;
    });

    public ValueTask<Errno> FinishAsync() => With(async call =>
    {
        _hasher?.Dispose();
        var error = _isRid ? Errno.Ok : await SetCapabilitiesAsync();
        error = error == Errno.Ok ? await StoreWipe.EmptyPoolAsync(store, isWanted: null, call) : error;
        return error == Errno.Ok ? await redo.EndReplayAsync() : error;
    });

    /// <summary>Behind the last item of the source, before the first entry that follows.</summary>
    private async ValueTask<Errno> SetCapabilitiesAsync()
    {
        foreach (var (gfid, value) in _capabilities)
        {
            var operation = new JournalOperation
            {
                Fop = FopCode.Setxattr,
                Gfid = gfid,
                Xattrs = [new XattrValue(Capability, value)],
            };
            if ((await redo.ApplyAsync(operation, default)).Error is not Errno.Ok and var error)
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    private static async ValueTask<Errno> With(Func<Call, ValueTask<Errno>> work)
    {
        var call = Call.Internal();
        call.TimeFlags = TimeFlags.ForwardOnly;
        var error = await work(call);
        call.Release();
        return error;
    }

    /// <summary>
    /// What is put aside takes room until the end, and an operation without room would wait for ever: the next copy
    /// begins with an empty store.
    /// </summary>
    private async ValueTask<Errno> CheckRoomAsync(Call call)
    {
        var space = await store.Statfs(new StatfsFop { Gfid = Gfid.Root }, call);
        var isShort = space.IsOk && space.StatFs.BlocksAvailable < space.StatFs.Blocks / RoomPart;
        space.Release();
        return isShort && !_isWiped ? Errno.ENOSPC : Errno.Ok;
    }

    /// <summary>
    /// Looks every name up, those of a copy before this one in the pool too: that puts right what handles a crash has
    /// left, so that all there is is found by its gfid.
    /// </summary>
    private async ValueTask<Errno> RepairAsync(Call call)
    {
        var directories = new Stack<Gfid>([Gfid.Root, IForcedStore.Pool]);
        while (directories.TryPop(out var directory))
        {
            var names = new List<Name>();
            var error = await StoreLister.ListAsync(store, directory, names, call);
            foreach (var name in names)
            {
                var view = await StoreView.LookupAsync(store, directory, name, call);
                if (view.IsThere && view.Iatt.IsDirectory)
                {
                    directories.Push(view.Iatt.Gfid);
                }
            }

            if (error is not (Errno.Ok or Errno.ESTALE or Errno.ENOENT))
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    /// <param name="call">Of an item of the source; null for an entry of the journal.</param>
    private async ValueTask<Errno> ApplyAsync(JournalEntry entry, Call? call)
    {
        var error = OperationCodec.TryDecode(entry.Meta.Span, out var operation) ? Errno.Ok : Errno.EUCLEAN;
        if (error == Errno.Ok && call is not null && operation.Fop == FopCode.Setxattr
            && (operation.Flags & OnlyThese) != 0)
        {
            error = await BareAsync(operation, call);
        }

        if (error == Errno.Ok && call is not null && operation.IsCreation)
        {
            error = await IsOtherKindAsync(operation, call) ? Errno.EUCLEAN : Errno.Ok;
            if (operation.Parent == IForcedStore.Pool)
            {
                _ = _pooled.Add(operation.Name);
            }
        }

        error = error == Errno.Ok && call is not null ? await NoteCapabilityAsync(operation, call) : error;
        error = error == Errno.Ok ? (await redo.ApplyAsync(operation, entry.Data, elided: entry.Elided)).Error : error;
        if (error != Errno.Ok)
        {
            Log.Warning(
                "journal", "a part of a copy cannot be applied", ("fop", operation.Fop), ("gfid", operation.Gfid),
                ("parent", operation.Parent), ("name", operation.Name), ("error", error));
        }

        return error;
    }

    /// <summary>
    /// Writing to a file and giving it an owner take its capabilities away: what it has, or gets, is noted before and
    /// set again in the end.
    /// </summary>
    private async ValueTask<Errno> NoteCapabilityAsync(JournalOperation operation, Call call)
    {
        if (operation.Fop == FopCode.Setxattr)
        {
            _looked = operation.Gfid;
            var value = ValueOf(operation.Xattrs, Capability);
            if (value is not null)
            {
                _capabilities[operation.Gfid] = value;
            }
            else if ((operation.Flags & OnlyThese) != 0)
            {
                _ = _capabilities.Remove(operation.Gfid);
            }
        }
        else if (operation.Fop is FopCode.Write or FopCode.Truncate or FopCode.Discard or FopCode.Setattr
            && operation.Gfid != _looked && !_capabilities.ContainsKey(operation.Gfid))
        {
            _looked = operation.Gfid;
            var (error, xattrs) = await StoreLister.XattrsAsync(store, operation.Gfid, call);
            if (error == Errno.Ok && ValueOf(xattrs, Capability) is { } own)
            {
                _capabilities[operation.Gfid] = own;
            }

            return error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;
        }

        return Errno.Ok;
    }

    /// <summary>
    /// There is an inode with this gfid that nothing makes into the one of the source. Somebody has used a gfid twice;
    /// the next copy begins with an empty store.
    /// </summary>
    private async ValueTask<bool> IsOtherKindAsync(JournalOperation operation, Call call)
    {
        var view = await StoreView.StatAsync(store, operation.Gfid, call);
        if (!view.IsThere)
        {
            return false;
        }

        if ((view.Iatt.Mode & FileMode.TypeMask) != (operation.Mode & FileMode.TypeMask)
            || (CopyHasher.IsDevice(view.Iatt) && DeviceNumber.ToLinux(view.Iatt.Rdev) != operation.Device))
        {
            return true;
        }

        var (error, text) = view.Iatt.IsSymbolicLink
            ? await CopyHasher.LinkTextAsync(store, operation.Gfid, call) : (Errno.Ok, operation.Target);
        return error != Errno.Ok || text != operation.Target;
    }

    /// <summary>Takes the attributes away that the source does not have.</summary>
    private async ValueTask<Errno> BareAsync(JournalOperation operation, Call call)
    {
        var (error, xattrs) = await StoreLister.XattrsAsync(store, operation.Gfid, call);
        for (var i = 0; i < xattrs.Count && error == Errno.Ok; i++)
        {
            var name = xattrs[i].Name;
            if (ValueOf(operation.Xattrs, name) is not null)
            {
                continue;
            }

            var reply = await store.Removexattr(new RemovexattrFop { Gfid = operation.Gfid, Name = name }, call);
            var isOfMachine = name.Span.StartsWith("security."u8); // Some of these cannot be taken away.
            error = reply.Error == Errno.ENODATA || isOfMachine ? Errno.Ok : reply.Error;
            reply.Release();
        }

        return error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;
    }

    private static byte[]? ValueOf(IReadOnlyList<XattrValue> xattrs, Name name)
    {
        foreach (var xattr in xattrs)
        {
            if (xattr.Name == name)
            {
                return xattr.Value;
            }
        }

        return null;
    }

    private async ValueTask<Errno> TakeNoteAsync(ReadOnlyMemory<byte> meta, Call call)
    {
        switch (meta.Span[0])
        {
            case CopyNotes.Salt when CopyNotes.DecodeSalt(meta.Span) is { } salt:
                _hasher?.Dispose();
                _hasher = new CopyHasher(salt);
                return Errno.Ok;
            case CopyNotes.Names when _hasher is not null && CopyNotes.DecodeNames(meta.Span) is { } names:
                return await CompareAsync(names, _hasher, call);
            case CopyNotes.Blocks when _hasher is not null && CopyNotes.DecodeBlocks(meta.Span) is { } ranges:
                var error = Errno.Ok;
                for (var i = 0; i < ranges.Count && error == Errno.Ok; i++)
                {
                    error = await CompareAsync(ranges[i], _hasher, call);
                }

                return error;
            default:
                return Errno.EUCLEAN;
        }
    }

    private async ValueTask<Errno> CompareAsync(CopyNames names, CopyHasher hasher, Call call)
    {
        if (names.IsFirst)
        {
            _own.Clear();
            _at = 0;
            var error = await StoreLister.ListAsync(store, names.Directory, _own, call);
            _own.Sort((a, b) => a.Span.SequenceCompareTo(b.Span));
            if (error is not (Errno.Ok or Errno.ESTALE or Errno.ENOENT))
            {
                return error;
            }
        }

        foreach (var name in names.Names)
        {
            var error = await ForgetBeforeAsync(names.Directory, name.Name, call);
            error = error == Errno.Ok && name.Digest.Length > 0
                ? await CompareAsync(names.Directory, name, hasher, call) : error;
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return names.IsLast ? await ForgetBeforeAsync(names.Directory, default, call) : Errno.Ok;
    }

    /// <summary>Own names before this one, or all that are left for none, are not the source's.</summary>
    private async ValueTask<Errno> ForgetBeforeAsync(Gfid directory, Name name, Call call)
    {
        for (; _at < _own.Count; _at++)
        {
            var order = name.IsEmpty ? -1 : _own[_at].Span.SequenceCompareTo(name.Span);
            if (order >= 0)
            {
                _at += order == 0 ? 1 : 0;
                break;
            }

            var error = await redo.ForgetAsync(directory, _own[_at], call);
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    private async ValueTask<Errno> CompareAsync(Gfid directory, CopyName name, CopyHasher hasher, Call call)
    {
        var at = await StoreView.LookupAsync(store, directory, name.Name, call);
        var isNew = false;
        if (at.IsThere && at.Iatt.Gfid == name.Gfid)
        {
            var (error, digest) = await hasher.DigestAsync(store, at, call);
            if (error != Errno.Ok || digest.AsSpan().SequenceEqual(name.Digest))
            {
                return error;
            }
        }
        else
        {
            // When the source serves it the name may stand for nothing there, and no entry would take this one away.
            var error = at.Error == Errno.ENOENT ? Errno.Ok : await redo.ForgetAsync(directory, name.Name, call);
            var inode = await StoreView.StatAsync(store, name.Gfid, call);
            isNew = inode.IsMissing;
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        _wants.Add(CopyNotes.Encode(new CopyWant(
            CopyWantKind.Inode, name.Gfid, directory, name.Name, isNew, 0, 0, 0, name.HasContent)));
        return Errno.Ok;
    }

    /// <summary>Wants the blocks that differ: smaller hashes of them, or the bytes.</summary>
    private async ValueTask<Errno> CompareAsync(CopyBlocks theirs, CopyHasher hasher, Call call)
    {
        var (error, hashes) = await hasher.HashAsync(
            store, theirs.Gfid, theirs.Offset, theirs.Length, theirs.Level, call);
        if (error is Errno.ESTALE or Errno.ENOENT)
        {
            Want(CopyWantKind.Data, theirs, 0, theirs.Length); // It was asked for and will be there by then.
            return Errno.Ok;
        }

        var kind = theirs.Level == CopyHasher.LevelLast ? CopyWantKind.Data : CopyWantKind.Blocks;
        var (block, size) = (CopyHasher.BlockBytesOf(theirs.Level), CopyHasher.HashBytesOf(theirs.Level));
        var begin = -1;
        for (int at = 0, i = 0; error == Errno.Ok && at < theirs.Length; at += block, i++)
        {
            var isEqual = hashes.AsSpan(i * size, size).SequenceEqual(theirs.Hashes.AsSpan(i * size, size));
            if (isEqual && begin >= 0)
            {
                Want(kind, theirs, begin, at);
                begin = -1;
            }
            else if (!isEqual && begin < 0)
            {
                begin = at;
            }
        }

        if (begin >= 0)
        {
            Want(kind, theirs, begin, theirs.Length);
        }

        return error == Errno.Ok && theirs.IsEnd
            ? await CutAsync(theirs.Gfid, theirs.Offset + theirs.Length, call) : error;
    }

    /// <summary>
    /// What the target has behind the end goes now: the file of the source may have grown since, with a hole in it.
    /// </summary>
    private async ValueTask<Errno> CutAsync(Gfid gfid, long size, Call call)
    {
        var view = await StoreView.StatAsync(store, gfid, call);
        if (!view.IsThere || !view.Iatt.IsRegular || (long)view.Iatt.Size <= size)
        {
            return view.IsThere || view.IsMissing ? Errno.Ok : view.Error;
        }

        var reply = await store.Truncate(new TruncateFop { Gfid = gfid, Offset = size }, call);
        var error = reply.Error;
        reply.Release();
        return error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;
    }

    private void Want(CopyWantKind kind, in CopyBlocks range, int begin, int end)
    {
        var level = Math.Min(range.Level + 1, CopyHasher.LevelLast);
        _wants.Add(CopyNotes.Encode(new CopyWant(
            kind, range.Gfid, default, default, false, range.Offset + begin, end - begin, level)));
    }
}
