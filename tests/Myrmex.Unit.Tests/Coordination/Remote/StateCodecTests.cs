using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Runtime.Simulation;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination.Remote;

/// <summary>
/// The bytes of the state store's program. What is read back is what was written, and damaged bytes are either refused
/// or something that can be written again: they never throw.
/// </summary>
public sealed class StateCodecTests
{
    private delegate byte[]? Reader(byte[] bytes);

    /// <summary>A transaction with one of everything.</summary>
    internal static StateTransaction Sample { get; } = new(
        [
            Condition.Missing("a"), Condition.HasValue("b", new byte[] { 1, 2, 3 }),
            Condition.Unchanged("c", new Revision(long.MaxValue)),
        ],
        [
            new Operation.Put("d", new byte[] { 0, 255 }, new LeaseId(-5)), Operation.DeleteKey("e"),
            new Operation.Get(KeyRange.All, Limit: 7),
        ],
        [new Operation.Delete(KeyRange.Prefix("f~"))]);

    private static WatchBatch Batch { get; } = new(
        new Revision(9),
        [
            new StateChange(ChangeKind.Put, Entry("x", 3)),
            new StateChange(ChangeKind.Delete, Entry("y", 0)),
        ]);

    [Fact]
    public void WhatIsReadIsWhatWasWritten()
    {
        var transaction = Read(Written(w => StateCodec.Write(w, Sample)), StateCodec.ReadTransaction)!;
        Assert.Equal(Sample.Conditions.Select(Text), transaction.Conditions.Select(Text));
        Assert.Equal(Sample.Then.Select(Text), transaction.Then.Select(Text));
        Assert.Equal(Sample.Else.Select(Text), transaction.Else.Select(Text));
        Assert.All(Samples(), s => Assert.Equal(s.Bytes, s.Reader(s.Bytes)));
    }

    [Fact]
    public void DamagedBytesNeverThrow()
    {
        var samples = Samples();
        for (var seed = 1UL; seed <= 20_000; seed++)
        {
            var random = new SimRandom(seed);
            var (bytes, reader) = samples[(int)(seed % (ulong)samples.Count)];
            var damaged = Damage(random, bytes);
            if (reader(damaged) is { } again)
            {
                Assert.Equal(again, reader(again)); // A value like any other.
            }
        }

    }

    private static StateEntry Entry(string key, int bytes) =>
        new(key, new byte[bytes], new Revision(1), new Revision(2), Version: 3, new LeaseId(4));

    private static byte[] Damage(SimRandom random, byte[] bytes)
    {
        var damaged = (byte[])bytes.Clone();
        for (var i = random.Below(4); i >= 0; i--)
        {
            damaged[random.Below(damaged.Length)] = (byte)(random.Chance(0.5) ? random.Below(256) : 255);
        }

        return random.Chance(0.3) ? damaged[..random.Below(damaged.Length)] : damaged;
    }

    private static List<(byte[] Bytes, Reader Reader)> Samples()
    {
        var result = new TransactionResult(
            true, new Revision(5), [new OperationResult([Entry("k", 5)], 0, true), new OperationResult([], 3, false)]);
        return
        [
            (Written(w => StateCodec.Write(w, Sample)),
                b => Again(Read(b, StateCodec.ReadTransaction), StateCodec.Write)),
            (Written(w => StateCodec.Write(w, result)), b => Again(Read(b, StateCodec.ReadResult), StateCodec.Write)),
            (Written(w => StateCodec.Write(w, Batch)), b => Again(Read(b, StateCodec.ReadBatch), StateCodec.Write)),
        ];
    }

    private static byte[]? Again<T>(T? value, Action<RecordWriter, T> write)
        where T : class => value is null ? null : Written(w => write(w, value));

    private static T? Read<T>(byte[] bytes, AnswerReader<T> read)
        where T : class
    {
        var record = Payload.CopyOf(bytes);
        try
        {
            var reader = new XdrReader(record);
            return read(ref reader);
        }
        finally
        {
            record.Release();
        }
    }

    private static byte[] Written(Action<RecordWriter> write)
    {
        var writer = new RecordWriter();
        write(writer);
        return writer.Written.ToArray();
    }

    private static string Text(Condition c) =>
        $"{c.Key} {c.Target} {c.Operator} {c.Number} {Convert.ToHexString(c.Value.Span)}";

    private static string Text(Operation operation) => operation switch
    {
        Operation.Put put => $"{put.Key} {Convert.ToHexString(put.Value.Span)} {put.Lease.Value}",
        _ => operation.ToString(),
    };
}
