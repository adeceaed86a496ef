namespace Myrmex.Storage;

/// <summary>What storage/posix keeps on an open fd.</summary>
internal sealed class PosixFd(FdReference file, uint flags)
{
    public FdReference File { get; } = file;

    /// <summary>Open flags the descriptor really has.</summary>
    public uint Flags { get; } = flags;
}
