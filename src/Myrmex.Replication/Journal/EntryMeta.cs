namespace Myrmex.Replication.Journal;

/// <summary>What a journal has of an entry beside its data.</summary>
/// <param name="DataLength">Bytes of data, whether they are there or not.</param>
public readonly record struct EntryMeta(EntryHeader Header, byte[] Meta, int DataLength, bool IsElided);
