using System;
using Myrmex.Base;
using Myrmex.Cluster.Sending;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Aha;

/// <summary>
/// Proxies: any of them will do. One that says ENOTCONN while it is attached does not reach a brick, which another one
/// need not reach either.
/// </summary>
internal sealed class AhaRules(Seams seams) : SendingRules
{
    public override string Name => "aha";

    public override bool StaysWithoutConnection => true;

    public override bool IsOrderly => true;

    public override bool TellsAge => true;

    public override bool TellsLostChanges => true;

    public override bool CarriesLocks => true;

    public override Admission Admission { get; } = new(seams);

    public override long PauseMsMin => 50;

    public override long PauseMsMax => 1000;

    /// <summary>The former proxy gives its locks up within moments.</summary>
    public override long LockPauseMs(int tries) => Math.Min(20L << Math.Min(tries, 10), SendingLimits.LockPauseMs);

    public override Errno Expired(bool isUnknown) => isUnknown ? Errno.EIO : Errno.ETIMEDOUT;
}
