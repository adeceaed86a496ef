namespace Myrmex.Features.Leases;

/// <summary>Which leases of others a fop is in the way of.</summary>
internal enum LeaseClash
{
    /// <summary>None.</summary>
    None,

    /// <summary>Read-write leases: it looks at content.</summary>
    Read,

    /// <summary>All: it changes something.</summary>
    Change,
}
