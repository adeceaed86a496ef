namespace Myrmex.Cluster.Dht;

/// <summary>Which part of a listing of several subvolumes is read. The numbers are in the offsets of entries.</summary>
internal enum ListingTurn
{
    /// <summary>The subvolumes in their order, and all so far have answered.</summary>
    InOrder,

    /// <summary>In their order, and one before did not answer when it was its turn.</summary>
    PastMissed,

    /// <summary>Those that did not, behind all others.</summary>
    Late,

    /// <summary>All have been read.</summary>
    End,

    /// <summary>All but those that do not answer.</summary>
    Incomplete,
}

/// <summary>Where a listing goes on.</summary>
/// <param name="Subvolume">Which one.</param>
/// <param name="Cookie">Its own position.</param>
internal readonly record struct ListingPosition(ListingTurn Turn, int Subvolume, ulong Cookie)
{
    public bool IsOver => Turn is ListingTurn.End or ListingTurn.Incomplete;

    public static ListingPosition Of(ListingTurn end) => new(end, 0, 0);
}
