using Myrmex.Base;

namespace Myrmex.Fuse;

/// <summary>
/// A part of a listing that the graph has sent and the kernel has not taken completely. Owns the reply it came in.
/// </summary>
internal sealed class DirectoryChunk
{
    private Reply? _reply;
    private DirEntries? _entries;

    public DirEntries Entries => _entries!;

    /// <summary>The next entry to hand out.</summary>
    public int Index { get; set; }

    /// <summary>The cookie that continues at <see cref="Index"/>.</summary>
    public long Offset { get; private set; }

    /// <summary>With attributes.</summary>
    public bool IsPlus { get; private set; }

    /// <summary>State of changes when the listing was asked for.</summary>
    public ulong Token { get; private set; }

    public long FetchedNs { get; private set; }

    public static DirectoryChunk Of(ReaddirpReply reply, long offset, ulong token, long nowNs) =>
        Of(reply, reply.Entries, isPlus: true, offset, token, nowNs);

    public static DirectoryChunk Of(ReaddirReply reply, long offset, ulong token, long nowNs) =>
        Of(reply, reply.Entries, isPlus: false, offset, token, nowNs);

    /// <summary>Goes past the entry at <see cref="Index"/>.</summary>
    public void Advance()
    {
        Offset = (long)Entries[Index].Offset;
        Index++;
    }

    public void Release()
    {
        _reply?.Release();
        _reply = null;
        _entries = null;
        Pool<DirectoryChunk>.Return(this);
    }

    private static DirectoryChunk Of(
        Reply reply, DirEntries entries, bool isPlus, long offset, ulong token, long nowNs)
    {
        var chunk = Pool<DirectoryChunk>.Rent();
        chunk._reply = reply;
        chunk._entries = entries;
        chunk.Index = 0;
        chunk.Offset = offset;
        chunk.IsPlus = isPlus;
        chunk.Token = token;
        chunk.FetchedNs = nowNs;
        return chunk;
    }
}
