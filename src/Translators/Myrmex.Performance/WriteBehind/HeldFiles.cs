using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Performance;

/// <summary>
/// Files whose first write is held back, until the next tick of a timer that runs only while there are some. Files stay
/// here until then, also when their writes have gone. Safe for all threads.
/// </summary>
internal sealed class HeldFiles
{
    private readonly Lock _guard = new(); // Guards the fields; a leaf lock.
    private List<PendingFile> _files = [];
    private bool _isWaiting; // The timer is set.

    /// <summary>False when there are too many.</summary>
    public bool TryAdd(PendingFile file)
    {
        lock (_guard)
        {
            if (_files.Count >= WriteBehindLimits.HeldFilesMax)
            {
                return false;
            }

            _files.Add(file);
            return true;
        }
    }

    /// <summary>True when the caller must set the timer, which calls <see cref="TakeAll"/>.</summary>
    public bool TryBeginWait()
    {
        lock (_guard)
        {
            return !_isWaiting && (_isWaiting = _files.Count > 0);
        }
    }

    public List<PendingFile> TakeAll()
    {
        lock (_guard)
        {
            var files = _files;
            _files = [];
            _isWaiting = false;
            return files;
        }
    }
}
