using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Copy;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>The replica of a brick on its real journal, store and peers.</summary>
/// <param name="seams">Its scheduler is the replica's.</param>
/// <param name="machine">What stands above the replica: a <see cref="JournalMember"/>, or that of a witness.</param>
/// <param name="copies">The store as it is copied to and from the other members.</param>
/// <param name="transport">To and from the other members.</param>
/// <param name="store">The state store of the cluster; asked for at the start.</param>
/// <param name="tell">Hears what administrators should; null where nobody listens.</param>
internal sealed partial class ReplicaRun(
    TranslatorPlace place, Seams seams, JournalBrickOptions options, IReplicaMachine machine, IStoreCopies copies,
    PeerTransport transport, Func<IStateStore?> store, Action<Seams, AdministratorNews>? tell) : IReplicaRun
{
    private const int StopWaitMs = 10_000;
    private const int ReportWaitMs = 1_000;

    /// <summary>
    /// How long a follower lets a leader read without asking: an election after a crash waits for it, and every beat
    /// renews it.
    /// </summary>
    private const long GrantMs = 600;

    private Replica? _replica;

    /// <summary>Null for a witness.</summary>
    private JournalMember? Member => machine as JournalMember;

    public void BoundSyncs(int ms, long bytes) => _replica?.BoundSyncs(ms, bytes);

    public void BoundCopies(long bytesPerSecond) => _replica?.BoundCopies(bytesPerSecond);

    public void RelayFrom(long bytes) => _replica?.RelayFrom(bytes);

    public void Start()
    {
        var (ms, bytes) = JournalBrickOptions.SyncBounds(place.Options);
        var setup = new ReplicaSetup
        {
            Self = options.Member,
            StorePrefix = options.StorePrefix,
            Incarnation = options.Incarnation,
            Seams = seams,
            Store = store() ?? throw new GraphException(
                $"volume {place.Name}: this process does not know the state store of the cluster. Stop it, and the "
                + "daemon starts it again with what it needs"),
            Journal = JournalFor(options.Directory, seams.Disk!), // A brick has one.
            StoreDirectory = options.StoreDirectory,
            Transport = transport,
            Machine = machine,
            IsWitness = options.IsWitness,
            Copies = copies,
            News = Tell,
            MachineBoot = MachineBoot(seams.Disk!),
            CopyBytesPerSecond = JournalBrickOptions.CopyRateOf(place.Options),
            Options = new ReplicaOptions
            {
                ReadLease = options.ReadsByLease,
                GrantMs = GrantMs,
                RelayBytesMin = JournalBrickOptions.RelaySizeOf(place.Options),
                OutcomeOf = JournalMember.OutcomeOf,
                CostOf = OperationRoom.CostOf,
            },
        };
        var error = Replica.Open(setup, out var replica, out var problem);
        if (error != Errno.Ok)
        {
            throw new GraphException(error == Errno.ENOENT
                ? $"volume {place.Name}: there is no journal in {options.Directory}. A brick without it must not take "
                    + "part: it may lack what it has acknowledged"
                : $"volume {place.Name}: {problem} ({error})");
        }

        _replica = replica;
        replica!.BoundSyncs(ms, bytes);
        transport.Begin(replica!); // Opened.
        Member?.Start(replica!);
        (copies as StoreCopies)?.Start();
        replica!.Prefer(options.Preferred, options.ReturnMs);
        replica.Start();
    }

    public void Stop()
    {
        if (Interlocked.Exchange(ref _replica, null) is not { } replica)
        {
            return;
        }

        transport.End();
        Member?.Stop();
        (copies as StoreCopies)?.Stop();
        var closed = new ManualResetEventSlim(); // Not disposed: the answer may come after all.
        replica.Stop(error =>
        {
            Log.Debug("journal", "replica stopped", ("set", options.StorePrefix), ("error", error));
            closed.Set();
        });
        SerialScheduler.RunDue(); // What this loop has to do for it, if it is one: it is about to wait.
        if (place.Seams.Scheduler.IsCurrentThread || seams.Scheduler.IsCurrentThread || !closed.Wait(StopWaitMs))
        {
            Log.Warning("journal", "the journal is not closed yet", ("directory", options.Directory));
        }
    }

    public async Task<ReplicaReport> ReportAsync()
    {
        if (_replica is not { } replica)
        {
            return NewReport("failed", "recovering") with { Problem = "the replica does not run" };
        }

        return await AskAsync(replica, Report);
    }

    public void DumpState(StateDump dump)
    {
        dump.Put("messages.lost-out", transport.LostOut);
        dump.Put("messages.lost-in", transport.LostIn);
        dump.Put("messages.bytes-in", transport.ReceivedBytes);
        dump.Put("messages.relayed", transport.Relayed);
        var report = ReportAsync();
        SerialScheduler.RunDue(); // As at the end.
        if (!report.Wait(ReportWaitMs))
        {
            return; // The loop is busy: the rest of the dump is worth more than these lines.
        }

        dump.Put("role", report.Result.Role);
        dump.Put("status", report.Result.Status);
        dump.Put("term", report.Result.Term);
        dump.Put("commit", report.Result.Commit);
        dump.Put("last", report.Result.Last);
        dump.Put("durable", report.Result.Durable);
        dump.Put("acknowledges", report.Result.FromMemory ? "memory" : "disk");
        dump.Put("journal.start", report.Result.JournalStart);
        if (_replica is { } replica)
        {
            dump.Put("needs-copy", replica.NeedsCopy);
            dump.Put("copy.sending", replica.Sending);
            dump.Put("copy.receiving", replica.Receiving);
        }
    }

    /// <summary>What the kernel calls this boot; 0 where it says nothing.</summary>
    private static UInt128 MachineBoot(IDisk disk)
    {
        Span<byte> text = stackalloc byte[36];
        if (disk.Open("/proc/sys/kernel/random/boot_id", DiskOpen.Read, out var file) != Errno.Ok)
        {
            return 0;
        }

        using (file)
        {
            return file!.ReadFully(0, text, out var count) == Errno.Ok && count == text.Length // Opened.
                && Gfid.TryParse(text, out var boot) ? new UInt128(boot.High, boot.Low) : 0;
        }
    }

    /// <summary>On the replica's scheduler.</summary>
    private ReplicaReport Report(Replica replica)
    {
        var role = replica.Role switch
        {
            ReplicaRole.Active => "leader",
            ReplicaRole.Candidate => "candidate",
            ReplicaRole.Failed => "failed",
            _ => "follower",
        };
        return NewReport(role, replica.Status.ToString().ToLowerInvariant()) with
        {
            IsWitness = options.IsWitness,
            IsServing = Member is { } serving && serving.ServingTerm != Term.None,
            Term = replica.Term.Value,
            Leader = replica.Leader?.Value,
            Commit = replica.Commit.Value,
            Applied = machine.AppliedIndex.Value,
            Durable = replica.Durable.Value,
            FromMemory = replica.AnswersFromMemory,
            JournalStart = replica.JournalStart.Value,
            RetainedBytes = replica.JournalSpace.UsedBytes,
            JournalBytes = replica.JournalSpace.CapacityBytes,
            JournalEntries = replica.JournalMetrics.Entries,
            JournalBatches = replica.JournalMetrics.Batches,
            JournalPayloadBytes = replica.JournalMetrics.PayloadBytes,
            JournalWrittenBytes = replica.JournalMetrics.WrittenBytes + replica.JournalMetrics.ZeroedBytes,
            JournalSharedBytes = replica.JournalMetrics.SharedBytes,
            ReceivedBytes = transport.ReceivedBytes,
            ElidedEntries = replica.Elided.Entries,
            ElidedBytes = replica.Elided.Bytes,
            Preferred = replica.Preferred?.Value,
            InStep = NumbersOf(replica.InStep),
            Last = replica.Last.Value,
            InSync = NumbersOf(replica.InSync),
            Peers = [.. replica.Peers.Select(p => new ReplicaPeerReport(
                p.Member.Value, p.Durable.Value, replica.Last.Value - Math.Min(p.Durable.Value, replica.Last.Value),
                p.SilentMs))],
            NeedsCopy = replica.NeedsCopy,
            Receiving = ToReport(replica.Receiving),
            Sending = ToReport(replica.Sending),
            Problem = Member is { Failure: not Errno.Ok and var failure }
                ? $"a committed operation cannot be applied to the files: {failure}"
                : replica.IsStalled ? "the disk of the brick does not answer: it takes no part until it does"
                : replica.IsOutOfRoom ? "the disk of the brick is full: it lacks what was committed since. "
                    + "Free room on it outside of the volume, or enlarge it"
                : replica.IsShortOfRoom ? "the disk of the brick has no room beyond its reserve: the volume refuses "
                    + "what needs room (ENOSPC). Delete something, or enlarge the disk"
                : replica.Role == ReplicaRole.Failed ? $"the journal in {options.Directory} failed; see the brick's log"
                : null,
        };
    }

    private static JournalOptions JournalFor(string directory, IDisk disk) =>
        disk.GetSpace(directory, out var space) == Errno.Ok
            ? JournalOptions.For(directory, space) : new JournalOptions { Path = directory };

    private static ReplicaCopyReport? ToReport(CopyProgress? progress) => progress is not { } copy ? null
        : new ReplicaCopyReport(copy.Peer.Value, copy.Done.Inodes, copy.All.Inodes, copy.Done.Bytes, copy.All.Bytes);

    private static List<int> NumbersOf(MemberSet members)
    {
        var numbers = new List<int>();
        foreach (var member in members)
        {
            numbers.Add(member.Value);
        }

        return numbers;
    }

    private ReplicaReport NewReport(string role, string status) => new()
    {
        ReplicaSet = options.Id.ToString(),
        Member = options.Member.Value,
        Role = role,
        Status = status,
    };
}
