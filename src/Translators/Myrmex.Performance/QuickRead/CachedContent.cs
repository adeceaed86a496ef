using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>
/// The content of one small file and what it depends on. Pooled; belongs to the cache and is guarded by it.
/// </summary>
internal sealed class CachedContent : Used<CachedContent>
{
    private long _mtime;
    private long _ctime;
    private uint _mtimeNsec;
    private uint _ctimeNsec;
    private ulong _size;

    public Gfid Gfid { get; private set; }

    /// <summary>Owned; without a buffer when the file is empty.</summary>
    public Payload Data { get; private set; }

    /// <summary>Moment from which on the content is known to have been right.</summary>
    public long ValidNs { get; set; }

    /// <summary>Equal times mean equal content.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>Bytes of memory.</summary>
    public int Cost => (Data.Buffer?.Capacity ?? 0) + 256;

    public static CachedContent Rent(in Iatt iatt, Payload data, long validNs, bool isSettled)
    {
        var content = Pool<CachedContent>.Rent();
        content.Gfid = iatt.Gfid;
        content.Data = data;
        content.ValidNs = validNs;
        content.IsSettled = isSettled;
        content._mtime = iatt.Mtime;
        content._mtimeNsec = iatt.MtimeNsec;
        content._ctime = iatt.Ctime;
        content._ctimeNsec = iatt.CtimeNsec;
        content._size = iatt.Size;
        return content;
    }

    public bool IsOf(in Iatt iatt) =>
        _size == iatt.Size && _mtime == iatt.Mtime && _ctime == iatt.Ctime
        && _mtimeNsec == iatt.MtimeNsec && _ctimeNsec == iatt.CtimeNsec;

    public void Release()
    {
        Data.Release();
        Data = default;
        Newer = null;
        Older = null;
        Pool<CachedContent>.Return(this);
    }
}
