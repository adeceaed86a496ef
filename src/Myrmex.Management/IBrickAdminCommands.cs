using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management;

/// <param name="Op">start, stop, info or clear.</param>
/// <param name="Peek">Look at the interval without ending it.</param>
/// <param name="Cumulative">Counters since the brick started are wanted.</param>
/// <param name="Incremental">Counters of the interval are wanted.</param>
internal sealed record ProfileRequest(string Op, bool Peek, bool Cumulative, bool Incremental);

/// <param name="Metric">open, read, write, opendir, readdir, read-perf, write-perf or clear.</param>
/// <param name="Brick">"HOST:/PATH", or null for all.</param>
/// <param name="Files">Longest list of files; 0 for all.</param>
/// <param name="BlockSize">Bytes a block of the test that read-perf and write-perf do; 0 for no test.</param>
/// <param name="BlockCount">Blocks of the test.</param>
internal sealed record TopRequest(string Metric, string? Brick, int Files, long BlockSize, long BlockCount);

/// <param name="Path">In the volume.</param>
/// <param name="Kind">blocked, granted or all.</param>
/// <param name="Type">inode, entry or posix.</param>
/// <param name="Argument">Range or base name, or null.</param>
internal sealed record ClearLocksRequest(string Path, string Kind, string Type, string? Argument);

/// <summary>
/// What an administrator asks running bricks, as the REST service calls it. All throw <see cref="CommandException"/>.
/// </summary>
internal interface IBrickAdminCommands
{
    Task<ProfileMessage> ProfileAsync(string volume, ProfileRequest request, CancellationToken cancellation);

    Task<TopMessage> TopAsync(string volume, TopRequest request, CancellationToken cancellation);

    /// <param name="parts">all, mem, iobuf, callpool, priv, fd, inode, history; empty for all.</param>
    Task<StatedumpMessage> StatedumpAsync(
        string volume, IReadOnlyList<string> parts, CancellationToken cancellation);

    /// <summary>Asks a client of ours for a state dump, which it writes beside its log.</summary>
    /// <param name="client">HOST:PID.</param>
    Task ClientStatedumpAsync(string volume, string client, CancellationToken cancellation);

    Task<ClearLocksMessage> ClearLocksAsync(
        string volume, ClearLocksRequest request, CancellationToken cancellation);

    Task<VolumeClientsMessage> ClientsAsync(string volume, CancellationToken cancellation);

    /// <param name="kind">mem, inode, fd, callpool or leases.</param>
    Task<VolumeInternalsMessage> InternalsAsync(string volume, string kind, CancellationToken cancellation);

    /// <summary>The replica sets of a started volume with journals, as their members say.</summary>
    Task<ReplicationMessage> ReplicationAsync(string volume, CancellationToken cancellation);

    /// <summary>
    /// The brick takes the lead of its replica set, and should have it from then on. Answers the replica sets as they
    /// are then.
    /// </summary>
    /// <param name="brick">"HOST:/PATH".</param>
    Task<ReplicationMessage> MoveLeadAsync(string volume, string brick, CancellationToken cancellation);

    /// <summary>
    /// Forgets which bricks were said to lead: the leads spread over the nodes again, each once its brick has been well
    /// for a while.
    /// </summary>
    Task<ReplicationMessage> ResetLeadsAsync(string volume, CancellationToken cancellation);

    /// <param name="brick">"HOST:/PATH", or null for all.</param>
    Task RotateLogAsync(string volume, string? brick, CancellationToken cancellation);
}
