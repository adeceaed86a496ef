using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication.Copy;
using Myrmex.Replication.Engine;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>Goal: a copy reads and sends no faster than it may, also where it only compares; and the bound can be moved meanwhile.</summary>
public sealed class CopyPaceTests
{
    private const int Rate = 10 << 20;

    [Theory]
    [InlineData(1 << 20, 100)] // Most is only compared.
    [InlineData(0, 1 << 20)] // All is sent.
    [InlineData(1 << 20, 1 << 20)] // What was read to be sent counts once.
    public void ReadingIsPaidFor(int read, int sent)
    {
        var bed = new Bed { CopyBytesPerSecond = Rate };
        bed.Source.Begin(read, sent);
        bed.RunMs(10_000);
        Assert.InRange(bed.Source.Reads * (long)Math.Max(read, sent), 9L * Rate, 11L * Rate);
    }

    [Fact]
    public void TheBoundMovesWhileACopyIsUnderWay()
    {
        var bed = new Bed { CopyBytesPerSecond = Rate };
        bed.Source.Begin(read: 1 << 20, sent: 100);
        bed.RunMs(2_000);
        var before = bed.Source.Reads;
        bed.CopyBytesPerSecond = 4 * Rate;
        bed.RunMs(2_000);
        Assert.InRange(bed.Source.Reads - before, 3 * before, 5 * before);
        before = bed.Source.Reads;
        bed.CopyBytesPerSecond = 0;
        bed.RunMs(100);
        Assert.InRange(bed.Source.Reads - before, 10, 10 + CopyLimits.Window); // As often as the receiver asks.
    }

    [Fact]
    public void WhatIsSentAgainIsPaidForAgain()
    {
        var bed = new Bed { CopyBytesPerSecond = Rate };
        bed.Source.Begin(read: 0, sent: 1 << 20);
        bed.Ask(next: 0);
        bed.RunMs(1_000, asks: false);
        var sent = bed.Sent.Count;
        for (var i = 0; i < 100; i++)
        {
            bed.Ask(next: 0, isAgain: true);
            bed.RunMs(10, asks: false);
        }

        Assert.InRange(bed.Sent.Count - sent, 5, 13); // One second.
    }

    /// <summary>A sender whose receiver takes everything at once, and asks every 10 ms.</summary>
    private sealed class Bed : ICopyHost
    {
        private readonly CopySender _sender;

        public Bed() => _sender = new CopySender(this, new MemberId(2), copy: 1, Source);

        public StoreSource Source { get; } = new();

        public List<ReplicaMessage.CopyPiece> Sent { get; } = [];

        public ReplicaSetup Setup { get; } = new()
        {
            Self = new MemberId(1),
            StorePrefix = "set/",
            Seams = null!,
            Store = null!,
            Journal = null!,
            Transport = null!,
            Machine = null!,
        };

        public long NowMs { get; private set; } = 1_000;

        public long CopyBytesPerSecond { get; set; }

        public MessageOrigin Origin => default;

        public JournalIndex Durable => JournalIndex.None;

        public void Send(MemberId to, ReplicaMessage message) => Sent.Add(Assert.IsType<ReplicaMessage.CopyPiece>(message));

        public void Post(Action work) => work();

        public CheckpointFile? TakePosition() => null;

        public void ReadJournal(
            JournalIndex previous, JournalIndex through, int bytesMax, Action<Errno, List<JournalEntry>> done) => Assert.Fail("not asked for");

        public void RunMs(int ms, bool asks = true)
        {
            for (var end = NowMs + ms; NowMs < end;)
            {
                NowMs += 10;
                _sender.Pump();
                if (asks)
                {
                    Ask(Sent.Count == 0 ? 0 : Sent.Max(p => p.Number) + 1);
                }
            }
        }

        public void Ask(ulong next, bool isAgain = false) => _sender.OnRequest(new ReplicaMessage.CopyRequest
        {
            From = default,
            Copy = 1,
            Next = next,
            Window = 1,
            IsAgain = isAgain,
        });
    }

    private sealed class StoreSource : IStoreCopySource
    {
        private int _read;
        private int _sent;

        public int Reads { get; private set; }

        public JournalIndex Start => JournalIndex.None;

        public CopyCount Done => default;

        public CopyCount All => default;

        public long ReadBytes { get; private set; }

        public void Begin(int read, int sent) => (_read, _sent) = (read, sent);

        public void Want(IReadOnlyList<ReadOnlyMemory<byte>> wants) => Assert.Empty(wants);

        public void Read(int bytesMax, Action<Errno, IReadOnlyList<CopyItem>> done)
        {
            Reads++;
            ReadBytes += _read;
            done(Errno.Ok, [new CopyItem(new byte[_sent], default)]);
        }

        public bool Review(IReadOnlyList<JournalEntry> entries, bool isLast) => false;

        public void Close()
        {
        }
    }
}
