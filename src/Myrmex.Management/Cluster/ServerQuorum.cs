using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>
/// Whether enough nodes of the cluster are heard of for this one to serve volumes with
/// <c>cluster.server-quorum-type server</c>: more than half, or the percentage of <c>cluster.server-quorum-ratio</c>. A
/// node that is not heard of by the store itself has none. Source: GlusterFS server quorum.
/// </summary>
internal sealed class ServerQuorum
{
    private readonly ClusterView _view;
    private readonly INodePresence _presence;
    private readonly IClock _clock;
    private readonly long _startedNs;
    private int _held = 1;

    public ServerQuorum(ClusterView view, INodePresence presence, IClock clock)
    {
        _view = view;
        _presence = presence;
        _clock = clock;
        _startedNs = clock.MonotonicNs;
        view.Lives.Changed += _ => Look();
        view.Nodes.Changed += _ => Look();
        presence.Changed += Look;
    }

    /// <summary>Raised when <see cref="IsHeld"/> is another. Handlers must not wait.</summary>
    public event Action? Changed;

    public bool IsHeld => Volatile.Read(ref _held) != 0;

    /// <summary>The volume may be served as far as quorum goes.</summary>
    public bool Allows(Volume volume) =>
        IsHeld || volume.Setting("cluster.server-quorum-type") != "server";

    /// <summary>Looks again; also called from time to time, because time alone can end the start's grace.</summary>
    public void Look()
    {
        var held = IsEnough() ? 1 : 0;
        if (Interlocked.Exchange(ref _held, held) != held)
        {
            Log.Warning("quorum", held == 1 ? "quorum is regained" : "quorum is lost");
            Changed?.Invoke();
        }
    }

    private bool IsEnough()
    {
        if (!_presence.IsHeld)
        {
            // A daemon that has just started does not end the bricks it finds before it has looked around.
            return _clock.MonotonicNs - _startedNs < Limits.QuorumGraceMs * 1_000_000;
        }

        var nodes = _view.Nodes.Rows.Keys.ToList();
        var alive = nodes.Count(_view.Lives.Rows.ContainsKey);
        var ratio = Ratio();
        return ratio > 0 ? alive * 100.0 >= ratio * nodes.Count : alive * 2 > nodes.Count || nodes.Count <= 1;
    }

    /// <summary>In percent; 0 for "more than half".</summary>
    private double Ratio()
    {
        var text = ClusterOptionValues.Read(_view.Find(StateKeys.ClusterOptions))
            .GetValueOrDefault("cluster.server-quorum-ratio", "0").TrimEnd('%');
        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var ratio) ? ratio : 0;
    }
}
