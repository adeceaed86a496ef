namespace Myrmex.Base;

/// <summary>
/// The two encodings of a device number. Mknod carries the Linux dev_t (for majors below 4096 and minors below 2^20: minor bits 0..7,
/// major, minor bits 8..19); an iatt carries the major in the upper and the minor in the lower 32 bits.
/// Source: answers of stock clients and bricks to <c>mknod c 1 3</c>.
/// </summary>
public static class DeviceNumber
{
    /// <summary>From a Linux dev_t, as stat and Mknod have it, to <see cref="Iatt.Rdev"/>.</summary>
    public static ulong ToIatt(ulong linux) => Of(Major(linux), Minor(linux));

    /// <summary>Packed as <see cref="Iatt.Rdev"/>.</summary>
    public static ulong Of(uint major, uint minor) => (ulong)major << 32 | minor;

    /// <summary>From <see cref="Iatt.Rdev"/> to a Linux dev_t.</summary>
    public static ulong ToLinux(ulong rdev)
    {
        var major = rdev >> 32;
        var minor = rdev & 0xFFFF_FFFF;
        return (minor & 0xFF) | (major & 0xFFF) << 8 | (minor & ~0xFFUL) << 12 | (major & ~0xFFFUL) << 32;
    }

    private static uint Major(ulong linux) => (uint)(linux >> 8 & 0xFFF) | (uint)(linux >> 32 & ~0xFFFUL);

    private static uint Minor(ulong linux) => (uint)(linux & 0xFF) | (uint)(linux >> 12 & ~0xFFUL);
}
