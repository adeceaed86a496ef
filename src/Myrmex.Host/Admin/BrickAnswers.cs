using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using Myrmex.Base;
using Myrmex.Debug;
using Myrmex.Graph;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.Metrics;
using Myrmex.Protocol;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>Turns what the translators tell into the records of the answers.</summary>
internal static class BrickAnswers
{
    /// <summary>A fop's name as GlusterFS writes it.</summary>
    public static string NameOf(FopCode code) =>
        code == FopCode.CopyFileRange ? "COPY_FILE_RANGE" : code.ToString().ToUpperInvariant();

    public static BrickClients Clients(IReadOnlyList<ClientView> clients) => new(
        [.. clients.Select(c => new BrickClient(
            c.Address, c.Uid, c.User, c.ProcessName, c.OpVersion, c.ConnectedWallNs / 1_000_000_000, c.ReceivedBytes,
            c.SentBytes, c.FdCount)
        {
            FollowsDrain = c.FollowsDrain,
            IsInUse = c.IsInUse,
        })]);

    public static BrickFds Fds(IReadOnlyList<ClientView> clients) => new(
        [.. clients.Select(c => new BrickFdTable(
            c.Address, c.FdCount,
            [.. c.Fds.Select(f => new BrickFd(f.Number, f.Gfid.ToString(), f.Flags, f.IsDirectory))]))]);

    /// <summary>Most used first.</summary>
    public static IEnumerable<BrickInode> ActiveInodes(IReadOnlyList<ClientView> clients) =>
        clients.SelectMany(c => c.Fds).GroupBy(f => f.Gfid)
            .Select(g => new BrickInode(g.Key.ToString(), g.Count(), g.First().IsDirectory ? 2 : 1))
            .OrderByDescending(i => i.Refs).ThenBy(i => i.Gfid, StringComparer.Ordinal);

    public static BrickInodes Inodes(IReadOnlyList<ClientView> clients)
    {
        var all = ActiveInodes(clients).ToList();
        return new BrickInodes(all.Count, [.. all.Take(BrickAdminProgram.ListMax)]);
    }

    public static BrickCalls Calls(IReadOnlyList<CallView> calls) => new(
        calls.Count,
        calls.Count == 0 ? 0 : calls[0].AgeNs / 1_000_000,
        [.. calls.Take(BrickAdminProgram.ListMax).Select(c => new BrickCall(
            c.Xid, NameOf(c.Fop), c.Uid, c.Gid, c.Pid, c.AgeNs / 1_000_000, c.Client))]);

    public static BrickLease Lease(LeaseReport lease, string path) => new(
        lease.Gfid.ToString(), path, Convert.ToHexStringLower(lease.Id.ToArray()),
        lease.Type == LeaseType.ReadWrite ? "read-write" : "read",
        lease.Holder <= ulong.MaxValue
            ? lease.Holder.ToString(CultureInfo.InvariantCulture)
            : LockSession.Shown(lease.Holder),
        [.. lease.Clients.Select(c => c.Address).Order(StringComparer.Ordinal)],
        lease.HeldMs < 0 ? -1 : lease.HeldMs / 1_000, lease.IsRecalled, lease.Waiting);

    public static BrickMemory Memory()
    {
        var info = Sys.MallocInfo();
        return new BrickMemory
        {
            Arena = (long)info.Arena,
            Ordblks = (long)info.Ordblks,
            Smblks = (long)info.Smblks,
            Hblks = (long)info.Hblks,
            Hblkhd = (long)info.Hblkhd,
            Usmblks = (long)info.Usmblks,
            Fsmblks = (long)info.Fsmblks,
            Uordblks = (long)info.Uordblks,
            Fordblks = (long)info.Fordblks,
            Keepcost = (long)info.Keepcost,
            ResidentBytes = ProcessMetrics.ResidentBytes(),
            HeapBytes = GC.GetTotalMemory(forceFullCollection: false),
            HeapCommittedBytes = GC.GetGCMemoryInfo().TotalCommittedBytes,
            PayloadBytes = PayloadPool.Shared.OutstandingBytes,
            PayloadLimitBytes = PayloadPool.Shared.LimitBytes,
        };
    }

    public static ProfileFigures Figures(IoStatsSnapshot snapshot) => new(
        snapshot.Number, snapshot.DurationNs / 1_000_000_000, snapshot.ReadBytes, snapshot.WrittenBytes,
        [.. snapshot.Reads.Select((reads, i) => new BlockProfile(1L << i, reads, snapshot.Writes[i]))],
        [.. Enum.GetValues<FopCode>().Where(c => snapshot.Fops[(int)c].Count > 0)
            .Select(c => Fop(NameOf(c), snapshot.Fops[(int)c]))]);

    public static TopKind KindOf(TopList list) => list switch
    {
        TopList.Open => TopKind.Open,
        TopList.Read => TopKind.Read,
        TopList.Write => TopKind.Write,
        TopList.Opendir => TopKind.Opendir,
        TopList.Readdir => TopKind.Readdir,
        TopList.ReadPerf => TopKind.ReadPerf,
        TopList.WritePerf => TopKind.WritePerf,
        _ => throw new BrickAdminException("there is no such list"),
    };

    private static FopProfile Fop(string name, FopFigures fop) => fop.Measured == 0
        ? new FopProfile(name, fop.Count, 0, 0, 0)
        : new FopProfile(name, fop.Count, (double)fop.TotalNs / fop.Measured, fop.MinNs, fop.MaxNs);
}
