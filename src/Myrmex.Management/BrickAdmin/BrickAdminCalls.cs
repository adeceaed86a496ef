using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.BrickAdmin;

/// <summary>The questions of <see cref="IBrickAdmin"/>, each with its own answer.</summary>
public static class BrickAdminCalls
{
    public static Task<BrickClients> ClientsAsync(
        this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Clients, brick), a => a.Clients, cancellation);

    public static Task<BrickFds> FdsAsync(this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Fds, brick), a => a.Fds, cancellation);

    public static Task<BrickInodes> InodesAsync(this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Inodes, brick), a => a.Inodes, cancellation);

    public static Task<BrickCalls> CallsAsync(this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Calls, brick), a => a.Calls, cancellation);

    public static Task<BrickLeases> LeasesAsync(this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Leases, brick), a => a.Leases, cancellation);

    /// <summary>Of the whole process: all bricks of a node share one.</summary>
    public static Task<BrickMemory> MemoryAsync(this IBrickAdmin admin, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Memory), a => a.Memory, cancellation);

    public static Task<BrickProfile> ProfileAsync(
        this IBrickAdmin admin, string brick, ProfileQuery query, CancellationToken cancellation) =>
        AskAsync(
            admin, new BrickRequest(BrickQuestion.Profile, brick) { Profile = query }, a => a.Profile, cancellation);

    /// <summary>Figures start from zero; those of files do not.</summary>
    public static Task<BrickProfile> ClearProfileAsync(
        this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.ClearProfile, brick), a => a.Profile, cancellation);

    public static Task<BrickTop> TopAsync(
        this IBrickAdmin admin, string brick, TopQuery query, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Top, brick) { Top = query }, a => a.Top, cancellation);

    public static Task<BrickTop> ClearTopAsync(this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.ClearTop, brick), a => a.Top, cancellation);

    /// <summary>Path of the file that was written.</summary>
    public static Task<string> StateDumpAsync(
        this IBrickAdmin admin, string brick, string directory, IReadOnlyList<string> sections,
        CancellationToken cancellation) =>
        AskAsync(
            admin,
            new BrickRequest(BrickQuestion.StateDump, brick) { StateDump = new StateDumpQuery(directory, sections) },
            a => a.Text, cancellation);

    /// <summary>What was cleared, in GlusterFS' words.</summary>
    public static Task<string> ClearLocksAsync(
        this IBrickAdmin admin, string brick, ClearLocksQuery query, CancellationToken cancellation) =>
        AskAsync(
            admin, new BrickRequest(BrickQuestion.ClearLocks, brick) { ClearLocks = query }, a => a.Text, cancellation);

    /// <summary>Metrics of the process and all its bricks in Prometheus' text format.</summary>
    public static Task<string> MetricsAsync(this IBrickAdmin admin, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Metrics), a => a.Text, cancellation);

    /// <summary>
    /// The log of the process goes on in a new file; the former is beside it. Answers the name of the former.
    /// </summary>
    public static Task<string> RotateLogAsync(this IBrickAdmin admin, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.RotateLog), a => a.Text, cancellation);

    public static Task<BrickReplicas> ReplicasAsync(
        this IBrickAdmin admin, string brick, CancellationToken cancellation) =>
        AskAsync(admin, new BrickRequest(BrickQuestion.Replicas, brick), a => a.Replicas, cancellation);

    /// <summary>Has the brick, which leads, hand the lead over; throws when it cannot.</summary>
    public static Task<string> MoveLeadAsync(
        this IBrickAdmin admin, string brick, int member, CancellationToken cancellation) =>
        AskAsync(
            admin, new BrickRequest(BrickQuestion.MoveLead, brick) { MoveLead = new MoveLeadQuery(member) },
            a => a.Text, cancellation);

    private static async Task<T> AskAsync<T>(
        IBrickAdmin admin, BrickRequest request, Func<BrickAnswer, T?> part, CancellationToken cancellation)
        where T : class
    {
        var answer = await admin.AskAsync(request, cancellation);
        return part(answer) ?? throw new BrickAdminException("the brick process answered something else");
    }
}
