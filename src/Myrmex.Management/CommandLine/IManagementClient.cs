using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The daemon as the command line sees it. Refusals are <see cref="CommandException"/>, a daemon that does not
/// answer is <see cref="DaemonUnreachableException"/>.
/// </summary>
public interface IManagementClient
{
    Task<IReadOnlyList<VolumeMessage>> ListAsync();

    Task<VolumeMessage> FindAsync(string volume);

    Task<VolumeStatusMessage> StatusAsync(string volume, bool detail);

    Task<VolumeMessage> CreateAsync(CreateMessage request);

    Task<VolumeMessage> StartAsync(string volume, bool force);

    Task<VolumeMessage> StopAsync(string volume, bool force);

    Task<VolumeMessage> DeleteAsync(string volume);

    Task<VolumeMessage> SetAsync(string volume, IReadOnlyList<SettingMessage> options);

    /// <param name="key">Null for all options.</param>
    Task<VolumeMessage> ResetAsync(string volume, string? key, bool force);

    /// <param name="key">Null for all options.</param>
    Task<IReadOnlyList<OptionMessage>> OptionsAsync(string volume, string? key);

    Task<IReadOnlyList<OptionHelpMessage>> OptionHelpAsync();

    Task<IReadOnlyList<PeerMessage>> PeersAsync();
}

/// <summary>Nobody answers for the working directory; the message says what to do.</summary>
public sealed class DaemonUnreachableException(string message, Exception inner) : Exception(message, inner);
