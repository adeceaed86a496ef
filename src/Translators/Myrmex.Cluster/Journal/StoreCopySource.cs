using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Reads a store by fops while it goes on changing, for a target that has most of it: breadth first, each directory
/// before what is in it; the names of each with digests of their inodes, the content of larger files as hashes of its
/// blocks. What the target finds different it wants, and gets as operations that make it.
/// </summary>
/// <remarks>
/// An inode that is moved from where the walk has not been to where it has been is not seen. It is found in the entries
/// that were committed meanwhile, and is read then by its gfid and put into the orphan pool of the target, from where
/// the entry that moved it takes it. Kept files have no place at all: they are read by their gfids too. README.md has
/// why what was read this way can be replayed upon.
/// </remarks>
internal sealed partial class StoreCopySource : IStoreCopySource
{
    private const int ItemsMax = Limits.MessageEntriesMax;

    /// <summary>Content that is read for one piece, however little of it is sent.</summary>
    private const int HashedBytesMax = 16 << 20;

    private readonly StoreCopies _copies;
    private readonly Translator _store;
    private readonly CopyHasher _hasher;
    private readonly Queue<Gfid> _directories = [];
    private readonly HashSet<Gfid> _walked = []; // Directories.
    private readonly HashSet<Gfid> _linked = []; // Other inodes with more than one name whose content was compared.
    private readonly HashSet<Gfid> _sent = []; // The same, that were sent.
    private readonly Queue<Gfid> _kept = []; // When the walk began.
    private readonly Queue<Gfid> _strays = [];
    private readonly HashSet<Gfid> _strayed = [];
    private readonly HashSet<Gfid> _created = []; // By the entries committed meanwhile, which will make them again.
    private readonly List<CopyItem> _items = [];
    private readonly Queue<CopyWant> _wants = []; // Bounded by what the target may take before it is served.
    private readonly Queue<Name> _names = []; // Of _directory.
    private Gfid _directory;
    private readonly Queue<FileRange> _files = []; // Whose content is being compared, or will be next.
    private FileRange? _data; // Whose content is being sent.
    private long _bytes; // Of _items and what follows them.
    private long _sentBytes; // Content among _items.
    private long _hashedBytes;
    private long _readBytes; // All that was hashed or sent; written by the loop of the copies.
    private ulong _inodes;
    private ulong _dataBytes;
    private bool _isBegun;
    private bool _isListing; // The target does not know yet that there are no more names in _directory.
    private bool _hasWalked = true; // Directories, since the last review.
    private bool _isConfused; // By what the target wants.
    private volatile bool _isClosed;

    /// <param name="salt">Of the hashes; another one for each copy.</param>
    public StoreCopySource(StoreCopies copies, JournalIndex start, ulong salt)
    {
        (_copies, _store, Start) = (copies, copies.Store, start);
        _hasher = new CopyHasher(salt);
    }

    public JournalIndex Start { get; }

    public CopyCount Done => new(_inodes, _dataBytes);

    public CopyCount All { get; private set; }

    public long ReadBytes => Volatile.Read(ref _readBytes);

    public void Close()
    {
        _isClosed = true;
        _copies.Run(() =>
        {
            _hasher.Dispose(); // Behind what is still being read.
            return default;
        });
    }

    public void Read(int bytesMax, Action<Errno, IReadOnlyList<CopyItem>> done) => _copies.Run(async () =>
    {
        var call = Call.Internal();
        call.TimeFlags = TimeFlags.ForwardOnly;
        var error = _isClosed ? Errno.ECANCELED : _isConfused ? Errno.EUCLEAN : await ReadAsync(bytesMax, call);
        call.Release();
        var items = _items.ToArray();
        _items.Clear();
        done(error, items);
    });

    public void Want(IReadOnlyList<ReadOnlyMemory<byte>> wants) => _copies.Run(() =>
    {
        foreach (var bytes in wants)
        {
            if (CopyNotes.DecodeWant(bytes.Span) is { } want)
            {
                _wants.Enqueue(want);
            }
            else
            {
                _isConfused = true;
            }
        }

        return default;
    });

    public bool Review(IReadOnlyList<JournalEntry> entries, bool isLast)
    {
        foreach (var entry in entries)
        {
            if (entry.Header.Kind == EntryKind.Operation
                && OperationCodec.TryDecode(entry.Meta.Span, out var operation))
            {
                Review(operation);
            }
        }

        // What was moved after the walk was seen by it, unless the walk went on.
        _hasWalked &= !isLast;
        return isLast && _strays.Count > 0;
    }

    private void Review(JournalOperation operation)
    {
        if (operation.IsCreation)
        {
            _created.Add(operation.Gfid);
        }

        if (operation.Fop is FopCode.Rename or FopCode.Link || (operation.Keeps && operation.Fop == FopCode.Unlink))
        {
            AddStray(operation.Gfid);
        }

        if (operation.Keeps && operation.Fop == FopCode.Rename)
        {
            AddStray(operation.Displaced);
        }
    }

    /// <summary>It has left its name or got another one: the walk may miss it.</summary>
    private void AddStray(in Gfid gfid)
    {
        if (!_created.Contains(gfid) && _hasWalked && !_walked.Contains(gfid) && _strayed.Add(gfid))
        {
            _strays.Enqueue(gfid);
        }
    }

    private async ValueTask<Errno> ReadAsync(int bytesMax, Call call)
    {
        var error = Errno.Ok;
        (_bytes, _hashedBytes, _sentBytes) = (0, 0, 0);
        if (!_isBegun)
        {
            _isBegun = true;
            error = await BeginAsync(call);
        }

        // A name makes several items at once. Nothing at all is said only at the end.
        var isMore = true;
        while (error == Errno.Ok && isMore
            && (!HasItems || (_bytes < bytesMax && _items.Count < ItemsMax - 8 && _hashedBytes < HashedBytesMax)))
        {
            (error, isMore) = await StepAsync(bytesMax, call);
            if (!HasItems && _listed.Count > 0 && _hashedBytes >= HashedBytesMax / 4)
            {
                FlushNames(isLast: false); // The other end hears of it before it takes the silence for the end.
            }
        }

        FlushBlocks();
        Volatile.Write(ref _readBytes, _readBytes + _hashedBytes + _sentBytes);
        return error;
    }

    private bool HasItems => _items.Count > 0 || _blocks.Count > 0;

    /// <summary>
    /// What is wanted comes first: the target waits for it, and what it wants does not pile up.
    /// </summary>
    private async ValueTask<(Errno Error, bool IsMore)> StepAsync(int bytesMax, Call call)
    {
        if (_data is { } data)
        {
            return (await ReadDataAsync(data, (int)Math.Clamp(bytesMax - _bytes, 1, DataBytesMax), call), true);
        }

        if (_wants.TryDequeue(out var want))
        {
            return (await ServeAsync(want, call), true);
        }

        if (_files.TryPeek(out var file))
        {
            return (await CompareAsync(file, call), true);
        }

        if (_names.TryDequeue(out var name))
        {
            return (await AddNameAsync(name, call), true);
        }

        if (_isListing)
        {
            FlushNames(isLast: true);
            return (Errno.Ok, true);
        }

        if (_kept.TryDequeue(out var kept))
        {
            return (await AddKeptAsync(kept, call), true);
        }

        if (_directories.TryDequeue(out _directory))
        {
            return (await ListAsync(call), true);
        }

        return _strays.TryDequeue(out var stray) ? (await AddStrayAsync(stray, call), true) : (Errno.Ok, false);
    }

    private async ValueTask<Errno> AddStrayAsync(Gfid gfid, Call call)
    {
        var view = await StoreView.StatAsync(_store, gfid, call);
        return await AddAsync(view, IForcedStore.Pool, Redo.PoolName(gfid), call);
    }

    private async ValueTask<Errno> BeginAsync(Call call)
    {
        var space = await _store.Statfs(new StatfsFop { Gfid = Gfid.Root }, call);
        if (space.IsOk)
        {
            var s = space.StatFs;
            All = new CopyCount(s.Files - s.FilesFree, (s.Blocks - s.BlocksFree) * s.FragmentSize);
        }

        space.Release();
        var root = await StoreView.StatAsync(_store, Gfid.Root, call);
        if (!root.IsThere)
        {
            return root.Error;
        }

        foreach (var gfid in StoreView.ForcedOf(_store)?.ListKept() ?? [])
        {
            _kept.Enqueue(gfid);
        }

        AddMeta(CopyNotes.EncodeSalt(_hasher.Salt));
        Enter(Gfid.Root);
        var error = await AddXattrsAsync(Gfid.Root, call);
        AddAttributes(root);
        return error;
    }

    /// <summary>In the order in which the target compares them.</summary>
    private async ValueTask<Errno> ListAsync(Call call)
    {
        var names = new List<Name>();
        var error = await StoreLister.ListAsync(_store, _directory, names, call);
        names.Sort((a, b) => a.Span.SequenceCompareTo(b.Span));
        for (var i = 0; i < names.Count; i++)
        {
            // One that was taken away and made again meanwhile may come twice.
            if (i == 0 || names[i] != names[i - 1])
            {
                _names.Enqueue(names[i]);
            }
        }

        _isListing = error == Errno.Ok;
        _isFirst = true;
        return error is Errno.ESTALE or Errno.ENOENT ? Errno.Ok : error;
    }

    private void Enter(Gfid directory)
    {
        if (_walked.Add(directory))
        {
            _directories.Enqueue(directory);
            _hasWalked = true;
        }
    }
}
