using System;

namespace Myrmex.Base;

/// <summary>Keys of leases in the xdata of fops and answers. Source: docs/reference/leases.md.</summary>
public static class LeaseKeys
{
    /// <summary>Of <see cref="Wait"/>: the answer is for the program, which must not wait.</summary>
    public const int MustNotWait = 1;

    /// <summary>Of <see cref="Wait"/>: nothing was done; the client is to ask again, however long it takes.</summary>
    public const int ComeAgain = 2;

    /// <summary>Of a fop: the lease id that it is done with, 16 bytes. Source: GlusterFS' client.</summary>
    public static ReadOnlySpan<byte> Id => "lease-id"u8;

    /// <summary>Of an answer EAGAIN: a lease is in the way of the fop.</summary>
    public static ReadOnlySpan<byte> Wait => "myrmex.lease-wait"u8;

    /// <summary>The lease id of a fop; null for none.</summary>
    public static Gfid IdOf(XData? xdata) =>
        xdata is { Count: > 0 } && xdata.TryGetBytes(Id, out var bytes) && bytes.Length == Gfid.Size
            ? Gfid.FromBytes(bytes) : Gfid.Null;
}
