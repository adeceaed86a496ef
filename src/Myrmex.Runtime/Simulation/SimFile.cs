using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Runtime.Simulation;

/// <summary>The content of a simulated file: what programs see, what is on the disk, and the changes between the two.</summary>
internal sealed class SimFile(SimDisk disk)
{
    private readonly List<Change> _pending = []; // Since the last sync, oldest first.
    private Bytes _seen = new();
    private Bytes _durable = new();

    public long Length => _seen.Length;

    public int Read(long offset, Span<byte> target) => _seen.Read(offset, target);

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        var change = new Change(offset, source.ToArray(), Length: -1);
        _seen.Write(offset, source);
        _pending.Add(change);
    }

    public void Truncate(long length)
    {
        _seen.SetLength(length);
        _pending.Add(new Change(0, [], length));
    }

    public void Sync()
    {
        foreach (var change in _pending)
        {
            Apply(change);
        }

        _pending.Clear();
    }

    /// <summary>A sync that failed: the pages count as clean although they are not on the disk.</summary>
    public void ForgetPending() => _pending.Clear();

    public void Corrupt(long offset, byte mask)
    {
        _seen.Flip(offset, mask);
        _durable.Flip(offset, mask);
    }

    public void Overwrite(long offset, ReadOnlySpan<byte> bytes)
    {
        _seen.Write(offset, bytes);
        _durable.Write(offset, bytes);
    }

    public void LosePower()
    {
        foreach (var change in _pending)
        {
            switch (disk.Random.Below(4))
            {
                case 0:
                    break;
                case 1 when change.Length < 0:
                    Tear(change);
                    break;
                default:
                    Apply(change);
                    break;
            }
        }

        _pending.Clear();
        _seen = _durable.Clone();
    }

    private void Apply(Change change)
    {
        if (change.Length >= 0)
        {
            _durable.SetLength(change.Length);
        }
        else
        {
            _durable.Write(change.Offset, change.Data);
        }
    }

    /// <summary>Some sectors of the write are on the disk, some are not.</summary>
    private void Tear(Change change)
    {
        var at = 0;
        while (at < change.Data.Length)
        {
            var toBoundary = SimDisk.SectorSize - (int)((change.Offset + at) % SimDisk.SectorSize);
            var part = Math.Min(toBoundary, change.Data.Length - at);
            if (disk.Random.Chance(0.5))
            {
                _durable.Write(change.Offset + at, change.Data.AsSpan(at, part));
            }

            at += part;
        }
    }

    /// <summary>A write, or with a length that is not negative a truncation.</summary>
    private readonly record struct Change(long Offset, byte[] Data, long Length);

    /// <summary>A growing array; what was never written is zero.</summary>
    private sealed class Bytes
    {
        private byte[] _bytes = [];

        public long Length { get; private set; }

        public int Read(long offset, Span<byte> target)
        {
            var count = (int)Math.Clamp(Length - offset, 0, target.Length);
            _bytes.AsSpan((int)Math.Min(offset, Length), count).CopyTo(target);
            return count;
        }

        public void Write(long offset, ReadOnlySpan<byte> source)
        {
            SetLength(Math.Max(Length, offset + source.Length));
            source.CopyTo(_bytes.AsSpan((int)offset));
        }

        public void SetLength(long length)
        {
            Invariant.Check(length is >= 0 and <= int.MaxValue);
            if (length > _bytes.Length)
            {
                Array.Resize(ref _bytes, (int)Math.Min(int.MaxValue, Math.Max(length, _bytes.LongLength * 2)));
            }

            if (length < Length)
            {
                _bytes.AsSpan((int)length, (int)(Length - length)).Clear();
            }

            Length = length;
        }

        public void Flip(long offset, byte mask)
        {
            if (offset < Length)
            {
                _bytes[offset] ^= mask;
            }
        }

        public Bytes Clone() => new() { _bytes = (byte[])_bytes.Clone(), Length = Length };
    }
}

/// <summary>An open simulated file.</summary>
internal sealed class SimDiskFile(SimDisk disk, SimFile file, string path, DiskOpen how) : IDiskFile
{
    private const int DirectAlignment = 4096;

    private readonly int _life = disk.Life;
    private bool _isDisposed;

    public bool IsDirect => (how & DiskOpen.Direct) != 0;

    public Errno GetLength(out long length)
    {
        length = file.Length;
        return IsUsable ? Errno.Ok : Errno.EBADF;
    }

    public Errno Read(long offset, Span<byte> target, out int count)
    {
        count = 0;
        if (!IsUsable || (how & DiskOpen.Read) == 0)
        {
            return Errno.EBADF;
        }

        if (disk.Fails(DiskCall.Read, path) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (offset < 0 || !IsAligned(offset, target.Length))
        {
            return Errno.EINVAL;
        }

        count = file.Read(offset, target);
        return Errno.Ok;
    }

    public Errno Write(long offset, ReadOnlySpan<byte> source, out int count)
    {
        count = 0;
        if (!IsUsable || (how & DiskOpen.Write) == 0)
        {
            return Errno.EBADF;
        }

        if (FailsOrCuts(offset, source) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (offset < 0 || !IsAligned(offset, source.Length))
        {
            return Errno.EINVAL;
        }

        var taken = disk.CapacityBytes == long.MaxValue ? source.Length : (int)Math.Min(source.Length, Room(offset));
        if (taken == 0 && source.Length > 0)
        {
            return Errno.ENOSPC;
        }

        if (taken > 1 && disk.ShortWriteChance > 0 && disk.Random.Chance(disk.ShortWriteChance))
        {
            taken = IsDirect ? Math.Max(DirectAlignment, taken / 2 / DirectAlignment * DirectAlignment) : taken / 2;
        }

        file.Write(disk.Direct(path, offset), source[..taken]);
        count = taken;
        return Errno.Ok;
    }

    public Errno Write(long offset, ReadOnlySpan<Payload> pieces, out long count)
    {
        var length = 0;
        foreach (var piece in pieces)
        {
            if (IsDirect && (piece.Address % DirectAlignment != 0 || piece.Length % DirectAlignment != 0))
            {
                count = 0;
                return Errno.EINVAL;
            }

            length += piece.Length;
        }

        var joined = new byte[length];
        var at = 0;
        foreach (var piece in pieces)
        {
            piece.Span.CopyTo(joined.AsSpan(at));
            at += piece.Length;
        }

        var error = Write(offset, joined, out var taken);
        count = taken;
        return error;
    }

    public Errno Preallocate(long length)
    {
        if (!IsUsable || (how & DiskOpen.Write) == 0)
        {
            return Errno.EBADF;
        }

        if (disk.Fails(DiskCall.Preallocate, path, changes: true) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (disk.CapacityBytes != long.MaxValue && length - file.Length > Room(file.Length))
        {
            return Errno.ENOSPC;
        }

        if (length > file.Length)
        {
            file.Truncate(length);
        }

        return Errno.Ok;
    }

    public Errno WriteDurably(long offset, ReadOnlySpan<Payload> pieces)
    {
        var error = this.WriteFully(offset, pieces);
        return error == Errno.Ok ? Sync() : error;
    }

    public Errno ShareInto(int descriptor, long targetOffset, long offset, long length) => Errno.EOPNOTSUPP;

    public Errno Truncate(long length)
    {
        if (!IsUsable || (how & DiskOpen.Write) == 0)
        {
            return Errno.EBADF;
        }

        if (disk.Fails(DiskCall.Truncate, path, changes: true) is not Errno.Ok and var fault)
        {
            return fault;
        }

        if (length < 0)
        {
            return Errno.EINVAL;
        }

        file.Truncate(length);
        return Errno.Ok;
    }

    public Errno Sync()
    {
        if (!IsUsable)
        {
            return Errno.EBADF;
        }

        if (disk.Fails(DiskCall.Sync, path, changes: true) is not Errno.Ok and var fault)
        {
            file.ForgetPending();
            return fault;
        }

        if (!disk.LosesSyncs)
        {
            file.Sync();
        }

        return Errno.Ok;
    }

    public void Dispose() => _isDisposed = true;

    /// <summary>A write during which the power goes is on its way: all, nothing or sectors of it may arrive.</summary>
    private Errno FailsOrCuts(long offset, ReadOnlySpan<byte> source)
    {
        try
        {
            return disk.Fails(DiskCall.Write, path, changes: true);
        }
        catch (SimPowerCutException)
        {
            if (offset >= 0)
            {
                file.Write(disk.Direct(path, offset), source);
            }

            throw;
        }
    }

    private long Room(long offset) =>
        Math.Max(0, disk.CapacityBytes - disk.UsedBytes + Math.Max(0, file.Length - offset));

    private bool IsUsable => !_isDisposed && _life == disk.Life;

    private bool IsAligned(long offset, int length) =>
        !IsDirect || (offset % DirectAlignment == 0 && length % DirectAlignment == 0);
}
