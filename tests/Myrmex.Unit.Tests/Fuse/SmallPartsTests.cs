using System;
using Myrmex.Base;
using Myrmex.Fuse;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

public sealed class SmallPartsTests
{
    [Fact]
    public void GroupsComeFromTheStatusFileOfAProcess()
    {
        Span<uint> groups = stackalloc uint[8];
        Assert.Equal(3, GroupCache.Parse("Name:\tsh\nUmask:\t0022\nGroups:\t4 24 1000 \nNStgid:\t1\n"u8, groups));
        Assert.Equal([4u, 24u, 1000u], groups[..3].ToArray());
        Assert.Equal(0, GroupCache.Parse("Name:\tsh\nGroups:\t\nNStgid:\t1\n"u8, groups));
        Assert.Equal(0, GroupCache.Parse("Name:\tGroups:\t4\n"u8, groups));
        Assert.Equal(2, GroupCache.Parse("a\nGroups:\t1 2 3"u8, groups[..2]));
    }

    [Fact]
    public void TheDeviceOfAMountIsThatOfTheTopmostOne()
    {
        const string mountInfo =
            "22 1 0:20 / /mnt/a rw - ext4 /dev/x rw\n30 22 0:44 / /mnt/a rw - fuse.myrmex v rw\n31 22 0:45 / /mnt/a\\040b rw - fuse v rw\n";
        Assert.Equal("0:44", FuseMount.DeviceOf("/mnt/a/", mountInfo));
        Assert.Equal("0:45", FuseMount.DeviceOf("/mnt/a b", mountInfo));
        Assert.Null(FuseMount.DeviceOf("/mnt", mountInfo));
    }

    [Theory]
    [InlineData(Errno.Ok, 0)]
    [InlineData(Errno.ENOENT, -2)]
    [InlineData(Errno.ENOTRECOVERABLE, -131)]
    [InlineData((Errno)1024, -5)]
    [InlineData((Errno)(-7), -5)]
    public void ErrorsTheKernelWouldRefuseBecomeEIO(Errno error, int expected) =>
        Assert.Equal(expected, FuseConversion.ErrorOf(error));

    [Theory]
    [InlineData(0x9ED, 0x1ED)] // 04755 -> 0755
    [InlineData(0x5ED, 0x1ED)] // 02755 -> 0755
    [InlineData(0x5E4, 0x5E4)] // 02744 has no group execute: mandatory locking, stays
    public void PrivilegeBitsAreThoseThatRaiseRights(uint mode, uint expected) =>
        Assert.Equal(expected, FuseConversion.WithoutPrivilegeBits(mode));
}
