using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Simulation;

// A member that is behind gets writes without their bytes where later ones overwrite the object.
internal sealed partial class ReplicaWorld
{
    private long _elided; // Entries that were sent so.

    private static void ElisionPlanned(WorldNode node, ReplicaEngine engine, in ReplicaOutput wanted, long nowMs)
    {
        var walk = new ElisionWalk(wanted.Index, wanted.Through, new WorldElision());
        while (!walk.IsOver && walk.Next > node.JournalBase && walk.Next <= node.JournalLast)
        {
            var entry = node.Journal[(int)(walk.Next.Value - node.JournalBase.Value - 1)];
            walk.Take(entry.Header, entry.Meta.Span, entry.DataLength, entry.IsElided);
        }

        engine.ElisionPlanned(wanted.Ticket, wanted.Peer, walk.HasAny ? walk.Finish() : null, nowMs);
    }

    /// <summary>A write makes all of its object.</summary>
    private sealed class WorldElision : IElision
    {
        private readonly HashSet<uint> _written = [];

        public Overwritten Take(
            in EntryHeader header, ReadOnlySpan<byte> meta, int dataLength, Span<byte> blocks) =>
            header.Kind == EntryKind.Operation && meta[0] == (byte)HistoryKind.Write
            && !_written.Add(BinaryPrimitives.ReadUInt32LittleEndian(meta[1..]))
                ? Overwritten.All : Overwritten.Nothing;
    }
}
