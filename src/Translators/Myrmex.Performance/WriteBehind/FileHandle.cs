using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>What write-behind keeps on an open file that is written to.</summary>
internal sealed class FileHandle(PendingFile file)
{
    // Errors of the file up to here are told to this handle, or happened before it was there. Guarded by the file.
    private long _errorsSeen = file.ErrorCount;

    public PendingFile File { get; } = file;

    /// <summary>True when there is an error to be told.</summary>
    public bool HasError => File.ErrorCount != Volatile.Read(ref _errorsSeen);

    /// <summary>
    /// An error of an earlier write that was answered as done, once per handle: the caller tells it to the application.
    /// </summary>
    public bool TryTakeError(out Errno error)
    {
        error = Errno.Ok;
        if (!HasError)
        {
            return false;
        }

        lock (File.Guard)
        {
            if (File.ErrorCount == _errorsSeen)
            {
                return false;
            }

            _errorsSeen = File.ErrorCount;
            error = File.LastError;
            return true;
        }
    }
}
