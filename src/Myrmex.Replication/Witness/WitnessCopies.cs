using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication;

/// <summary>
/// The copy that a witness takes: no files, only the place in the journal and what the engine keeps beside it. It
/// gives none.
/// </summary>
public sealed class WitnessCopies(WitnessMachine machine) : IStoreCopies
{
    public IStoreCopySource? Open() => null;

    public IStoreCopyTarget Receive(Action<Errno> ready)
    {
        ready(Errno.Ok);
        return new Target(machine);
    }

    private sealed class Target(WitnessMachine machine) : IStoreCopyTarget
    {
        public void Take(IReadOnlyList<JournalEntry> items, Action<Errno> done) => done(Errno.Ok);

        public IReadOnlyList<ReadOnlyMemory<byte>> TakeWants() => [];

        public void Replay(IReadOnlyList<JournalEntry> entries, Action<Errno> done) => done(Errno.Ok);

        public void Finish(Action<Errno> done) => done(Errno.Ok);

        public void Installed(JournalIndex index, JournalIndex elidedThrough) => machine.GoOnAfter(index);

        public void Abandon()
        {
        }
    }
}

/// <summary>What a witness gets of a store: nothing.</summary>
/// <param name="start">What was committed when the copy was offered.</param>
internal sealed class WitnessCopySource(JournalIndex start) : IStoreCopySource
{
    public JournalIndex Start => start;

    public CopyCount Done => default;

    public CopyCount All => default;

    public long ReadBytes => 0;

    public void Want(IReadOnlyList<ReadOnlyMemory<byte>> wants)
    {
    }

    public void Read(int bytesMax, Action<Errno, IReadOnlyList<CopyItem>> done) => done(Errno.Ok, []);

    public bool Review(IReadOnlyList<JournalEntry> entries, bool isLast) => false;

    public void Close()
    {
    }
}
