using Myrmex.Management.Bricks;
using Myrmex.Management.State;
using Myrmex.Volumes;

namespace Myrmex.Management.Volfiles;

/// <summary>
/// What clients, bricks and tools ask the volume file server: volume files by key, and ports by brick name. Answers
/// come from memory and never wait.
/// </summary>
internal sealed class VolfileService(
    VolumeCatalog catalog, BrickSupervisor supervisor, PortRegistry registry, int managementPort)
{
    /// <summary>
    /// The volume file for a GETSPEC key; null when there is none for this asker. Files of bricks hold passwords: only
    /// nodes of the pool get them.
    /// </summary>
    /// <param name="trusted">The asker is a node of the pool.</param>
    /// <param name="isOurs">The asker is a client of ours, see <see cref="Rpc.HandshakeCodec.MyrmexClient"/>.</param>
    public string? Spec(string key, bool trusted, bool isOurs)
    {
        if (!VolfileKey.TryParse(key, out var parsed) || catalog.Find(parsed.Volume) is not { } volume)
        {
            return null;
        }

        if (!parsed.IsBrick)
        {
            return ClientVolfile.Build(
                volume, trusted, managementPort, isOurs, b => catalog.IsAlive(b.Node)).ToString();
        }

        return trusted && parsed.BrickOf(volume) is { } brick
            ? BrickVolfile.Build(volume, brick, managementPort).ToString() : null;
    }

    public VolumeId? IdOf(string volume) => catalog.Find(volume)?.Id;

    /// <summary>The port of what is registered under a name, usually a brick's path; 0 when it does not run.</summary>
    public int PortOf(string name)
    {
        var state = supervisor.StateOf(name);
        return state.Online ? state.Port : registry.PortOf(name);
    }
}
