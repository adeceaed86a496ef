using Myrmex.Management.Bricks;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>Which file system holds a path.</summary>
public sealed class MountTableTests
{
    private const string Text =
        "/dev/sda1 / ext4 rw 0 0\n/dev/sdb /bricks xfs rw,noatime 0 0\n/dev/sdc /bricks/with\\040space xfs ro 0 0\nx\n"
        + "/dev/sdd /bricks ext4 rw 0 0\n";

    [Theory]
    [InlineData("/srv/x", "/dev/sda1")]
    [InlineData("/bricks/b1", "/dev/sdd")]
    [InlineData("/bricks", "/dev/sdd")]
    [InlineData("/bricksb1", "/dev/sda1")]
    [InlineData("/bricks/with space/b", "/dev/sdc")]
    public void TheLongestAndLastMountPointHoldsAPath(string path, string device) =>
        Assert.Equal(device, MountTable.Holding(MountTable.Parse(Text), path)?.Device);
}
