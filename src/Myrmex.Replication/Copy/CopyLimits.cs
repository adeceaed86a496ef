namespace Myrmex.Replication.Copy;

/// <summary>Bounds of copies.</summary>
internal static class CopyLimits
{
    /// <summary>Pieces that are made, on the way or waiting to be taken.</summary>
    public const int Window = 4;

    /// <summary>Bytes of wants in one request, about.</summary>
    public const int WantsBytes = 64 << 10;

    /// <summary>Bytes of the session table in one piece.</summary>
    public const int SessionsBytes = 256 << 10;

    /// <summary>Bytes of a session table that is taken. Source: what a checkpoint file takes.</summary>
    public const int SessionsMax = 256 << 20;

    /// <summary>Bytes of the journal looked through at once.</summary>
    public const int JournalBytes = 4 << 20;

    /// <summary>How far the pace of a limited copy may lag behind and be made good, in milliseconds.</summary>
    public const long BurstMs = 100;

    /// <summary>Pause after a copy that this member could not take, in milliseconds.</summary>
    public const long PauseMs = 5_000;
}
