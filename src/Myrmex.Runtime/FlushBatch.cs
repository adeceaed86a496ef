using System;
using System.Collections.Generic;

namespace Myrmex.Runtime;

/// <summary>
/// The corking of a thread: links with queued bytes are noted here and flushed together when the outermost batch ends.
/// Outside any batch a send is flushed at once.
/// </summary>
public static class FlushBatch
{
    [ThreadStatic]
    private static List<Link>? _dirty;

    [ThreadStatic]
    private static int _depth;

    public static void Begin() => _depth++;

    /// <summary>Ends a batch; the outermost one flushes.</summary>
    public static void End()
    {
        if (_depth == 1)
        {
            FlushNow();
        }

        _depth--;
    }

    /// <summary>Notes that <paramref name="link"/> has something to send.</summary>
    public static void Note(Link link)
    {
        if (_depth == 0)
        {
            link.Flush();
            return;
        }

        var dirty = _dirty ??= [];
        if (dirty.Count == 0 || !ReferenceEquals(dirty[^1], link))
        {
            dirty.Add(link);
        }
    }

    /// <summary>Flushes what is noted so far; the batch goes on.</summary>
    public static void FlushNow()
    {
        var dirty = _dirty;
        if (dirty is null)
        {
            return;
        }

        for (var i = 0; i < dirty.Count; i++)
        {
            dirty[i].Flush();
        }

        dirty.Clear();
    }
}
