using System.Runtime.CompilerServices;
using Myrmex.Fuse;
using Myrmex.Fuse.Protocol;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>The kernel's structures. Source: sizeof() in linux/fuse.h, protocol 7.45.</summary>
public sealed class StructureSizeTests
{
    [Fact]
    public void RequestStructuresHaveTheSizesOfTheKernel()
    {
        Assert.Equal(40, Unsafe.SizeOf<FuseInHeader>());
        Assert.Equal(64, Unsafe.SizeOf<FuseInitIn>());
        Assert.Equal(8, Unsafe.SizeOf<FuseForgetIn>());
        Assert.Equal(8, Unsafe.SizeOf<FuseBatchForgetIn>());
        Assert.Equal(16, Unsafe.SizeOf<FuseForgetOne>());
        Assert.Equal(16, Unsafe.SizeOf<FuseGetattrIn>());
        Assert.Equal(24, Unsafe.SizeOf<FuseStatxIn>());
        Assert.Equal(88, Unsafe.SizeOf<FuseSetattrIn>());
        Assert.Equal(16, Unsafe.SizeOf<FuseMknodIn>());
        Assert.Equal(8, Unsafe.SizeOf<FuseMkdirIn>());
        Assert.Equal(8, Unsafe.SizeOf<FuseRenameIn>());
        Assert.Equal(16, Unsafe.SizeOf<FuseRename2In>());
        Assert.Equal(8, Unsafe.SizeOf<FuseLinkIn>());
        Assert.Equal(8, Unsafe.SizeOf<FuseOpenIn>());
        Assert.Equal(16, Unsafe.SizeOf<FuseCreateIn>());
        Assert.Equal(40, Unsafe.SizeOf<FuseReadIn>());
        Assert.Equal(40, Unsafe.SizeOf<FuseWriteIn>());
        Assert.Equal(24, Unsafe.SizeOf<FuseReleaseIn>());
        Assert.Equal(24, Unsafe.SizeOf<FuseFlushIn>());
        Assert.Equal(16, Unsafe.SizeOf<FuseFsyncIn>());
        Assert.Equal(16, Unsafe.SizeOf<FuseSetxattrIn>());
        Assert.Equal(8, Unsafe.SizeOf<FuseGetxattrIn>());
        Assert.Equal(24, Unsafe.SizeOf<FuseFileLock>());
        Assert.Equal(48, Unsafe.SizeOf<FuseLkIn>());
        Assert.Equal(8, Unsafe.SizeOf<FuseInterruptIn>());
        Assert.Equal(32, Unsafe.SizeOf<FuseFallocateIn>());
        Assert.Equal(24, Unsafe.SizeOf<FuseLseekIn>());
        Assert.Equal(56, Unsafe.SizeOf<FuseCopyFileRangeIn>());
    }

    [Fact]
    public void ReplyStructuresHaveTheSizesOfTheKernel()
    {
        Assert.Equal(16, Unsafe.SizeOf<FuseOutHeader>());
        Assert.Equal(64, Unsafe.SizeOf<FuseInitOut>());
        Assert.Equal(88, Unsafe.SizeOf<FuseAttr>());
        Assert.Equal(128, Unsafe.SizeOf<FuseEntryOut>());
        Assert.Equal(104, Unsafe.SizeOf<FuseAttrOut>());
        Assert.Equal(16, Unsafe.SizeOf<FuseOpenOut>());
        Assert.Equal(144, Unsafe.SizeOf<FuseCreateOut>());
        Assert.Equal(8, Unsafe.SizeOf<FuseWriteOut>());
        Assert.Equal(8, Unsafe.SizeOf<FuseCopyFileRangeOut>());
        Assert.Equal(80, Unsafe.SizeOf<FuseStatfsOut>());
        Assert.Equal(8, Unsafe.SizeOf<FuseGetxattrOut>());
        Assert.Equal(24, Unsafe.SizeOf<FuseLkOut>());
        Assert.Equal(8, Unsafe.SizeOf<FuseLseekOut>());
        Assert.Equal(24, Unsafe.SizeOf<FuseDirent>());
        Assert.Equal(152, Unsafe.SizeOf<FuseDirentPlus>());
        Assert.Equal(16, Unsafe.SizeOf<FuseStatxTime>());
        Assert.Equal(288, Unsafe.SizeOf<FuseStatxOut>());
        Assert.Equal(24, Unsafe.SizeOf<FuseInvalidateInodeOut>());
    }

    [Fact]
    public void DataOfAWriteBeginsOnAPage() =>
        Assert.Equal(0, (FuseRequest.MessageOffset + FuseInHeader.Size + Unsafe.SizeOf<FuseWriteIn>()) % 4096);
}
