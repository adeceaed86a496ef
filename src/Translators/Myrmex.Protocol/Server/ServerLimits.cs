namespace Myrmex.Protocol;

/// <summary>The named maxima of protocol/server.</summary>
internal static class ServerLimits
{
    /// <summary>Bytes queued for a client that does not take them, above which its requests are not read any more.</summary>
    public const long SendQueueBytesMax = 8 << 20;

    /// <summary>Milliseconds between two looks at the queue of such a client.</summary>
    public const long SendQueueLookMs = 20;

    /// <summary>Milliseconds after which a client is left that has taken nothing of a full queue.</summary>
    public const long SendStallMsMax = 60_000;

    /// <summary>
    /// Lock requests of one client under way at once; further ones answer ENOLCK. They may wait for ever, so they do not count
    /// against the limit of outstanding calls: the unlock that ends the waiting must get through.
    /// </summary>
    public const int LocksUnderWayMax = 8192;

    /// <summary>Bytes that one READ may ask for and one RCHECKSUM may look at: 64 MiB. More answers EINVAL.</summary>
    public const uint ReadBytesMax = 64 << 20;

    /// <summary>Bytes of a directory listing; a client that asks for more gets a shorter one.</summary>
    public const uint ListBytesMax = 1 << 20;

    /// <summary>Bytes of a SETVOLUME record.</summary>
    public const int HandshakeBytesMax = 1 << 20;

    /// <summary>
    /// Nanoseconds that a loop of a proxy runs fops before it reads what has come meanwhile. Short against the second
    /// after which clients wonder whether a proxy is there, and long against a round of reading.
    /// </summary>
    public const long FopSliceNs = 5_000_000;

    /// <summary>
    /// Bytes of a record up to which it is copied when it stands in line: it would hold a buffer of 64 KiB of its link.
    /// </summary>
    public const int LineCopyBytesMax = 16 << 10;

    /// <summary>Milliseconds that a client waits for an export that ends elsewhere to come up.</summary>
    public const long UpWaitMs = 2_000;

    /// <summary>Clients that wait for that at once; further ones are refused.</summary>
    public const int UpWaitersMax = 65_536;

    /// <summary>
    /// A client without open files that has sent no fop for so many milliseconds does not use the server.
    /// </summary>
    public const long InUseMs = 3_000;

    /// <summary>
    /// Milliseconds after which clients that still use a server that drains are asked again to leave.
    /// </summary>
    public const long DrainNoticeMs = 5_000;

    /// <summary>Milliseconds that stopping waits for clients to leave and their fops to end.</summary>
    public const int StopWaitMs = 10_000;
}
