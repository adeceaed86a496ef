using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Features;

/// <summary>
/// Leases that are asked for again, each until it is answered or the time is over. Safe for all threads.
/// </summary>
internal sealed class LeaseRound(List<ClientLease> leases)
{
    private readonly Lock _lock = new(); // Guards all below; a leaf lock.
    private readonly HashSet<ClientLease> _unanswered = [.. leases];
    private readonly List<ClientLease> _again = [];
    private Queue<ClientLease> _left = new(leases);

    /// <summary>The next one to ask for; false for none.</summary>
    public bool TryTake(out ClientLease lease)
    {
        lock (_lock)
        {
            return _left.TryDequeue(out lease);
        }
    }

    /// <summary>It is to be asked for once more, in a while.</summary>
    public void Again(ClientLease lease)
    {
        lock (_lock)
        {
            _again.Add(lease);
        }
    }

    /// <summary>False when the time was over before.</summary>
    public bool Answered(ClientLease lease)
    {
        lock (_lock)
        {
            return _unanswered.Remove(lease);
        }
    }

    /// <summary>Nothing is left to take; whether something is to be asked for once more.</summary>
    public bool GoesOn()
    {
        lock (_lock)
        {
            _left = new Queue<ClientLease>(_again);
            _again.Clear();
            return _left.Count > 0 && _unanswered.Count > 0;
        }
    }

    /// <summary>The time is over: what was not answered.</summary>
    public List<ClientLease> End()
    {
        lock (_lock)
        {
            List<ClientLease> left = [.. _unanswered];
            _unanswered.Clear();
            _left.Clear();
            return left;
        }
    }
}
