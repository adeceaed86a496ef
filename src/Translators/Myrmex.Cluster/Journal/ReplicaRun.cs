using System;
using System.Threading;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Replication;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>The replica of a brick on its real journal, store and peers.</summary>
/// <param name="copies">The store as it is copied to and from the other members.</param>
/// <param name="transport">To and from the other members.</param>
/// <param name="store">The state store of the cluster; asked for at the start.</param>
internal sealed class ReplicaRun(
    TranslatorPlace place, JournalBrickOptions options, JournalMember member, StoreCopies copies,
    PeerTransport transport, Func<IStateStore> store) : IReplicaRun
{
    private const int StopWaitMs = 10_000;
    private const int ReportWaitMs = 1_000;

    private Replica? _replica;

    public void Start()
    {
        var setup = new ReplicaSetup
        {
            Self = options.Member,
            StorePrefix = options.StorePrefix,
            Seams = place.Seams,
            Store = store(),
            Journal = new JournalOptions { Path = options.Directory },
            Transport = transport,
            Machine = member,
            Copies = copies,
            Options = new ReplicaOptions { ReadLease = options.ReadsByLease, OutcomeOf = JournalMember.OutcomeOf },
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
        transport.Begin(replica!); // Opened.
        member.Start(replica!);
        copies.Start();
        replica!.Start();
    }

    public void Stop()
    {
        if (Interlocked.Exchange(ref _replica, null) is not { } replica)
        {
            return;
        }

        transport.End();
        member.Stop();
        copies.Stop();
        using var closed = new ManualResetEventSlim();
        replica.Stop(error =>
        {
            Log.Debug("journal", "replica stopped", ("set", options.StorePrefix), ("error", error));
            closed.Set();
        });
        if (place.Seams.Scheduler.IsCurrentThread || !closed.Wait(StopWaitMs))
        {
            Log.Warning("journal", "the journal is not closed yet", ("directory", options.Directory));
        }
    }

    public void DumpState(StateDump dump)
    {
        if (_replica is not { } replica)
        {
            return;
        }

        using var done = new ManualResetEventSlim();
        var isWaited = 1;
        place.Seams.Scheduler.Post(() =>
        {
            // Who asks has left when the scheduler comes to it late.
            if (Interlocked.Exchange(ref isWaited, 0) == 1)
            {
                Dump(dump, replica);
                done.Set();
            }
        });
        if (!done.Wait(ReportWaitMs) && Interlocked.Exchange(ref isWaited, 0) == 0)
        {
            done.Wait();
        }
    }

    private void Dump(StateDump dump, Replica replica)
    {
        dump.Put("role", replica.Role);
        dump.Put("status", replica.Status);
        dump.Put("term", replica.Term);
        dump.Put("commit", replica.Commit);
        dump.Put("last", replica.Last);
        dump.Put("durable", replica.Durable);
        dump.Put("journal.start", replica.JournalStart);
        dump.Put("needs-copy", replica.NeedsCopy);
        dump.Put("copy.sending", replica.Sending);
        dump.Put("copy.receiving", replica.Receiving);
        dump.Put("messages.lost-out", transport.LostOut);
        dump.Put("messages.lost-in", transport.LostIn);
    }
}
