using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// Errors of writes that came when the file was closed already, for the next one who asks for something of it. All
/// members are safe for all threads.
/// </summary>
internal sealed class LateErrors
{
    private readonly Lock _guard = new(); // Guards the files; a leaf lock.
    private readonly Dictionary<Gfid, Errno> _files = [];
    private int _count; // Of the files; read without the lock.

    public bool IsEmpty => Volatile.Read(ref _count) == 0;

    /// <summary>
    /// Keeps the error until somebody takes it; false when there are too many, and only the log has it.
    /// </summary>
    public bool TryAdd(in Gfid gfid, Errno error)
    {
        lock (_guard)
        {
            if (_files.Count >= WriteBehindLimits.LateErrorsMax && !_files.ContainsKey(gfid))
            {
                return false;
            }

            _files[gfid] = error;
            Volatile.Write(ref _count, _files.Count);
            return true;
        }
    }

    /// <summary>The error of a file, once.</summary>
    public bool TryTake(in Gfid gfid, out Errno error)
    {
        error = Errno.Ok;
        if (IsEmpty)
        {
            return false;
        }

        lock (_guard)
        {
            var isThere = _files.Remove(gfid, out error);
            Volatile.Write(ref _count, _files.Count);
            return isThere;
        }
    }
}
