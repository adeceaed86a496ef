namespace Myrmex.Management.State;

/// <summary>What a brick directory was before a command touched it, so that the command can be taken back.</summary>
/// <param name="Existed">The directory was there.</param>
/// <param name="HadInternals">Its .glusterfs was there.</param>
/// <param name="FormerVolumeId">Its trusted.glusterfs.volume-id in text form, or null.</param>
/// <param name="FormerCommitHash">Its trusted.glusterfs.dht.commithash without the NUL, or null.</param>
internal sealed record BrickBefore(
    string Path, bool Existed, bool HadInternals, string? FormerVolumeId, string? FormerCommitHash = null);
