using System.Globalization;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>The volume that a command is about.</summary>
/// <param name="Expected">
/// What must hold for it in the instant in which the command changes it; null for nothing.
/// </param>
internal readonly record struct VolumeTarget(string Name, Precondition? Expected = null)
{
    /// <summary>A volume whatever it is now.</summary>
    public static implicit operator VolumeTarget(string name) => new(name);

    /// <summary>
    /// Entity tag of a volume. A version and not the revision of the store, which begins anew when the cluster
    /// moves to another one.
    /// </summary>
    public static string TagOf(string id, long version) =>
        string.Create(CultureInfo.InvariantCulture, $"\"{id}-{version}\"");

    public static string TagOf(Volume volume) => TagOf(volume.Id.ToString(), volume.Version);
}
