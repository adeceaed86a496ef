using System.Threading;
using Myrmex.Runtime;

namespace Myrmex.Protocol;

/// <summary>
/// Decides where a brief fop (create, unlink, setattr, …) runs. A thread hop costs more than such a fop as long as the file system
/// answers from memory, so it runs on the reactor; once one has taken longer than <see cref="SlowNs"/> all of this export go to
/// workers for <see cref="ClosedNs"/>, so that a slow disk holds up nobody else's connection.
/// </summary>
internal sealed class InlineGate(Seams seams)
{
    /// <summary>A fop that takes longer than this closes the gate: 3 ms.</summary>
    private const long SlowNs = 3_000_000;

    /// <summary>Time the gate stays closed: 1 s.</summary>
    private const long ClosedNs = 1_000_000_000;

    private long _closedUntilNs = long.MinValue;

    /// <summary>Runs the work here or hands it to a worker.</summary>
    public void Run(IWork work)
    {
        var start = seams.Clock.MonotonicNs;
        if (start < Volatile.Read(ref _closedUntilNs))
        {
            seams.Workers.Submit(work);
            return;
        }

        work.Run();
        var end = seams.Clock.MonotonicNs;
        if (end - start > SlowNs)
        {
            Volatile.Write(ref _closedUntilNs, end + ClosedNs);
        }
    }
}
