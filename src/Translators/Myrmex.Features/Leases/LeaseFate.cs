namespace Myrmex.Features.Leases;

/// <summary>What becomes of the leases of an open file that is closed, with the last one of its id.</summary>
internal enum LeaseFate
{
    /// <summary>They stay: a log has them, and its session decides.</summary>
    Stays,

    /// <summary>They end.</summary>
    Ends,

    /// <summary>Their client has left its proxy without a word: they are kept for a while.</summary>
    IsLeft,
}
