using System;
using System.Collections.Generic;

namespace Myrmex.Storage;

/// <summary>Bytes of a file in sparse pages; a missing page is a hole.</summary>
internal sealed class MemoryContent
{
    private const int PageSize = 4096;

    private readonly SortedDictionary<long, byte[]> _pages = [];

    /// <summary>File size in bytes.</summary>
    public long Length { get; private set; }

    public long AllocatedBytes => (long)_pages.Count * PageSize;

    /// <summary>Bytes that a write to a range would allocate.</summary>
    public long BytesToAllocate(long offset, long length)
    {
        if (length == 0)
        {
            return 0;
        }

        var first = offset / PageSize;
        var last = (offset + length - 1) / PageSize;
        var missing = last - first + 1;

        // Counts along the shorter of the two: the pages of the range, or those of the file.
        if (missing <= _pages.Count)
        {
            for (var index = first; index <= last; index++)
            {
                missing -= _pages.ContainsKey(index) ? 1 : 0;
            }
        }
        else
        {
            foreach (var index in _pages.Keys)
            {
                missing -= index >= first && index <= last ? 1 : 0;
            }
        }

        return missing * PageSize;
    }

    /// <summary>Reads up to the end of the file; the number of bytes read.</summary>
    public int Read(long offset, Span<byte> target)
    {
        if (offset >= Length)
        {
            return 0;
        }

        var count = (int)Math.Min(target.Length, Length - offset);
        for (var done = 0; done < count;)
        {
            var inPage = (int)((offset + done) % PageSize);
            var part = Math.Min(PageSize - inPage, count - done);
            if (_pages.TryGetValue((offset + done) / PageSize, out var page))
            {
                page.AsSpan(inPage, part).CopyTo(target[done..]);
            }
            else
            {
                target.Slice(done, part).Clear();
            }

            done += part;
        }

        return count;
    }

    public void Write(long offset, ReadOnlySpan<byte> source)
    {
        for (var done = 0; done < source.Length;)
        {
            var inPage = (int)((offset + done) % PageSize);
            var part = Math.Min(PageSize - inPage, source.Length - done);
            source.Slice(done, part).CopyTo(PageAt((offset + done) / PageSize).AsSpan(inPage));
            done += part;
        }

        Length = Math.Max(Length, offset + source.Length);
    }

    public void SetLength(long length)
    {
        if (length < Length)
        {
            Punch(length, Length - length);
        }

        Length = length;
    }

    /// <summary>Makes a range read as zeroes; whole pages of it become holes. The size stays.</summary>
    public void Punch(long offset, long length)
    {
        var end = offset + length;
        var touched = new List<long>();
        foreach (var index in _pages.Keys)
        {
            if ((index + 1) * PageSize > offset && index * PageSize < end)
            {
                touched.Add(index);
            }
        }

        foreach (var index in touched)
        {
            var start = Math.Max(offset - (index * PageSize), 0);
            var stop = Math.Min(end - (index * PageSize), PageSize);
            if (start == 0 && stop == PageSize)
            {
                _pages.Remove(index);
            }
            else
            {
                _pages[index].AsSpan((int)start, (int)(stop - start)).Clear();
            }
        }
    }

    /// <summary>Reserves pages, growing the file unless <paramref name="keepSize"/>.</summary>
    public void Allocate(long offset, long length, bool keepSize)
    {
        for (var index = offset / PageSize; index * PageSize < offset + length; index++)
        {
            PageAt(index);
        }

        if (!keepSize)
        {
            Length = Math.Max(Length, offset + length);
        }
    }

    /// <summary>First data or hole at or behind <paramref name="offset"/>; -1 when there is none.</summary>
    public long Seek(long offset, bool data)
    {
        if (offset >= Length)
        {
            return -1;
        }

        for (var at = offset; at < Length; at = ((at / PageSize) + 1) * PageSize)
        {
            if (_pages.ContainsKey(at / PageSize) == data)
            {
                return at;
            }
        }

        return data ? -1 : Length;
    }

    private byte[] PageAt(long index)
    {
        if (!_pages.TryGetValue(index, out var page))
        {
            page = new byte[PageSize];
            _pages.Add(index, page);
        }

        return page;
    }
}
