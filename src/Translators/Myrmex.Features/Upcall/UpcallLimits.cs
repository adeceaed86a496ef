namespace Myrmex.Features.Upcall;

/// <summary>Every bound of features/upcall.</summary>
internal static class UpcallLimits
{
    /// <summary>Inodes of which it is remembered who has looked at them; the one seen longest ago goes first.</summary>
    public const int InodesMax = 1 << 18;

    /// <summary>Clients that are remembered of one inode.</summary>
    public const int ClientsMax = 256;

    public const int Shards = 16;

    /// <summary>Places for the number of an inode's last change; those that share one are told too often.</summary>
    public const int ChangeSlots = 1 << 12;

    /// <summary>Inodes whose time is over that are forgotten with each one that is remembered.</summary>
    public const int ExpiredAtOnce = 2;

    /// <summary>A look renews what is remembered when this part of its time is over.</summary>
    public const int RenewAfterParts = 8;
}
