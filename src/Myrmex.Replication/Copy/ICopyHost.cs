using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;

namespace Myrmex.Replication.Copy;

/// <summary>What the two ends of a copy need of their replica. On its scheduler; calls back there.</summary>
internal interface ICopyHost
{
    ReplicaSetup Setup { get; }

    long NowMs { get; }

    /// <summary>What a copy that is sent may read of the store, and send, in a second; 0 for no limit.</summary>
    long CopyBytesPerSecond { get; }

    /// <summary>What messages of this replica say of where they come from.</summary>
    MessageOrigin Origin { get; }

    /// <summary>This replica has it on disk up to here.</summary>
    JournalIndex Durable { get; }

    void Send(MemberId to, ReplicaMessage message);

    /// <summary>Runs on the scheduler; not at all once the replica is stopped.</summary>
    void Post(Action work);

    /// <summary>The commit index with all that a replica needs to go on after it; null while it is not known.</summary>
    CheckpointFile? TakePosition();

    /// <summary>
    /// Reads entries of the journal from the one after <paramref name="previous"/> up to <paramref name="through"/>, as
    /// many as fit. Who is called owns their data; none, with an error, when they cannot be read.
    /// </summary>
    void ReadJournal(
        JournalIndex previous, JournalIndex through, int bytesMax, Action<Errno, List<JournalEntry>> done);
}
