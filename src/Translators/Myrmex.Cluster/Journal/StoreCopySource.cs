using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Reads a store by fops while it goes on changing, as operations that make it: breadth first, each directory before
/// what is in it; of each inode its name, its content without the holes, its attributes, its times.
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

    private readonly StoreCopies _copies;
    private readonly Translator _store;
    private readonly Queue<Gfid> _directories = [];
    private readonly HashSet<Gfid> _walked = []; // Directories.
    private readonly HashSet<Gfid> _linked = []; // Other inodes with more than one name.
    private readonly Queue<Gfid> _kept = []; // When the walk began.
    private readonly Queue<Gfid> _strays = [];
    private readonly HashSet<Gfid> _strayed = [];
    private readonly HashSet<Gfid> _created = []; // By the entries committed meanwhile, which will make them again.
    private readonly List<CopyItem> _items = [];
    private readonly Queue<Name> _names = []; // Of _directory.
    private Gfid _directory;
    private OpenFile? _file;
    private long _bytes; // Of _items.
    private ulong _inodes;
    private ulong _dataBytes;
    private bool _isBegun;
    private bool _hasWalked = true; // Directories, since the last review.
    private volatile bool _isClosed;

    public StoreCopySource(StoreCopies copies, JournalIndex start)
    {
        (_copies, _store, Start) = (copies, copies.Store, start);
    }

    public JournalIndex Start { get; }

    public CopyCount Done => new(_inodes, _dataBytes);

    public CopyCount All { get; private set; }

    public void Close() => _isClosed = true;

    public void Read(int bytesMax, Action<Errno, IReadOnlyList<CopyItem>> done) => _copies.Run(async () =>
    {
        var call = Call.Internal();
        call.TimeFlags = TimeFlags.ForwardOnly;
        var error = _isClosed ? Errno.ECANCELED : await ReadAsync(bytesMax, call);
        call.Release();
        var items = _items.ToArray();
        _items.Clear();
        done(error, items);
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
        _bytes = 0;
        if (!_isBegun)
        {
            _isBegun = true;
            error = await BeginAsync(call);
        }

        // A name makes several items at once.
        while (error == Errno.Ok && _bytes < bytesMax && _items.Count < ItemsMax - 8)
        {
            if (_file is { } file)
            {
                error = await ReadFileAsync(file, (int)Math.Min(bytesMax - _bytes, DataBytesMax), call);
            }
            else if (_names.TryDequeue(out var name))
            {
                var view = await StoreView.LookupAsync(_store, _directory, name, call);
                error = await AddAsync(view, _directory, name, call);
            }
            else if (_kept.TryDequeue(out var kept))
            {
                error = await AddKeptAsync(kept, call);
            }
            else if (_directories.TryDequeue(out _directory))
            {
                error = await ListAsync(call);
            }
            else if (_strays.TryDequeue(out var stray))
            {
                var view = await StoreView.StatAsync(_store, stray, call);
                error = await AddAsync(view, IForcedStore.Pool, Redo.PoolName(stray), call);
            }
            else
            {
                break;
            }
        }

        return error;
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

        Enter(Gfid.Root);
        var error = await AddXattrsAsync(Gfid.Root, call);
        AddAttributes(root);
        return error;
    }

    private async ValueTask<Errno> ListAsync(Call call)
    {
        var names = new List<Name>();
        var error = await StoreLister.ListAsync(_store, _directory, names, call);
        foreach (var name in names)
        {
            _names.Enqueue(name);
        }

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
