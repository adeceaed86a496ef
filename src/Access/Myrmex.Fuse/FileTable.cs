using System;
using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Fuse;

/// <summary>
/// The open files by handle, and by inode. A handle holds a generation, so that one the kernel should not use any more
/// is
/// never taken for another file. Safe for all threads; looking up takes no lock.
/// </summary>
internal sealed class FileTable
{
    private readonly Lock _lock = new(); // Guards everything but reads of _slots; a leaf lock.
    private readonly Stack<int> _free = new();
    private readonly Dictionary<ulong, FuseFile> _byNode = [];
    private Slot[] _slots = new Slot[64];
    private int _next;

    public int Count { get; private set; }

    /// <summary>Gives the file its handle.</summary>
    public void Add(FuseFile file)
    {
        lock (_lock)
        {
            if (!_free.TryPop(out var index))
            {
                if (_next == _slots.Length)
                {
                    Array.Resize(ref _slots, _slots.Length * 2);
                }

                index = _next++;
                _slots[index] = new Slot();
            }

            var slot = _slots[index];
            file.Handle = ((ulong)slot.Generation << 32) | (uint)index;
            file.NextOfNode = _byNode.GetValueOrDefault(file.Node);
            _byNode[file.Node] = file;
            Volatile.Write(ref slot.File, file);
            Count++;
        }
    }

    /// <summary>The file behind a handle; null when there is none.</summary>
    public FuseFile? Find(ulong handle)
    {
        var slots = Volatile.Read(ref _slots);
        var index = (uint)handle;
        if (index >= (uint)slots.Length)
        {
            return null;
        }

        var file = slots[index] is { } slot ? Volatile.Read(ref slot.File) : null;
        return file is not null && file.Handle == handle ? file : null;
    }

    /// <summary>Takes the file out of the table; null when the handle names none.</summary>
    public FuseFile? Remove(ulong handle)
    {
        lock (_lock)
        {
            var file = Find(handle);
            if (file is null)
            {
                return null;
            }

            var index = (int)(uint)handle;
            _slots[index].File = null;
            _slots[index].Generation++;
            _free.Push(index);
            Unchain(file);
            Count--;
            return file;
        }
    }

    /// <summary>Any open file of an inode; null when it is not open.</summary>
    public FuseFile? AnyOf(ulong node)
    {
        lock (_lock)
        {
            return _byNode.GetValueOrDefault(node);
        }
    }

    /// <summary>All open files, for the end of the session.</summary>
    public FuseFile[] Snapshot()
    {
        lock (_lock)
        {
            var files = new List<FuseFile>(Count);
            for (var i = 0; i < _next; i++)
            {
                if (_slots[i].File is { } file)
                {
                    files.Add(file);
                }
            }

            return [.. files];
        }
    }

    private void Unchain(FuseFile file)
    {
        var first = _byNode[file.Node];
        if (ReferenceEquals(first, file))
        {
            if (file.NextOfNode is null)
            {
                _byNode.Remove(file.Node);
            }
            else
            {
                _byNode[file.Node] = file.NextOfNode;
            }
        }
        else
        {
            while (!ReferenceEquals(first.NextOfNode, file))
            {
                first = first.NextOfNode!;
            }

            first.NextOfNode = file.NextOfNode;
        }

        file.NextOfNode = null;
    }

    private sealed class Slot
    {
        public FuseFile? File;
        public uint Generation = 1;
    }
}
