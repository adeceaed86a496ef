using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Which bytes of writes later operations overwrite, cut off or remove: for each file the union of these ranges, from
/// the last entry back. What finds no room in the bounds is not counted, and then more is sent than need be.
/// </summary>
internal sealed class OverwrittenData : IElision
{
    private readonly Dictionary<Gfid, ByteRanges> _files = [];
    private int _ranges;

    public Overwritten Take(in EntryHeader header, ReadOnlySpan<byte> meta, int dataLength, Span<byte> blocks)
    {
        if (header.Kind != EntryKind.Operation || !OperationCodec.TryDecode(meta, out var operation))
        {
            return Overwritten.Nothing;
        }

        switch (operation.Fop)
        {
            case FopCode.Write or FopCode.CopyFileRange:
                var overwritten = Look(operation, dataLength, blocks);
                Add(operation.Gfid, operation.Offset, operation.Offset + dataLength);
                return overwritten;
            case FopCode.Zerofill or FopCode.Discard:
                Add(operation.Gfid, operation.Offset, operation.Offset + operation.Length);
                break;
            case FopCode.Truncate or FopCode.Ftruncate:
                Add(operation.Gfid, operation.Size, long.MaxValue);
                break;
            case FopCode.Unlink when operation is { IsLastName: true, Keeps: false }:
                Add(operation.Gfid, 0, long.MaxValue);
                break;
            case FopCode.Rename when operation is { IsLastName: true, Keeps: false, Displaced.IsNull: false }:
                Add(operation.Displaced, 0, long.MaxValue);
                break;
            default:
                break;
        }

        return Overwritten.Nothing;
    }

    private Overwritten Look(JournalOperation operation, int dataLength, Span<byte> blocks)
    {
        if (dataLength < JournalLimits.ElideBytesMin || !_files.TryGetValue(operation.Gfid, out var ranges))
        {
            return Overwritten.Nothing;
        }

        if (ranges.Covers(operation.Offset, operation.Offset + dataLength))
        {
            return Overwritten.All;
        }

        var result = Overwritten.Nothing;
        for (var i = 0; i < ElidedData.BlocksOf(dataLength); i++)
        {
            var begin = operation.Offset + ((long)i * ElidedData.BlockBytes);
            if (ranges.Covers(begin, begin + ElidedData.LengthOf(i, dataLength)))
            {
                blocks[i / 8] |= (byte)(1 << (i % 8));
                result = Overwritten.Some;
            }
        }

        return result;
    }

    private void Add(in Gfid gfid, long begin, long end)
    {
        ref var ranges = ref CollectionsMarshal.GetValueRefOrAddDefault(_files, gfid, out var isThere);
        if (!isThere && _files.Count > JournalLimits.ElideFilesMax)
        {
            _files.Remove(gfid);
            return;
        }

        ranges ??= new ByteRanges();
        if (ranges.Count < JournalLimits.ElideFileRangesMax && _ranges < JournalLimits.ElideRangesMax)
        {
            _ranges -= ranges.Count;
            ranges.Add(begin, end);
            _ranges += ranges.Count;
        }
    }
}
