using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

/// <summary>Device numbers change their encoding between Mknod and iatt and come back unchanged.</summary>
[Trait("Tier", "unit")]
public sealed class DeviceNumberTests
{
    [Theory]
    [InlineData(0x103UL, 1UL << 32 | 3)] // mknod c 1 3
    [InlineData(0x7C8UL, 7UL << 32 | 200)]
    [InlineData(0x1_2345_6_78UL, 0x456UL << 32 | 0x12378)] // minor above 255
    [InlineData(0UL, 0UL)]
    public void DeviceNumberIsPackedAsMajorAndMinorHalves(ulong linux, ulong rdev)
    {
        Assert.Equal(rdev, DeviceNumber.ToIatt(linux));
        Assert.Equal(linux, DeviceNumber.ToLinux(rdev));
    }
}
