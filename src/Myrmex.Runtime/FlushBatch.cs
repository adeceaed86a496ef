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

        // Only this thread writes its own id here, and takes it back when it flushes: equal means already noted.
        var thread = Environment.CurrentManagedThreadId;
        if (link.NotedBy != thread)
        {
            link.NotedBy = thread;
            (_dirty ??= []).Add(link);
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

        var thread = Environment.CurrentManagedThreadId;
        for (var i = 0; i < dirty.Count; i++)
        {
            var link = dirty[i];
            if (link.NotedBy == thread)
            {
                link.NotedBy = 0;
            }

            link.Flush();
        }

        dirty.Clear();
    }

    /// <summary>Ends all batches of this thread, for the top of a loop whose handler threw inside one.</summary>
    internal static void Reset() => _depth = 0;
}
