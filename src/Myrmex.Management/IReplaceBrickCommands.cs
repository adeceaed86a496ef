using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <param name="Source">The brick that goes, "HOST:/PATH".</param>
/// <param name="Target">The brick that comes, "HOST:/PATH".</param>
internal sealed record ReplaceBrickRequest(string Source, string Target)
{
    /// <summary>
    /// reset-brick: the new member is in the directory of the old one, which the administrator renewed.
    /// </summary>
    public bool IsReset { get; init; }

    /// <summary>Take a directory that is used otherwise or lies on the root file system.</summary>
    public bool Force { get; init; }
}

/// <summary>New disks for replica sets. All throw <see cref="CommandException"/>.</summary>
internal interface IReplaceBrickCommands
{
    /// <summary>
    /// Puts a new member in the place of a brick; answers when clients can attach to it. The set then takes it in and
    /// copies its files to it, which the replication report shows.
    /// </summary>
    Task<Volume> ReplaceBrickAsync(VolumeTarget target, ReplaceBrickRequest request, CancellationToken cancellation);

    /// <summary>Takes a brick out of service; answers when nothing uses its directory any more.</summary>
    Task<Volume> ResetBrickAsync(VolumeTarget target, string source, CancellationToken cancellation);
}
