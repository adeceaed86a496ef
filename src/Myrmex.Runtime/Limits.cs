namespace Myrmex.Runtime;

/// <summary>The named maxima of this room.</summary>
public static class Limits
{
    /// <summary>Bytes of a receive chunk and of a block that small sends are encoded into.</summary>
    public const int ChunkBytes = 64 << 10;

    /// <summary>The longest write that is made durable by the same call.</summary>
    public const int DurableWriteBytesMax = 256 << 10;

    /// <summary>What addresses, offsets and lengths are multiples of, past the page cache.</summary>
    public const int BlockBytes = 4096;

    /// <summary>Bytes a link reads in one turn of its loop before it lets others run.</summary>
    public const int ReceiveBytesPerTurn = 2 << 20;

    /// <summary>
    /// Bytes a link reads before what was answered meanwhile leaves: a peer that sends long frames shall not wait for
    /// the end of the turn.
    /// </summary>
    public const int ReceiveBytesPerFlush = 512 << 10;

    /// <summary>
    /// Bytes read past the end of a large frame while large frames follow each other: enough for the next header, so that
    /// the next payload is received straight into its own buffer.
    /// </summary>
    public const int BulkPeekBytes = 4 << 10;

    /// <summary>
    /// Most bytes reserved for a frame because its head says so: the usual payloads of up to 1 MiB, and 2 MiB writes,
    /// are received without a copy. The buffer of a longer frame doubles when it is full.
    /// </summary>
    public const int FrameReserveBytes = 4 << 20;

    /// <summary>
    /// The same while more than half of the pool's limit is rented: with the bytes before a frame that make it end at a
    /// block, no more than a size that the pool has.
    /// </summary>
    public const int FrameReserveBytesPressed = (160 << 10) - BlockBytes;

    /// <summary>Room left in a chunk below which an empty one is exchanged instead of filled up.</summary>
    public const int ChunkRoomMin = 8 << 10;

    /// <summary>Pieces in one gathering send; the kernel takes 1024.</summary>
    public const int GatherCountMax = 256;

    /// <summary>Gathering sends one thread makes for a link in one go; then the link's loop continues.</summary>
    public const int SendRoundsMax = 16;

    /// <summary>A payload tail up to this size is copied behind its header instead of becoming a piece of its own.</summary>
    public const int TailCopyBytesMax = 512;

    /// <summary>Milliseconds a link waits before it looks again whether the payload pool is below its limit.</summary>
    public const int MemoryRetryMs = 5;

    /// <summary>Milliseconds between two looks at payload buffers that lie unused.</summary>
    public const int PoolTrimMs = 10_000;

    /// <summary>Events taken from epoll in one turn.</summary>
    public const int EventsPerTurn = 256;

    /// <summary>Connections accepted in one turn.</summary>
    public const int AcceptsPerTurn = 64;

    /// <summary>
    /// Connections the kernel keeps for us before they are accepted, if it may have that many (net.core.somaxconn):
    /// who finds no room asks again after one second, three, seven.
    /// </summary>
    public const int ListenBacklog = 16384;

    /// <summary>Milliseconds a listener rests when the process has no descriptor left.</summary>
    public const int AcceptRestMs = 100;

    /// <summary>Jobs that a thread does itself behind what it was at; more go to the workers.</summary>
    public const int NextMax = 4;

    /// <summary>Jobs a worker takes at once.</summary>
    public const int WorkerBatchMax = 16;

    /// <summary>
    /// Jobs waiting for workers above which <see cref="Linux.WorkerPool.OverLimitCount"/> counts. Nothing is dropped: what
    /// bounds the queue is the owner's window of unanswered fops.
    /// </summary>
    public const int WorkerQueueMax = 64 << 10;
}
