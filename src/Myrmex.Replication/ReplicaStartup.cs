using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;
using Superblock = Myrmex.Replication.Engine.Superblock;

namespace Myrmex.Replication;

/// <summary>From what is on the disk to what an engine starts from.</summary>
internal static class ReplicaStartup
{
    private const int EntriesPerRead = 1024;
    private const long BytesPerRead = 16 << 20;

    public static Errno Read(
        IDisk disk, ReplicaSetup setup, ReplicaJournal journal, out ReplicaStart? start, out CheckpointFile checkpoint,
        out string problem)
    {
        start = null;
        problem = string.Empty;
        var error = CheckpointFile.Load(disk, setup.Journal.Path, out checkpoint);
        var isLost = error is Errno.EUCLEAN or Errno.EIO
            || (error is Errno.Ok or Errno.ENOENT && checkpoint.Index < journal.State.Checkpoint);
        error = isLost ? ReplaceCheckpoint(disk, setup, journal, error, out checkpoint)
            : error == Errno.ENOENT ? Errno.Ok : error;
        if (error != Errno.Ok)
        {
            problem = $"the checkpoint in {setup.Journal.Path} is damaged or older than the journal, or cannot be "
                + $"read: {error}. The brick cannot take part with it. Bring the file back, or replace the brick";
            return error;
        }

        error = FinishInstall(journal, checkpoint);
        if (error != Errno.Ok)
        {
            problem = $"the journal in {setup.Journal.Path} does not go on from the checkpoint beside it: {error}. "
                + "Replace the brick: the new one is copied from the others";
            return error;
        }

        var log = new ReplicaLog(checkpoint.Index, checkpoint.Term, checkpoint.Chain, setup.Options.CostOf);
        var isWhole = ReadEntries(journal, log) && !journal.Report.EndIsInDoubt;
        if (!isWhole && setup.Copies is not null && !checkpoint.IsCopying && !setup.IsWitness)
        {
            error = MarkStoreUnknown(disk, setup, journal, ref checkpoint);
            if (error != Errno.Ok)
            {
                problem = $"the journal in {setup.Journal.Path} is damaged, and that cannot be written down: {error}";
                return error;
            }
        }

        error = isWhole && journal.Last == log.Last ? Errno.Ok : GiveUpRest(journal, log, isWhole);
        if (error != Errno.Ok)
        {
            problem = $"the journal in {setup.Journal.Path} cannot be cut back to what is readable: {error}";
            return error;
        }

        start = new ReplicaStart
        {
            Self = setup.Self,
            Superblock = new Superblock(
                journal.State.Promised, journal.State.Status, (ulong)journal.State.Incarnation,
                    journal.State.BootCount),
            StorePrefix = setup.StorePrefix,
            Options = setup.Options,
            Log = log,
            JournalStart = journal.First,
            Checkpoint = checkpoint.Index,
            ElidedThrough = checkpoint.ElidedThrough,
            Sessions = checkpoint.Sessions,
            MayHaveLostEntries = !isWhole || isLost || MayHaveLostMemory(journal, setup),
            HasUsedMemory = journal.State.FromMemory,
            IsStoreAhead = journal.State.StoreAhead != Term.None,
            NeedsCopy = checkpoint.IsCopying,
            IsWitness = setup.IsWitness,
            Mutations = setup.Mutations,
            NowMs = setup.Seams.Clock.BootNs / 1_000_000,
        };
        return Errno.Ok;
    }

    /// <summary>
    /// The main store may have what the unreadable entries did. They would come again one by one, and not as a replay
    /// that is known as a whole before it begins: over a store that is ahead of them that may destroy what later ones
    /// need. So the store counts as one that is being overwritten.
    /// </summary>
    private static Errno MarkStoreUnknown(
        IDisk disk, ReplicaSetup setup, ReplicaJournal journal, ref CheckpointFile checkpoint)
    {
        checkpoint = checkpoint with { IsCopying = true };
        var error = journal.SaveState(state => state with { Status = MemberStatus.Syncing });
        return error == Errno.Ok ? checkpoint.Save(disk, setup.Journal.Path) : error;
    }

    /// <summary>
    /// Without a checkpoint nobody knows what the main store holds, nor which sessions there were. It counts as a store
    /// that is being overwritten: the replica counts for nothing, which is on disk first, until it has a copy. What
    /// was there is kept beside it, for people.
    /// </summary>
    /// <param name="found">What reading it said.</param>
    private static Errno ReplaceCheckpoint(
        IDisk disk, ReplicaSetup setup, ReplicaJournal journal, Errno found, out CheckpointFile checkpoint)
    {
        checkpoint = CheckpointFile.Empty;
        if (setup.Copies is null)
        {
            return found is Errno.Ok or Errno.ENOENT ? Errno.EUCLEAN : found;
        }

        var at = journal.State.Checkpoint;
        checkpoint = journal.TryGetHeader(at, out var header)
            ? new CheckpointFile(at, header.Term, header.Chain, [], IsCopying: true)
            : new CheckpointFile(at, Term.None, default, [], IsCopying: true);
        var error = journal.SaveState(state => state with { Status = MemberStatus.Syncing });
        error = error == Errno.Ok ? CheckpointFile.KeepDamaged(disk, setup.Journal.Path) : error;
        return error == Errno.Ok ? checkpoint.Save(disk, setup.Journal.Path) : error;
    }

    /// <summary>
    /// Entries that were written and acknowledged may be gone: they were in the memory of a machine that is not up any
    /// more. What a process has written survives it.
    /// </summary>
    public static bool MayHaveLostMemory(ReplicaJournal journal, ReplicaSetup setup) =>
        journal.State.FromMemory && !journal.Report.WasClean
        && (setup.MachineBoot == 0 || journal.State.MachineBoot != setup.MachineBoot);

    /// <summary>
    /// A checkpoint of a copy that was installed, and the journal from before it: the end came in between, and the
    /// journal is given up now. A journal that counts and does not fit is damage.
    /// </summary>
    private static Errno FinishInstall(ReplicaJournal journal, CheckpointFile checkpoint)
    {
        var fits = checkpoint.Index == JournalIndex.None
            || (checkpoint.Index <= journal.Last && (!journal.TryGetHeader(checkpoint.Index, out var header)
                || header.Chain == checkpoint.Chain));
        return fits ? Errno.Ok
            : journal.State.Status != MemberStatus.Voter
                ? journal.Reset(checkpoint.Index, checkpoint.Term, checkpoint.Chain)
            : checkpoint.Index <= journal.Last ? Errno.EUCLEAN
            : Errno.Ok;
    }

    /// <summary>False when an entry that was there cannot be read.</summary>
    private static bool ReadEntries(ReplicaJournal journal, ReplicaLog log)
    {
        var entries = new List<JournalEntry>();
        var error = Errno.Ok;
        while (error == Errno.Ok && log.Last < journal.Last)
        {
            var fits = true;
            entries.Clear();
            error = journal.ReadRange(new JournalIndex(log.Last.Value + 1), EntriesPerRead, BytesPerRead, entries);
            foreach (var entry in entries)
            {
                // After one that does not fit, the others are not looked at: none of them can fit.
                if (fits && (fits = EntryChain.Matches(log.LastChain, entry)))
                {
                    log.Append(entry);
                }

                entry.Data.Release();
            }

            error = error == Errno.Ok && !fits ? Errno.EUCLEAN : error;
        }

        return error == Errno.Ok;
    }

    /// <summary>
    /// The journal goes on after the last entry that can be read. What was lost may have been acknowledged, so the
    /// replica must not count before a leader has told it what to hold: that is on disk before the rest is given up.
    /// </summary>
    private static Errno GiveUpRest(ReplicaJournal journal, ReplicaLog log, bool isWhole)
    {
        if (!isWhole && journal.State.Status == MemberStatus.Voter)
        {
            var error = journal.SaveState(state => state with { Status = MemberStatus.Recovering });
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return log.Last >= journal.Last ? Errno.Ok : journal.CutFrom(new JournalIndex(log.Last.Value + 1));
    }
}
