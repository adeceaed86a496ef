using System;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Features;

/// <summary>
/// Hand-over of POSIX locks when a client switches to a new graph and so to a new connection: it reads
/// <c>trusted.glusterfs.lockinfo</c> of the old open file and sets it on the new one. The value is a serialised dictionary with
/// one pair per brick: a key only this brick knows, and a random number that stands for the old open file.
/// </summary>
public sealed partial class Locks
{
    private Gfid _lockInfoKey;

    private static ReadOnlySpan<byte> LockInfoName => LockMove.InfoName;

    public override void Start() => _lockInfoKey = Seams.NewGfid();

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call) =>
        fop.Name.Equals(LockInfoName)
            ? new ValueTask<FgetxattrReply>(GetLockInfo(fop.Fd))
            : Next.Fgetxattr(in fop, call);

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call) =>
        fop.Values is not null && fop.Values.TryGetBytes(LockInfoName, out var value)
            ? new ValueTask<FsetxattrReply>(SetLockInfo(fop.Fd.FileOf(fop.Gfid), fop.Fd, value, call))
            : Next.Fsetxattr(in fop, call);

    /// <summary>Tells the open file whose locks the request takes along; null when it takes none.</summary>
    private Predicate<Fd>? FormerOf(XData? xdata) =>
        xdata is { Count: > 0 } && xdata.TryGetBytes(LockMove.Key, out var value)
        && TryReadLockInfo(value, out var number)
            ? fd => fd.Get(Slot) is FdNumber known && known.Value == number
            : null;

    private FgetxattrReply GetLockInfo(Fd fd)
    {
        if (fd.IsAnonymous)
        {
            return FgetxattrReply.Fail(Errno.EBADF);
        }

        ulong number;
        lock (_posixGuard)
        {
            if (fd.Get(Slot) is not FdNumber known)
            {
                known = new FdNumber(Seams.NewGfid().Low);
                fd.Set(Slot, known);
            }

            number = known.Value;
        }

        var reply = FgetxattrReply.Rent();
        reply.Values = XData.Rent();
        Span<byte> value = stackalloc byte[96];
        var length = WriteLockInfo(value, number);
        reply.Values.SetBytes(LockInfoName, value[..length]);
        reply.OpRet = length;
        return reply;
    }

    private FsetxattrReply SetLockInfo(Gfid gfid, Fd fd, ReadOnlySpan<byte> value, Call call)
    {
        if (fd.IsAnonymous || !TryReadLockInfo(value, out var number))
        {
            return FsetxattrReply.Fail(Errno.EINVAL);
        }

        bool moved;
        lock (_posixGuard)
        {
            // Nothing to move is fine: the application may hold no locks.
            moved = _posix.Count(in gfid) == 0
                || _posix.TryMoveFd(in gfid, f => f.Get(Slot) is FdNumber n && n.Value == number, fd, call.Client)
                || !_posix.HasFd(in gfid, f => f.Get(Slot) is FdNumber n && n.Value == number);
        }

        return moved ? FsetxattrReply.Rent() : FsetxattrReply.Fail(Errno.EINVAL);
    }

    /// <summary>Layout: i32 count 1, i32 key length 36, i32 value length, key and NUL, decimal number and NUL.</summary>
    private int WriteLockInfo(Span<byte> value, ulong number)
    {
        Utf8Formatter.TryFormat(number, value[49..], out var digits);
        BinaryPrimitives.WriteInt32BigEndian(value, 1);
        BinaryPrimitives.WriteInt32BigEndian(value[4..], 36);
        BinaryPrimitives.WriteInt32BigEndian(value[8..], digits + 1);
        _lockInfoKey.Format(value.Slice(12, 36));
        value[48] = 0;
        value[49 + digits] = 0;
        return 50 + digits;
    }

    private bool TryReadLockInfo(ReadOnlySpan<byte> value, out ulong number)
    {
        number = 0;
        Span<byte> wanted = stackalloc byte[36];
        _lockInfoKey.Format(wanted);
        if (value.Length < 4)
        {
            return false;
        }

        var rest = value[4..];
        while (rest.Length >= 8)
        {
            long keyLength = BinaryPrimitives.ReadUInt32BigEndian(rest);
            long valueLength = BinaryPrimitives.ReadUInt32BigEndian(rest[4..]);
            if (8 + keyLength + 1 + valueLength > rest.Length)
            {
                return false;
            }

            if (rest.Slice(8, (int)keyLength).SequenceEqual(wanted))
            {
                return Utf8Parser.TryParse(rest.Slice(9 + (int)keyLength, (int)valueLength), out number, out _);
            }

            rest = rest[(int)(9 + keyLength + valueLength)..];
        }

        return false;
    }

    private sealed record FdNumber(ulong Value);
}
