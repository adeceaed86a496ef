using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Protocol;

/// <summary>
/// Supplementary groups by the server's own user database, for clients that cannot send all of theirs (manage-gids). Remembers what it
/// found; looking it up may wait for a directory service and is a worker's job.
/// </summary>
/// <param name="lookUp">All groups of a uid, or null for a user the server does not know.</param>
/// <param name="timeoutSeconds">How long an answer is believed.</param>
internal sealed class GroupResolver(Func<uint, uint[]?> lookUp, IClock clock, long timeoutSeconds)
{
    /// <summary>Users remembered; when there are more all are forgotten.</summary>
    private const int UsersMax = 65536;

    private readonly Lock _lock = new(); // Guards _known; a leaf lock.
    private readonly Dictionary<uint, Known> _known = [];

    /// <summary>Gives the call its groups when they are known; false when <see cref="Resolve"/> has to find them.</summary>
    public bool TryApply(Call call)
    {
        // Nothing is denied to root for want of a group.
        if (call.Uid == 0)
        {
            return true;
        }

        lock (_lock)
        {
            if (!_known.TryGetValue(call.Uid, out var known) || known.UntilNs <= clock.MonotonicNs)
            {
                return false;
            }

            Apply(call, known.Groups);
            return true;
        }
    }

    /// <summary>Looks the groups up and gives them to the call; may block. An unknown user has those that the client sent.</summary>
    public void Resolve(Call call)
    {
        var groups = lookUp(call.Uid);
        lock (_lock)
        {
            if (_known.Count >= UsersMax)
            {
                _known.Clear();
            }

            _known[call.Uid] = new Known(groups, clock.MonotonicNs + (timeoutSeconds * 1_000_000_000));
        }

        Apply(call, groups);
    }

    private static void Apply(Call call, uint[]? groups)
    {
        if (groups is not null)
        {
            call.SetGroups(groups);
        }
    }

    private readonly record struct Known(uint[]? Groups, long UntilNs);
}
