namespace Myrmex.Base;

/// <summary>
/// What a fop answers. Pooled: whoever awaited the fop owns the reply and either passes it on or calls
/// <see cref="Release"/> once. <see cref="Error"/> other than <see cref="Errno.Ok"/> means that nothing else but
/// <see cref="XData"/> is meaningful.
/// </summary>
public abstract class Reply
{
    private bool _isReleased;

    public Errno Error { get; set; }

    /// <summary>op_ret of a success: 0, or the number of bytes or entries.</summary>
    public int OpRet { get; set; }

    /// <summary>op_errno of a success; <see cref="Errno.ENOENT"/> on reads and listings hints at the end.</summary>
    public Errno Hint { get; set; }

    /// <summary>
    /// It comes from a server that tells nobody of changes: a cache that lives by being told must not keep it. Not on
    /// the wire.
    /// </summary>
    public bool IsNotForCaches { get; set; }

    /// <summary>Owned by the reply.</summary>
    public XData? XData { get; set; }

    public bool IsOk => Error == Errno.Ok;

    /// <summary>The reply's dictionary, made when missing.</summary>
    public XData NeedXData() => XData ??= XData.Rent();

    /// <summary>Gives the reply and all it owns back to the pool; exactly once.</summary>
    public abstract void Release();

    /// <summary>A clean reply from the pool.</summary>
    protected static TReply Take<TReply>()
        where TReply : Reply, new()
    {
        var reply = Pool<TReply>.Rent();
        reply._isReleased = false;
        return reply;
    }

    protected void CopyBase(Reply other)
    {
        Error = other.Error;
        OpRet = other.OpRet;
        Hint = other.Hint;
        IsNotForCaches = other.IsNotForCaches;
        XData?.Release();
        XData = other.XData?.Clone();
    }

    protected void ResetBase()
    {
        Invariant.Check(!_isReleased);
        _isReleased = true;
        Error = Errno.Ok;
        OpRet = 0;
        Hint = Errno.Ok;
        IsNotForCaches = false;
        XData?.Release();
        XData = null;
    }
}
