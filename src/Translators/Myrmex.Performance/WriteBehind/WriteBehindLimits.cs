namespace Myrmex.Performance;

/// <summary>Bounds of write-behind.</summary>
internal static class WriteBehindLimits
{
    /// <summary>Writes of one file that are under way to the subvolume at once.</summary>
    public const int SentPerFileMax = 32;

    /// <summary>Writes of one file that wait or are under way; beyond it a write is answered when it is done.</summary>
    public const int PendingPerFileMax = 256;

    /// <summary>Bytes of all files together that are answered and not yet written.</summary>
    public const long AnsweredBytesMax = 256L << 20;

    /// <summary>A payload up to this size is copied rather than held: what holds it may be much larger than it.</summary>
    public const int CopyBytesMax = 32 << 10;

    /// <summary>Closed files with an error that nobody has been told; beyond it only the log has it.</summary>
    public const int LateErrorsMax = 1024;

    /// <summary>Files whose first write is held back; beyond it a first write goes at once.</summary>
    public const int HeldFilesMax = 1024;

    /// <summary>Files remembered as settled while somebody looks; beyond it every look is repeated.</summary>
    public const int SettledFilesMax = 4096;
}
