using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The daemon as the command line sees it. Refusals are <see cref="CommandException"/>, a daemon that does not
/// answer is <see cref="DaemonUnreachableException"/>.
/// </summary>
public interface IManagementClient
{
    Task<DaemonMessage> DaemonAsync();

    Task<IReadOnlyList<VolumeMessage>> ListAsync();

    Task<VolumeMessage> FindAsync(string volume);

    Task<VolumeStatusMessage> StatusAsync(string volume, bool detail);

    Task<VolumeMessage> CreateAsync(CreateMessage request);

    Task<VolumeMessage> StartAsync(string volume, bool force);

    Task<VolumeMessage> StopAsync(string volume, bool force);

    Task<VolumeMessage> DeleteAsync(string volume);

    Task<VolumeMessage> AddBrickAsync(string volume, AddBrickMessage request);

    Task<VolumeMessage> ReplaceBrickAsync(string volume, ReplaceBrickMessage request);

    Task<VolumeMessage> ResetBrickAsync(string volume, ResetBrickMessage request);

    Task<VolumeMessage> SetAsync(string volume, IReadOnlyList<SettingMessage> options);

    /// <param name="key">Null for all options.</param>
    Task<VolumeMessage> ResetAsync(string volume, string? key, bool force);

    /// <param name="key">Null for all options.</param>
    Task<IReadOnlyList<OptionMessage>> OptionsAsync(string volume, string? key);

    Task<IReadOnlyList<OptionHelpMessage>> OptionHelpAsync();

    Task<OptionGroupMessage> OptionGroupAsync(string name);

    /// <param name="key">Null for all options.</param>
    Task<IReadOnlyList<OptionMessage>> ClusterOptionsAsync(string? key);

    Task<IReadOnlyList<OptionMessage>> SetClusterAsync(IReadOnlyList<SettingMessage> options);

    /// <param name="key">Null for all options.</param>
    Task<IReadOnlyList<OptionMessage>> ResetClusterAsync(string? key);

    Task<IReadOnlyList<PeerMessage>> PeersAsync();

    Task<ProbedMessage> ProbeAsync(string host);

    Task<PeerMessage> DetachAsync(string host, bool force);

    /// <param name="labels">A null value removes a label.</param>
    Task<PeerMessage> LabelAsync(string host, IReadOnlyDictionary<string, string?> labels);

    /// <param name="op">start, stop, info or clear.</param>
    Task<ProfileMessage> ProfileAsync(string volume, string op, bool peek, bool cumulative, bool incremental);

    /// <param name="brick">Null for all bricks.</param>
    /// <param name="files">0 for all.</param>
    Task<TopMessage> TopAsync(
        string volume, string metric, string? brick, int files, long blockSize, long blockCount);

    Task<StatedumpMessage> StatedumpAsync(string volume, IReadOnlyList<string> parts);

    /// <param name="client">HOST:PID.</param>
    Task<StatedumpMessage> ClientStatedumpAsync(string volume, string client);

    Task<ClearLocksMessage> ClearLocksAsync(string volume, string path, string kind, string type, string? argument);

    Task<VolumeClientsMessage> ClientsAsync(string volume);

    Task<ReplicationMessage> ReplicationAsync(string volume);

    Task<ReplicationMessage> MoveLeadAsync(string volume, string brick);

    Task<ReplicationMessage> ResetLeadsAsync(string volume);

    /// <param name="kind">mem, inode, fd, callpool or leases.</param>
    Task<VolumeInternalsMessage> InternalsAsync(string volume, string kind);

    /// <param name="brick">Null for all bricks.</param>
    Task<DoneMessage> RotateLogAsync(string volume, string? brick);

    /// <param name="action">fix-layout, start or stop.</param>
    Task<RebalanceMessage> RebalanceAsync(string volume, string action, bool force);

    Task<RebalanceMessage> RebalanceStatusAsync(string volume);

    Task<IReadOnlyList<TaskMessage>> TasksAsync(string? volume);

    Task<EventListMessage> EventsAsync(long after);

    /// <summary>Events as they happen, until it is cancelled or the daemon goes.</summary>
    /// <param name="after">Number of the last one known; null for what happens next.</param>
    IAsyncEnumerable<ClusterEvent> FollowEventsAsync(long? after, CancellationToken cancellation);

    /// <summary>The volume file for a key.</summary>
    Task<string> VolfileAsync(string key);
}

/// <summary>Nobody answers for the working directory; the message says what to do.</summary>
public sealed class DaemonUnreachableException(string message, Exception inner) : Exception(message, inner);
