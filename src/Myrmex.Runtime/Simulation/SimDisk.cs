using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Runtime.Simulation;

/// <summary>The calls of a disk that can be made to fail.</summary>
public enum DiskCall
{
    Open,
    Read,
    Write,
    Truncate,
    Sync,
    SyncDirectory,
    Rename,
    Unlink,
    List,
    Preallocate,
    MakeDirectory,
}

/// <summary>The power went in the middle of a call, as ordered by <see cref="SimDisk.CutPowerAt"/>.</summary>
public sealed class SimPowerCutException : Exception
{
    public SimPowerCutException()
        : base("the power is gone")
    {
    }
}

/// <summary>
/// Files in memory that forget like a disk does. When the power goes, every write since the last Sync of its file is
/// kept,
/// lost or torn on its own (sectors of 512 bytes), and changes of names are kept up to some point between the last
/// SyncDirectory that covered them and the crash. A failed Sync drops what it should have written, as Linux does.
/// When only
/// the process dies, nothing is lost.
/// </summary>
public sealed class SimDisk(SimRandom random) : IDisk
{
    internal const int SectorSize = 512;

    private readonly List<Fault> _faults = [];
    private readonly List<NameChange> _pending = []; // Not durable yet, oldest first.
    private SortedDictionary<string, SimFile?> _names = New(); // Path to file; null is a directory.
    private SortedDictionary<string, SimFile?> _durableNames = New();
    private long _cutAt = long.MaxValue;
    private string? _misdirectedPath;
    private long _misdirectedOffset;

    /// <summary>Calls that change or sync something, so far; open, read and list do not count.</summary>
    public long ChangeCount { get; private set; }

    /// <summary>Bytes all files together may have; beyond it writes answer ENOSPC.</summary>
    public long CapacityBytes { get; set; } = long.MaxValue;

    /// <summary>Probability that a write of more than one byte takes only a part.</summary>
    public double ShortWriteChance { get; set; }

    /// <summary>Sync answers Ok and does nothing: a disk that lies.</summary>
    public bool LosesSyncs { get; set; }

    /// <summary>Counts crashes; open files of an earlier life answer EBADF.</summary>
    internal int Life { get; private set; }

    internal SimRandom Random => random;

    internal long UsedBytes
    {
        get
        {
            long used = 0;
            foreach (var file in _names.Values)
            {
                used += file?.Length ?? 0;
            }

            return used;
        }
    }

    /// <summary>Lets the next <paramref name="count"/> calls of a kind on paths with this start fail.</summary>
    public void FailNext(DiskCall call, Errno error, int count = 1, string pathStart = "") =>
        _faults.Add(new Fault(call, error, pathStart) { Left = count });

    /// <summary>Flips bits of one byte of a file, on the disk and in the cache.</summary>
    public void Corrupt(string path, long offset, byte mask = 0xFF) => Find(path).Corrupt(offset, mask);

    /// <summary>Replaces bytes of a file, on the disk and in the cache, whatever is open.</summary>
    public void Overwrite(string path, long offset, ReadOnlySpan<byte> bytes) => Find(path).Overwrite(offset, bytes);

    /// <summary>A copy of what programs see in a file.</summary>
    public byte[] Content(string path)
    {
        var file = Find(path);
        var bytes = new byte[file.Length];
        file.Read(0, bytes);
        return bytes;
    }

    /// <summary>
    /// The next write to a file whose path starts so lands at another place of it; the writer is told Ok.
    /// </summary>
    public void MisdirectNextWrite(string pathStart, long offset) =>
        (_misdirectedPath, _misdirectedOffset) = (pathStart, offset);

    /// <summary>
    /// The power goes in the call that makes <see cref="ChangeCount"/> reach <paramref name="change"/>: it and all
    /// later calls
    /// throw <see cref="SimPowerCutException"/> until <see cref="Crash"/>. A write on its way counts as not synced.
    /// </summary>
    public void CutPowerAt(long change) => _cutAt = change;

    public Errno Open(string path, DiskOpen how, out IDiskFile? file)
    {
        file = null;
        var changes = (how & (DiskOpen.Create | DiskOpen.Truncate)) != 0 && (how & DiskOpen.Write) != 0;
        if (Fails(DiskCall.Open, path, changes) is not Errno.Ok and var fault)
        {
            return fault;
        }

        var exists = _names.TryGetValue(path, out var content);
        if (exists && content is null)
        {
            return Errno.EISDIR;
        }

        if (!exists)
        {
            if ((how & DiskOpen.Create) == 0 || !HasParent(path))
            {
                return Errno.ENOENT;
            }

            content = new SimFile(this);
            Change(new NameChange(path, content, From: null, Removes: false));
        }
        else if ((how & (DiskOpen.Create | DiskOpen.Exclusive)) == (DiskOpen.Create | DiskOpen.Exclusive))
        {
            return Errno.EEXIST;
        }

        var opened = new SimDiskFile(this, content!, path, how); // Found or made above.
        if ((how & DiskOpen.Truncate) != 0 && exists)
        {
            content!.Truncate(0);
        }

        file = opened;
        return Errno.Ok;
    }

    public Errno Rename(string from, string to)
    {
        if (Fails(DiskCall.Rename, from, changes: true) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (!_names.TryGetValue(from, out var content) || !HasParent(to))
        {
            return Errno.ENOENT;
        }

        if (content is null)
        {
            return Errno.EISDIR; // Directories are never renamed by those who use this seam.
        }

        if (_names.TryGetValue(to, out var replaced) && replaced is null)
        {
            return Errno.EISDIR;
        }

        Change(new NameChange(to, content, from, Removes: false));
        return Errno.Ok;
    }

    public Errno Unlink(string path)
    {
        if (Fails(DiskCall.Unlink, path, changes: true) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (!_names.TryGetValue(path, out var content))
        {
            return Errno.ENOENT;
        }

        if (content is null)
        {
            return Errno.EISDIR;
        }

        Change(new NameChange(path, Content: null, From: null, Removes: true));
        return Errno.Ok;
    }

    public Errno MakeDirectory(string path)
    {
        if (Fails(DiskCall.MakeDirectory, path, changes: true) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (_names.ContainsKey(path))
        {
            return Errno.EEXIST;
        }

        if (!HasParent(path))
        {
            return Errno.ENOENT;
        }

        Change(new NameChange(path, Content: null, From: null, Removes: false));
        return Errno.Ok;
    }

    public Errno List(string path, List<string> names)
    {
        if (Fails(DiskCall.List, path) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (path != "/" && !(_names.TryGetValue(path, out var content) && content is null))
        {
            return Errno.ENOENT;
        }

        foreach (var other in _names.Keys)
        {
            if (ParentOf(other) == path)
            {
                names.Add(other[(other.LastIndexOf('/') + 1)..]);
            }
        }

        return Errno.Ok;
    }

    public Errno SyncDirectory(string path)
    {
        if (Fails(DiskCall.SyncDirectory, path, changes: true) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (LosesSyncs)
        {
            return Errno.Ok;
        }

        // Journalling file systems keep the order of changes: what came before the last one here is durable with it.
        var last = _pending.FindLastIndex(
            change => ParentOf(change.Path) == path || (change.From is not null && ParentOf(change.From) == path));
        for (var i = 0; i <= last; i++)
        {
            Apply(_pending[i], _durableNames);
        }

        _pending.RemoveRange(0, last + 1);
        return Errno.Ok;
    }

    public Errno GetSpace(string path, out DiskSpace space)
    {
        space = new DiskSpace(CapacityBytes, Math.Max(0, CapacityBytes - UsedBytes));
        return Errno.Ok;
    }

    /// <summary>Ends all open files and leaves what the crash leaves.</summary>
    public void Crash(SimCrash kind)
    {
        Life++;
        _cutAt = long.MaxValue;
        _misdirectedPath = null;
        _faults.Clear();
        if (kind == SimCrash.Process)
        {
            return;
        }

        var kept = random.Below(_pending.Count + 1);
        for (var i = 0; i < kept; i++)
        {
            Apply(_pending[i], _durableNames);
        }

        _pending.Clear();
        _names = New();
        foreach (var (path, file) in _durableNames)
        {
            file?.LosePower();
            _names.Add(path, file);
        }
    }

    /// <summary>
    /// The error that was ordered for this call; a call that changes something may also be where the power goes.
    /// </summary>
    internal Errno Fails(DiskCall call, string path, bool changes = false)
    {
        if (changes)
        {
            ChangeCount++;
        }

        if (ChangeCount >= _cutAt)
        {
            throw new SimPowerCutException();
        }

        for (var i = 0; i < _faults.Count; i++)
        {
            var fault = _faults[i];
            if (fault.Call == call && path.StartsWith(fault.PathStart, StringComparison.Ordinal))
            {
                if (--fault.Left == 0)
                {
                    _faults.RemoveAt(i);
                }

                return fault.Error;
            }
        }

        return Errno.Ok;
    }

    /// <summary>Where a write really goes.</summary>
    internal long Direct(string path, long offset)
    {
        if (_misdirectedPath is null || !path.StartsWith(_misdirectedPath, StringComparison.Ordinal))
        {
            return offset;
        }

        _misdirectedPath = null;
        return _misdirectedOffset;
    }

    private SimFile Find(string path)
    {
        Invariant.Check(_names.TryGetValue(path, out var file) && file is not null);
        return file;
    }

    private static SortedDictionary<string, SimFile?> New() => new(StringComparer.Ordinal);

    private static string ParentOf(string path)
    {
        var slash = path.LastIndexOf('/');
        return slash <= 0 ? "/" : path[..slash];
    }

    private static void Apply(NameChange change, SortedDictionary<string, SimFile?> names)
    {
        if (change.From is not null)
        {
            names.Remove(change.From);
        }

        if (change.Removes)
        {
            names.Remove(change.Path);
        }
        else
        {
            names[change.Path] = change.Content;
        }
    }

    private bool HasParent(string path)
    {
        var parent = ParentOf(path);
        return parent == "/" || (_names.TryGetValue(parent, out var content) && content is null);
    }

    private void Change(NameChange change)
    {
        Apply(change, _names);
        _pending.Add(change);
    }

    private sealed record NameChange(string Path, SimFile? Content, string? From, bool Removes);

    private sealed record Fault(DiskCall Call, Errno Error, string PathStart)
    {
        public int Left { get; set; }
    }
}
