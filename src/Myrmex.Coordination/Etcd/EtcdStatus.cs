using System.Collections.Generic;

namespace Myrmex.Coordination.Etcd;

/// <summary>What one member says of itself.</summary>
/// <param name="Leader">The member that leads, as far as this one knows; 0 for none.</param>
/// <param name="DatabaseBytes">Size of its file; what is in use is less until it is defragmented.</param>
/// <param name="AppliedIndex">How far it has come in the log; that of the leader is the whole.</param>
/// <param name="Errors">Alarms, such as a full database or a damaged one, and what else keeps it from working.</param>
public sealed record EtcdStatus(
    ulong ClusterId, ulong MemberId, string Version, ulong Leader, bool IsLearner, long DatabaseBytes,
    long DatabaseBytesInUse, ulong AppliedIndex, IReadOnlyList<string> Errors)
{
    /// <summary>It has a leader, and nothing is wrong with it.</summary>
    public bool IsHealthy => Leader != 0 && Errors.Count == 0;
}
