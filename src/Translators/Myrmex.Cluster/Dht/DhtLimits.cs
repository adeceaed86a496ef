namespace Myrmex.Cluster.Dht;

/// <summary>Every bound of this translator.</summary>
internal static class DhtLimits
{
    /// <summary>Most subvolumes of one distribute volume.</summary>
    public const int SubvolumesMax = 1024;

    /// <summary>Files whose subvolume is remembered; a forgotten one costs a look-up on all subvolumes.</summary>
    public const int FilesMax = 1 << 18;

    /// <summary>Directories whose layout is remembered.</summary>
    public const int DirectoriesMax = 1 << 16;

    /// <summary>Names remembered from their last look-up, for an unlink that follows.</summary>
    public const int NameHintsMax = 1 << 14;

    /// <summary>How long such a name may be trusted.</summary>
    public const long NameHintNs = 1_000_000_000;

    /// <summary>How often one fop fetches the parent's layout anew after the brick called it stale.</summary>
    public const int LayoutRetriesMax = 4;

    /// <summary>How often a rename or unlink looks again because others have changed its names.</summary>
    public const int NameRetriesMax = 64;

    /// <summary>How often one fop follows a file that rebalance moves.</summary>
    public const int MovesMax = 4;

    /// <summary>How long the free space of the subvolumes is taken for granted.</summary>
    public const long FreeSpaceNs = 1_000_000_000;

    /// <summary>Longest path that is built to choose where a directory's ranges start.</summary>
    public const int PathLengthMax = 4096;

    /// <summary>Directory positions remembered per open directory because they do not fit the cookie.</summary>
    public const int RememberedCookiesMax = 1024;

    /// <summary>Least room left in a listing for which the next subvolume is still asked, in bytes.</summary>
    public const int ListingRestMin = 4096;

    /// <summary>Bytes of one listing chunk when a directory is read by the translator itself.</summary>
    public const int ScanChunk = 64 * 1024;
}
