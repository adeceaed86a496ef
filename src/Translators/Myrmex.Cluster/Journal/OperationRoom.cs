using System;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Replication.Engine;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// What an operation takes of the disk of a store, from the bytes of its meta part; rather more than less.
/// </summary>
internal static class OperationRoom
{
    /// <summary>Blocks of directories, inodes and attributes that any operation may need.</summary>
    private const long AlwaysBytes = 16 << 10;

    private const long BlockBytes = 4096;
    private const uint PunchHole = 2;

    public static long CostOf(JournalEntry entry) =>
        entry.Header.Kind == EntryKind.Operation ? Of(entry.Meta.Span, entry.DataLength).Bytes : 0;

    /// <param name="meta">As <see cref="OperationCodec"/> writes it.</param>
    /// <param name="dataLength">Bytes of the data part.</param>
    public static (RoomUse Uses, long Bytes) Of(ReadOnlySpan<byte> meta, int dataLength)
    {
        var fop = OperationCodec.FopOf(meta);
        var bytes = AlwaysBytes + ((dataLength + BlockBytes - 1) / BlockBytes * BlockBytes) + (meta.Length * 2L);
        return fop switch
        {
            FopCode.Unlink or FopCode.Rmdir or FopCode.Truncate or FopCode.Ftruncate or FopCode.Removexattr
                or FopCode.Fremovexattr or FopCode.Discard => (RoomUse.Nothing, AlwaysBytes),
            FopCode.Fallocate or FopCode.Zerofill => OfRange(meta),
            FopCode.Rename or FopCode.Setattr or FopCode.Fsetattr or FopCode.Setxattr or FopCode.Fsetxattr
                or FopCode.Xattrop or FopCode.Fxattrop => (RoomUse.Little, bytes),
            _ => (RoomUse.Much, bytes),
        };
    }

    private static (RoomUse Uses, long Bytes) OfRange(ReadOnlySpan<byte> meta) =>
        !OperationCodec.TryDecode(meta, out var operation) ? (RoomUse.Much, AlwaysBytes)
            : operation.Fop == FopCode.Fallocate && (operation.Flags & PunchHole) != 0
                ? (RoomUse.Nothing, AlwaysBytes)
            : (RoomUse.Much, AlwaysBytes + operation.Length);
}
