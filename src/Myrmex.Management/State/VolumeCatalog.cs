using System;
using System.Collections.Generic;
using System.Linq;
using Myrmex.Management.Cluster;
using Myrmex.Volumes;

namespace Myrmex.Management.State;

/// <summary>The volumes of the cluster, for those who may not wait: the volume file service.</summary>
internal sealed class VolumeCatalog
{
    private readonly ClusterView _view;

    public VolumeCatalog(ClusterView view)
    {
        _view = view;
        view.Volumes.Changed += names => Changed?.Invoke(names);
        view.Nodes.Changed += _ => TellOfProxies();
    }

    /// <summary>
    /// Raised after a change is visible, with the names of the volumes that changed, appeared or went.
    /// </summary>
    public event Action<IReadOnlyList<string>>? Changed;

    /// <summary>The node is heard of.</summary>
    public bool IsAlive(NodeId node) => _view.IsAlive(node);

    public Volume? Find(string name) => _view.Volumes.TryFind(name, out var row) ? row.Value : null;

    /// <summary>Nodes came, went or are called otherwise: thin clients have the list of those with a proxy.</summary>
    private void TellOfProxies()
    {
        var volumes = _view.Volumes.Rows.Values.Select(r => r.Value)
            .Where(v => VolumeOptions.IsOn(v, VolumeOptions.Proxy)).Select(v => v.Name).ToList();
        if (volumes.Count > 0)
        {
            Changed?.Invoke(volumes);
        }
    }
}
