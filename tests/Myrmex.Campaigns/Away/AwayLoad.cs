using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Campaigns;

/// <summary>How much a load has changed.</summary>
/// <param name="WrittenBytes">Of content, each time it was written.</param>
/// <param name="UniqueBytes">Of content that is there in the end: each changed page once, in whole.</param>
/// <param name="MetaBytes">Of names and attributes, each changed object once.</param>
internal readonly record struct AwayChanges(long WrittenBytes, long UniqueBytes, long MetaBytes)
{
    public long All => UniqueBytes + MetaBytes;
}

/// <summary>
/// A data set, and work that changes a part of it over and over: pages of big images, small files that are made,
/// appended to, renamed, removed, and get other attributes. It counts what it has changed: each page and each object
/// once, as long as they are there. One thread works; another one measures how long a small operation takes.
/// </summary>
internal sealed class AwayLoad : IDisposable
{
    public const int Page = 4096;

    /// <summary>What a changed name or inode is worth beside its content: name, gfid, mode, owner, times.</summary>
    public const int MetaBytes = 128;

    private const int Images = 4;
    private const int FilesPerFolder = 500;
    private const int WriteMax = 64 << 10;
    private const int ProbeMs = 100;
    private const double HotShare = 0.04; // Of an image: what is rewritten.

    private readonly string _root;
    private readonly SimRandom _random;
    private readonly byte[] _bytes = new byte[8 << 20];
    private readonly List<SafeFileHandle> _images = [];
    private readonly long _imageBytes;
    private readonly List<Small> _small = [];
    private readonly HashSet<long>[] _changedPages = [.. Enumerable.Range(0, Images).Select(_ => new HashSet<long>())];
    private readonly HashSet<string> _names = new(StringComparer.Ordinal); // Changed, or gone.
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _prober;
    private long _written;
    private int _created;
    private long _longestMs;
    private string? _problem;

    /// <summary>Makes the data set; most of it is in the images.</summary>
    public AwayLoad(string root, long bytes, int files, SimRandom random)
    {
        (_root, _random) = (root, random);
        _random.Fill(_bytes);
        _imageBytes = bytes / Images / Page * Page;
        for (var i = 0; i < Images; i++)
        {
            var image = File.OpenHandle(
                Path.Combine(root, $"image{i}"), FileMode.Create, FileAccess.ReadWrite, FileShare.ReadWrite);
            _images.Add(image);
            for (long at = 0; at < _imageBytes;)
            {
                at += Put(image, at, (int)Math.Min(1 << 20, _imageBytes - at));
            }
        }

        for (var i = 0; i < files; i++)
        {
            Create();
        }

        _prober = new Thread(Probe) { Name = "prober" };
        _prober.Start();
        Begin();
    }

    private int Folders => (_created / FilesPerFolder) + 1;

    /// <summary>From here on changes are counted anew, and the longest operation is.</summary>
    public void Begin()
    {
        _written = 0;
        _names.Clear();
        foreach (var pages in _changedPages)
        {
            pages.Clear();
        }

        foreach (var small in _small)
        {
            small.Changed.Clear();
            small.IsTouched = false;
        }

        Interlocked.Exchange(ref _longestMs, 0);
    }

    /// <summary>The longest operation since the last call.</summary>
    public TimeSpan TakeLongest() => TimeSpan.FromMilliseconds(Interlocked.Exchange(ref _longestMs, 0));

    public AwayChanges Changes
    {
        get
        {
            var pages = _changedPages.Sum(p => (long)p.Count) + _small.Sum(s => (long)s.Changed.Count);
            var objects = _names.Count + _small.Count(s => s.IsTouched);
            return new AwayChanges(Interlocked.Read(ref _written), pages * Page, (long)objects * MetaBytes);
        }
    }

    /// <summary>Works for a time, at a pace of so many bytes of content a second at most, or until so many are
    /// written.</summary>
    public void Work(TimeSpan time, long bytesPerSecond, long bytesMax = long.MaxValue)
    {
        var clock = Stopwatch.StartNew();
        var begin = _written;
        while (clock.Elapsed < time && _written - begin < bytesMax)
        {
            var operation = Stopwatch.StartNew();
            Step();
            NoteTime(operation.ElapsedMilliseconds);
            var aheadMs = ((_written - begin) * 1000 / bytesPerSecond) - clock.ElapsedMilliseconds;
            if (aheadMs > 0)
            {
                Thread.Sleep((int)Math.Min(aheadMs, 1000));
            }
        }

        CheckProbe();
    }

    public void CheckProbe()
    {
        if (Volatile.Read(ref _problem) is { } problem)
        {
            throw new InvalidOperationException($"an operation failed: {problem}");
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _prober.Join();
        _images.ForEach(i => i.Dispose());
        _stop.Dispose();
    }

    private void Step()
    {
        var kind = _random.Below(100);
        if (kind < 80 || _small.Count < 100)
        {
            RewriteImage();
            return;
        }

        var small = _small[_random.Below(_small.Count)];
        if (kind < 84)
        {
            Create();
        }
        else if (kind < 88)
        {
            File.Delete(small.Path);
            _names.Add(small.Path);
            _small.Remove(small);
        }
        else if (kind < 91)
        {
            Rename(small);
        }
        else if (kind < 97)
        {
            Append(small);
        }
        else
        {
            File.SetUnixFileMode(
                small.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite
                    | (_random.Chance(0.5) ? UnixFileMode.GroupRead : UnixFileMode.OtherRead));
            small.IsTouched = true;
        }
    }

    /// <summary>Half of the writes are of single pages all over the hot part, half of runs of pages at its
    /// beginning.</summary>
    private void RewriteImage()
    {
        var number = _random.Below(Images);
        var pages = _imageBytes / Page;
        var hot = Math.Max(32, (int)(pages * HotShare / 2));
        long first;
        int count;
        if (_random.Chance(0.5))
        {
            count = 1;
            first = (hot * 2) + ((long)_random.Below(hot) * (pages - (hot * 2)) / hot);
        }
        else
        {
            count = 1 + _random.Below(WriteMax / Page);
            first = _random.Below(hot - (WriteMax / Page));
        }

        _written += Put(_images[number], first * Page, count * Page);
        for (var i = 0; i < count; i++)
        {
            _changedPages[number].Add(first + i);
        }
    }

    private void Create()
    {
        var folder = Path.Combine(_root, string.Create(CultureInfo.InvariantCulture, $"folder{Folders}"));
        Directory.CreateDirectory(folder);
        var small = new Small(Path.Combine(folder, $"file{++_created}")) { IsTouched = true };
        using var file = File.OpenHandle(small.Path, FileMode.CreateNew, FileAccess.Write);
        var length = 1 + _random.Below(32 << 10);
        _written += Put(file, 0, length);
        small.Wrote(0, length);
        _small.Add(small);
    }

    private void Append(Small small)
    {
        using var file = File.OpenHandle(small.Path, FileMode.Open, FileAccess.Write);
        var length = 1 + _random.Below(Page);
        var at = small.Bytes;
        _written += Put(file, at, length);
        small.Wrote(at, length);
        small.IsTouched = true;
    }

    private void Rename(Small small)
    {
        var folder = Path.Combine(_root, $"moved{_random.Below(4)}");
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $"{Path.GetFileName(small.Path)}.{_names.Count}");
        File.Move(small.Path, path);
        _names.Add(small.Path);
        small.Path = path;
        small.IsTouched = true;
    }

    /// <summary>New bytes each time: another start within random ones, and a count in every page.</summary>
    private int Put(SafeFileHandle file, long at, int length)
    {
        var bytes = _bytes.AsSpan(_random.Below(_bytes.Length - length), length);
        for (var page = 0; page + sizeof(ulong) <= length; page += Page)
        {
            BitConverter.TryWriteBytes(bytes[page..], _random.Next());
        }

        RandomAccess.Write(file, bytes, at);
        return length;
    }

    private void NoteTime(long ms)
    {
        long now;
        while (ms > (now = Interlocked.Read(ref _longestMs))
            && Interlocked.CompareExchange(ref _longestMs, ms, now) != now)
        {
            // Another one was longer meanwhile, perhaps.
        }
    }

    /// <summary>A small change with fsync, again and again, whatever else is done.</summary>
    private void Probe()
    {
        try
        {
            using var file = File.OpenHandle(
                Path.Combine(_root, "probe"), FileMode.Create, FileAccess.ReadWrite);
            for (var round = 0L; !_stop.Token.WaitHandle.WaitOne(ProbeMs); round++)
            {
                var clock = Stopwatch.StartNew();
                RandomAccess.Write(file, BitConverter.GetBytes(round), 0);
                RandomAccess.FlushToDisk(file);
                NoteTime(clock.ElapsedMilliseconds);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Volatile.Write(ref _problem, e.ToString());
        }
    }

    private sealed class Small(string path)
    {
        public string Path { get; set; } = path;

        public int Bytes { get; private set; }

        /// <summary>Name or attributes are others.</summary>
        public bool IsTouched { get; set; }

        public HashSet<int> Changed { get; } = [];

        public void Wrote(int at, int length)
        {
            Bytes = Math.Max(Bytes, at + length);
            for (var page = at / Page; page <= (at + length - 1) / Page; page++)
            {
                Changed.Add(page);
            }
        }
    }
}
