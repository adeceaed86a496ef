using System.Globalization;
using System.Text.Json.Serialization;

namespace Myrmex.Volumes;

/// <summary>One exported directory on one server.</summary>
/// <param name="Host">Name or address as the administrator wrote it; clients connect to it.</param>
/// <param name="Path">Absolute path of the directory; also the name clients attach to (remote-subvolume).</param>
/// <param name="Index">
/// N of the brick id <c>VOL-client-N</c>. It is given once and never moves to another brick, because pending counters
/// on disk (<c>trusted.afr.VOL-client-N</c>) and link files name it.
/// </param>
/// <param name="Node">The node that holds it.</param>
/// <param name="FileSystem">Device number of its file system: bricks with the same one share the space.</param>
public sealed record Brick(string Host, string Path, int Index, NodeId Node, ulong FileSystem)
{
    /// <summary>What the name of a member's export has behind the path.</summary>
    public const string MemberSuffix = ".member";

    /// <summary>Being emptied: it gets no range of any directory and no new file.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Decommissioned { get; init; }

    /// <summary>
    /// Taken out of service by reset-brick, so that the administrator can renew its directory: it is not served.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsReset { get; init; }

    /// <summary>Its number in its replica set; null in a volume without journals.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public int? Member { get; init; }

    /// <summary>Given to its journal when the disk was empty: who has an empty disk is another member.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ulong Incarnation { get; init; }

    /// <summary>
    /// What our own clients and the other members attach to, where there are journals: the member itself. Behind the
    /// path as such is a door that passes everything on to the member that leads.
    /// </summary>
    [JsonIgnore]
    public string MemberExport => Path + MemberSuffix;

    /// <summary>Where its journal is when it has a disk of its own; null for one inside of the brick.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Journal { get; init; }

    /// <summary>Where its journal is, where there is one.</summary>
    [JsonIgnore]
    public string JournalDirectory => Journal ?? Internals + "/journal";

    /// <summary>What the brick keeps for itself.</summary>
    [JsonIgnore]
    public string Internals => Path + "/.glusterfs";

    /// <summary>"HOST:PATH", the way people name it.</summary>
    [JsonIgnore]
    public string FullName => $"{Host}:{Path}";

    /// <summary>The path with dashes for slashes, as used in file names and GETSPEC keys.</summary>
    [JsonIgnore]
    public string DashedPath => Path.TrimStart('/').Replace('/', '-');

    /// <summary>Brick id, and name of its protocol/client in client graphs.</summary>
    public string IdIn(string volume) => string.Create(CultureInfo.InvariantCulture, $"{volume}-client-{Index}");

    /// <summary>GETSPEC key of its volume file. Source: GlusterFS <c>VOL.HOST.path-with-dashes</c>.</summary>
    public string VolfileKey(string volume) => $"{volume}.{Host}.{DashedPath}";
}
