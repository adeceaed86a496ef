using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Leases;

/// <summary>What features/leases knows, and what makes its table go on: time, holders that are told, a log.</summary>
internal sealed class LeaseState
{
    private readonly TranslatorPlace _place;
    private bool _isOn;

    public LeaseState(TranslatorPlace place)
    {
        _place = place;
        Log = LogBelow(place.Subvolumes);
        Table = new LeaseTable(Log, CarryOut);
    }

    /// <summary>Keeps the leases; null when they end with connections.</summary>
    public ILeaseLog? Log { get; }

    public LeaseTable Table { get; }

    /// <summary>Tells a client to give a lease back.</summary>
    public Action<ClientIdentity?, Gfid, LeaseUser>? Tell { get; set; }

    public int Slot => _place.Slot;

    public long NowMs => _place.Seams.Clock.MonotonicNs / 1_000_000;

    public bool IsOn => Volatile.Read(ref _isOn);

    /// <summary>Leases count here: they are on, and this server decides.</summary>
    public bool Decides => IsOn && Log is null or { LeaseTerm: not 0 };

    /// <summary>features/cache-leases may stand in between.</summary>
    private static ILeaseLog? LogBelow(IReadOnlyList<Translator> below)
    {
        while (below.Count > 0)
        {
            if (below[0] is ILeaseLog log)
            {
                return log;
            }

            below = below[0].Subvolumes;
        }

        return null;
    }

    public void Switch(bool isOn)
    {
        Volatile.Write(ref _isOn, isOn);
        if (!isOn)
        {
            Table.Clear(NowMs);
        }
    }

    /// <summary>Who opens a file, or asks for a lease.</summary>
    public LeaseUser UserOf(Gfid id, ClientIdentity? client, XData? xdata)
    {
        var name = LockSession.Of(xdata);
        var session = Log?.SessionOf(xdata) ?? (name.IsNone ? (ulong)(client?.Number ?? 0) : name.Id);
        return new LeaseUser(id, session, client) { IsNamed = !name.IsNone, Epoch = name.Epoch };
    }

    public void ClientGone(ClientIdentity client)
    {
        Table.ClientGone(client, (ulong)client.Number, NowMs);
        LookForLeft();
    }

    /// <summary>A file is closed.</summary>
    public void Close(Gfid gfid, Fd fd, LeaseFate fate)
    {
        Table.Close(gfid, fd, fate, NowMs);
        LookForLeft();
    }

    /// <summary>
    /// A proxy says that a client has left it: its lease ends, or is kept for a while for one that may come back.
    /// </summary>
    public void GiveUp(Gfid gfid, LeaseUser user, bool mayReturn)
    {
        Table.GiveUp(gfid, in user, mayReturn ? LeaseFate.IsLeft : LeaseFate.Ends, NowMs);
        LookForLeft();
    }

    /// <summary>What was left behind ends when nobody comes for it.</summary>
    private void LookForLeft()
    {
        if (Log is null && Table.TakeLeft())
        {
            _place.Seams.Scheduler.Schedule(LeaseLimits.LeftMs + LeaseLimits.LeftSlackMs, DropLeft);
        }
    }

    private void DropLeft()
    {
        var nowMs = NowMs;
        Table.DropLeft(nowMs - LeaseLimits.LeftMs, nowMs);
    }

    /// <summary>Whether a fop may go on; see <see cref="LeaseTable.Enter"/>.</summary>
    public async ValueTask<LeaseVerdict> EnterAsync(
        Gfid gfid, LeaseUser user, LeaseClash clash, bool mayWait, bool isUse)
    {
        if (Table.Enter(gfid, in user, clash, mayWait, isUse, NowMs) is not { } wait)
        {
            return LeaseVerdict.Go;
        }

        if (Log is null || wait.Task.IsCompleted)
        {
            return await wait.Task;
        }

        LookAgain(gfid);
        using var limit = _place.Seams.Scheduler.Schedule(
            LeaseLimits.LoggedWaitMs, () => Table.Cancel(wait, LeaseVerdict.ComeAgain, NowMs));
        return await wait.Task;
    }

    /// <summary>
    /// A log may end what somebody waits for without a word; a holder that is away may be back.
    /// </summary>
    private void LookAgain(Gfid gfid)
    {
        if (Table.TryLookAgain(gfid))
        {
            _place.Seams.Scheduler.Schedule(LeaseLimits.LookAgainMs, () => OnLookAgain(gfid));
        }
    }

    private void OnLookAgain(Gfid gfid)
    {
        Table.LooksAgain(gfid);
        if (Decides && Table.Look(gfid, NowMs))
        {
            LookAgain(gfid);
        }
    }

    private void CarryOut(LeaseEffects effects)
    {
        if (effects.IsEmpty)
        {
            return;
        }

        foreach (var (gfid, held) in effects.Recalled)
        {
            Recall(gfid, held);
        }

        foreach (var (gfid, held) in effects.Over)
        {
            _ = EndAsync(gfid, held);
        }

        foreach (var (wait, verdict) in effects.Ended)
        {
            wait.End(verdict);
        }
    }

    private void Recall(Gfid gfid, HeldLease held)
    {
        List<ClientIdentity?> clients = [];
        if (Log is null)
        {
            clients.Add(held.User.Client);
        }
        else
        {
            Log.ListClients(held.User.Session, clients);
        }

        if (clients.Count == 0)
        {
            LookAgain(gfid); // It is away: it is told when it is back, or its session ends.
            return;
        }

        Table.Told(gfid, held, NowMs);
        foreach (var client in clients)
        {
            Tell!(client, gfid, held.User); // Set before the first fop.
        }

        _place.Seams.Scheduler.Schedule(Table.RecallTimeoutMs + 1, () => Table.Look(gfid, NowMs));
    }

    private async Task EndAsync(Gfid gfid, HeldLease held)
    {
        var lease = new LoggedLease(held.User.Id, held.User.Session, held.Type);
        var error = await Log!.EndLeaseAsync(gfid, lease); // Only a log is asked.
        Table.Ended(gfid, held, error == Errno.Ok, NowMs);
        if (error != Errno.Ok)
        {
            LookAgain(gfid);
        }
    }
}
