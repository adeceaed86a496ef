using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication;

/// <summary>
/// How a main store is read for another member while it goes on changing, and made from what another member has read.
/// Everything is called on the replica's scheduler and must not block; what calls back may do so from any thread.
/// </summary>
public interface IStoreCopies
{
    /// <summary>Begins to read the store; null while it does not hold a state that can be copied.</summary>
    IStoreCopySource? Open();

    /// <summary>
    /// Begins to make the store anew, of what it has. The first thing to happen is that nothing else changes it any
    /// more: committed entries that are not applied stay so.
    /// </summary>
    IStoreCopyTarget Receive(Action<Errno> ready);
}

/// <summary>An operation that makes a part of a store. Who gets it releases its data.</summary>
/// <param name="Meta">In the form of the meta part of an entry.</param>
public readonly record struct CopyItem(ReadOnlyMemory<byte> Meta, Payload Data);

/// <summary>A store that is being read.</summary>
public interface IStoreCopySource
{
    /// <summary>Everything up to here is in what is read; of what was committed later, any part may be.</summary>
    JournalIndex Start { get; }

    /// <summary>What was read so far.</summary>
    CopyCount Done { get; }

    /// <summary>About how much there is; 0 when that is not known.</summary>
    CopyCount All { get; }

    /// <summary>Bytes that were read of its disk so far, to be compared or sent. Any thread.</summary>
    long ReadBytes { get; }

    /// <summary>
    /// The target lacks something that it was told of: it is read next. In the form of the two stores.
    /// </summary>
    void Want(IReadOnlyList<ReadOnlyMemory<byte>> wants);

    /// <summary>
    /// Reads on. No items without an error: everything was read, with all that was wanted before the call.
    /// </summary>
    /// <param name="bytesMax">About how many bytes of items; one may be larger.</param>
    void Read(int bytesMax, Action<Errno, IReadOnlyList<CopyItem>> done);

    /// <summary>
    /// Everything was read. These entries were committed since <see cref="Start"/>, or since the last call; the last
    /// call of a round says so. What they have moved may have been missed.
    /// </summary>
    /// <returns>At the end of a round: there is more to be read because of them.</returns>
    bool Review(IReadOnlyList<JournalEntry> entries, bool isLast);

    /// <summary>Ends the reading, complete or not.</summary>
    void Close();
}

/// <summary>A store that is being made.</summary>
public interface IStoreCopyTarget
{
    /// <summary>Applies items of a source, in the order they were read. Borrowed until it calls back.</summary>
    void Take(IReadOnlyList<JournalEntry> items, Action<Errno> done);

    /// <summary>
    /// What was found lacking by the items that were taken, since the last call. Only while nothing is being taken.
    /// </summary>
    IReadOnlyList<ReadOnlyMemory<byte>> TakeWants();

    /// <summary>
    /// After all items: applies the entries that were committed while they were read. Borrowed until it calls back.
    /// </summary>
    void Replay(IReadOnlyList<JournalEntry> entries, Action<Errno> done);

    /// <summary>The store is whole: brings it to disk.</summary>
    void Finish(Action<Errno> done);

    /// <summary>
    /// The replica goes on after this entry, and the store holds exactly everything up to it: committed entries are
    /// applied again.
    /// </summary>
    /// <param name="index">Which.</param>
    /// <param name="elidedThrough">See <see cref="ReplicaEngine.ElidedThrough"/>: as of the source.</param>
    void Installed(JournalIndex index, JournalIndex elidedThrough);

    /// <summary>Ends the copy as it is. Nothing is applied to the store until another copy is installed.</summary>
    void Abandon();
}
