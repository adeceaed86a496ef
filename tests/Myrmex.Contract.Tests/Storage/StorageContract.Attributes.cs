using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>Modes, owners, times and extended attributes.</summary>
public abstract partial class StorageContract
{
    [Fact]
    public void NewInodesBelongToTheCaller()
    {
        (Rig.Caller.Uid, Rig.Caller.Gid) = (1234, 567);
        var directory = Rig.Mkdir(Gfid.Root, "d", 0x1FF);
        var file = Rig.File(directory, "f");
        var link = Rig.Symlink(directory, "l", "t");
        foreach (var gfid in new[] { directory, file, link })
        {
            var iatt = Rig.Stat(gfid);
            Assert.Equal((1234u, 567u), (iatt.Uid, iatt.Gid));
        }

        (Rig.Caller.Uid, Rig.Caller.Gid) = (0, 0);
        Assert.Equal(0u, Rig.Stat(Rig.File(Gfid.Root, "root")).Uid);
    }

    [Fact]
    public void ASetGroupIdDirectoryGivesItsGroup()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d", 0x1FF);
        Setattr(directory, new Iatt { Gid = 777 }, SetattrValid.Gid);
        Setattr(directory, new Iatt { Mode = 0x5FF }, SetattrValid.Mode);
        (Rig.Caller.Uid, Rig.Caller.Gid) = (1000, 1000);
        var file = Rig.Stat(Rig.File(directory, "f"));
        var below = Rig.Stat(Rig.Mkdir(directory, "below"));
        var stripped = Rig.Stat(Rig.Mknod(directory, "x", FileMode.Regular | 0x5ED));
        Rig.Caller.SetGroups([777]);
        var kept = Rig.Stat(Rig.Mknod(directory, "y", FileMode.Regular | 0x5ED));
        Rig.Caller.SetGroups([]);
        (Rig.Caller.Uid, Rig.Caller.Gid) = (0, 0);
        Assert.Equal((1000u, 777u), (file.Uid, file.Gid));
        Assert.Equal(777u, below.Gid);
        Assert.Equal(FileMode.Directory | 0x5EDu, below.Mode);
        Assert.Equal(0x1EDu, stripped.Mode & FileMode.PermissionMask);
        Assert.Equal(0x5EDu, kept.Mode & FileMode.PermissionMask);
    }

    [Fact]
    public void ModeBitsAreKeptAsSet()
    {
        var gfid = Rig.File(Gfid.Root, "f");
        Setattr(gfid, new Iatt { Mode = 0xFFF }, SetattrValid.Mode);
        Assert.Equal(FileMode.Regular | 0xFFFu, Rig.Stat(gfid).Mode);

        // A change of owner takes the set-id bits of a regular file away.
        Setattr(gfid, new Iatt { Uid = 5, Gid = 6 }, SetattrValid.Uid | SetattrValid.Gid);
        var iatt = Rig.Stat(gfid);
        Assert.Equal((5u, 6u), (iatt.Uid, iatt.Gid));
        Assert.Equal(FileMode.Regular | 0x3FFu, iatt.Mode);

        // A write by somebody else than root does so too.
        Setattr(gfid, new Iatt { Mode = 0xDED }, SetattrValid.Mode);
        var fd = Rig.Open(gfid);
        Rig.Caller.Uid = 5;
        Rig.Write(fd, 0, "x");
        Rig.Caller.Uid = 0;
        Assert.Equal(FileMode.Regular | 0x1EDu, Rig.Stat(gfid).Mode);
        Rig.Release(fd);
    }

    [Fact]
    public void TimesAreSetOneByOne()
    {
        var gfid = Rig.File(Gfid.Root, "f");
        var before = Rig.Stat(gfid);
        Setattr(gfid, new Iatt { Mtime = 1_000_000_000, MtimeNsec = 123 }, SetattrValid.Mtime);
        var mtime = Rig.Stat(gfid);
        Assert.Equal((1_000_000_000L, 123u), (mtime.Mtime, mtime.MtimeNsec));
        Assert.Equal((before.Atime, before.AtimeNsec), (mtime.Atime, mtime.AtimeNsec));
        Setattr(gfid, new Iatt { Atime = -5, AtimeNsec = 999_999_999 }, SetattrValid.Atime);
        var atime = Rig.Stat(gfid);
        Assert.Equal((-5L, 999_999_999u), (atime.Atime, atime.AtimeNsec));
        Assert.Equal(1_000_000_000L, atime.Mtime);
        Assert.True(atime.Ctime >= before.Ctime);
    }

    [Fact]
    public void ChangesOfNamesChangeTheTimesOfTheDirectory()
    {
        var directory = Rig.Mkdir(Gfid.Root, "d");
        Setattr(directory, new Iatt { Mtime = 1000 }, SetattrValid.Mtime);
        Rig.File(directory, "f");
        Assert.NotEqual(1000, Rig.Stat(directory).Mtime);
        Setattr(directory, new Iatt { Mtime = 1000 }, SetattrValid.Mtime);
        Rig.Rename(directory, "f", directory, "g");
        Assert.NotEqual(1000, Rig.Stat(directory).Mtime);
        Setattr(directory, new Iatt { Mtime = 1000 }, SetattrValid.Mtime);
        Rig.Unlink(directory, "g");
        Assert.NotEqual(1000, Rig.Stat(directory).Mtime);
    }

    [Fact]
    public void AttributesAreSetListedAndRemoved()
    {
        foreach (var gfid in new[] { Rig.File(Gfid.Root, "f"), Rig.Mkdir(Gfid.Root, "d"), Rig.Symlink(Gfid.Root, "l", "t") })
        {
            Assert.Null(Rig.Getxattr(gfid, "trusted.a"));
            Assert.Equal(Errno.Ok, Rig.Setxattr(gfid, "trusted.a", [1, 2, 3]));
            Assert.Equal(Errno.Ok, Rig.Setxattr(gfid, "trusted.empty", []));
            Assert.Equal([1, 2, 3], Rig.Getxattr(gfid, "trusted.a")!);
            Assert.Equal([], Rig.Getxattr(gfid, "trusted.empty")!);
            Assert.Equal(Errno.EEXIST, Rig.Setxattr(gfid, "trusted.a", [4], SetxattrFlags.Create));
            Assert.Equal(Errno.ENODATA, Rig.Setxattr(gfid, "trusted.b", [4], SetxattrFlags.Replace));
            Assert.Equal(Errno.Ok, Rig.Setxattr(gfid, "trusted.a", [4], SetxattrFlags.Replace));
            Assert.Equal(["trusted.a", "trusted.empty"], NamesOf(gfid));
            Assert.Equal(Errno.Ok, Removexattr(gfid, "trusted.a"));
            Assert.Equal(Errno.ENODATA, Removexattr(gfid, "trusted.a"));
            Assert.Equal(["trusted.empty"], NamesOf(gfid));
        }
    }

    [Theory]
    [InlineData("trusted.gfid", Errno.EPERM)]
    [InlineData("trusted.glusterfs.volume-id", Errno.EPERM)]
    [InlineData("trusted.gfid2path.0123456789abcdef", Errno.EPERM)]
    [InlineData("nonsense", Errno.EOPNOTSUPP)]
    [InlineData("glusterfs.nonsense", Errno.EOPNOTSUPP)]
    [InlineData("trusted.glusterfs.mdata", Errno.EINVAL)]
    public void TheAttributesOfTheBrickAreRefused(string name, Errno expected)
    {
        var gfid = Rig.File(Gfid.Root, "f");
        Assert.Equal(expected, Rig.Setxattr(gfid, name, [1]));
        Assert.Equal(gfid, Rig.Lookup(Gfid.Root, "f").Gfid);
        var hasTimes = Rig.StampsEveryInode && name == "trusted.glusterfs.mdata";
        Assert.Equal(hasTimes ? Errno.Ok : Errno.ENODATA, Rig.TryGetxattr(gfid, name));
    }

    [Fact]
    public void TooLongNamesAndValuesAreRefused()
    {
        var gfid = Rig.File(Gfid.Root, "f");
        Assert.Equal(Errno.ERANGE, Rig.Setxattr(gfid, "user." + new string('n', 251), [1]));
        Assert.Equal(Errno.E2BIG, Rig.Setxattr(gfid, "user.big", new byte[65537]));
        Assert.Equal(Errno.Ok, Rig.Setxattr(gfid, "user." + new string('n', 250), [1]));
    }

    [Fact]
    public void AttributesComeWithALookupThatAsks()
    {
        var gfid = Rig.File(Gfid.Root, "f", "small");
        Rig.Setxattr(gfid, "trusted.afr.dirty", new byte[12]);
        Rig.Setxattr(gfid, "user.DosStream.one", [1]);
        Rig.Setxattr(gfid, "user.DosStream.two", [2]);
        var request = XData.Rent();
        request.SetInt("trusted.afr.dirty"u8, 12);
        request.SetInt("trusted.afr.absent"u8, 12);
        request.SetInt("user.DosStream.*"u8, 0);
        request.SetInt("trusted.gfid"u8, 0);
        request.SetUInt("glusterfs.content"u8, 65536);
        request.SetUInt("glusterfs.open-fd-count"u8, 4);
        var fop = new LookupFop { Parent = Gfid.Root, Name = "f", XData = request };
        var reply = StorageRig.Wait(Rig.Store.Lookup(in fop, Rig.Caller));
        Assert.True(reply.XData!.TryGetBytes("trusted.afr.dirty"u8, out var dirty));
        Assert.Equal(12, dirty.Length);
        Assert.True(reply.XData.Contains("user.DosStream.one"u8));
        Assert.True(reply.XData.Contains("user.DosStream.two"u8));
        Assert.False(reply.XData.Contains("trusted.afr.absent"u8));
        Assert.False(reply.XData.Contains("trusted.gfid"u8));
        Assert.True(reply.XData.TryGetBytes("glusterfs.content"u8, out var content));
        Assert.Equal("small", Encoding.UTF8.GetString(content));
        Assert.True(reply.XData.TryGetInt("glusterfs.open-fd-count"u8, out var count));
        Assert.Equal(0, count);
        reply.Release();
        var fd = Rig.Open(gfid);
        count = StorageRig.Ok(
            Rig.Store.Lookup(in fop, Rig.Caller), r => r.XData!.TryGetInt("glusterfs.open-fd-count"u8, out var c) ? c : -1);
        Assert.Equal(1, count);
        Rig.Release(fd);
        request.Release();
    }

    [Fact]
    public void ArithmeticOnAttributesAnswersTheNewValues()
    {
        var gfid = Rig.File(Gfid.Root, "f");
        Assert.Equal([0, 0, 0, 0], Xattrop(gfid, XattropKind.AddArray32, "trusted.a", new byte[4]));
        Assert.Null(Rig.Getxattr(gfid, "trusted.a"));
        Assert.Equal([0, 0, 0, 5], Xattrop(gfid, XattropKind.AddArray32, "trusted.a", [0, 0, 0, 5]));
        Assert.Equal([0, 0, 0, 3], Xattrop(gfid, XattropKind.AddArray32, "trusted.a", [255, 255, 255, 254]));
        Assert.Equal([0, 0, 0, 3], Rig.Getxattr(gfid, "trusted.a")!);
        Assert.Equal([0, 0, 0, 7], Xattrop(gfid, XattropKind.Or, "trusted.a", [0, 0, 0, 4]));
        Assert.Equal([0, 0, 0, 5], Xattrop(gfid, XattropKind.And, "trusted.a", [0, 0, 0, 13]));
        Assert.Equal([0, 0, 0, 5], Xattrop(gfid, XattropKind.GetAndSet, "trusted.a", [9, 9, 9, 9]));
        Assert.Equal([9, 9, 9, 9], Rig.Getxattr(gfid, "trusted.a")!);
        var sum = Xattrop(gfid, XattropKind.AddArray64, "trusted.b", [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        Assert.Equal(1L << 32, BinaryPrimitives.ReadInt64BigEndian(sum));
        Assert.Equal(Errno.EINVAL, TryXattrop(gfid, XattropKind.AddArray32, "trusted.c", new byte[3]));
        Assert.Equal(Errno.EINVAL, TryXattrop(gfid, (XattropKind)77, "trusted.c", new byte[4]));
        Assert.Equal(Errno.EPERM, TryXattrop(gfid, XattropKind.AddArray32, "trusted.gfid", new byte[16]));
        Assert.Equal(gfid, Rig.Lookup(Gfid.Root, "f").Gfid);
    }

    [Fact]
    public void ASetThatAsksGetsTheIatts()
    {
        var gfid = Rig.File(Gfid.Root, "f");
        var values = XData.Rent();
        values.SetBytes("user.a"u8, [1]);
        var request = XData.Rent();
        request.SetInt("dht-get-iatt-in-xattr"u8, 1);
        var reply = StorageRig.Wait(Rig.Store.Setxattr(
            new SetxattrFop { Gfid = gfid, Values = values, XData = request }, Rig.Caller));
        foreach (var key in new[] { "virt-gf-prestat", "virt-gf-poststat", "dht-get-iatt-in-xattr" })
        {
            Assert.True(reply.XData!.TryGetIatt(Encoding.ASCII.GetBytes(key), out var iatt));
            Assert.Equal(gfid, iatt.Gfid);
        }

        reply.Release();
    }

    [Fact]
    public void TheGfidIsAnsweredAsText()
    {
        var gfid = Rig.File(Gfid.Root, "f");
        Assert.Equal(gfid.ToString(), Encoding.ASCII.GetString(Rig.Getxattr(gfid, "glusterfs.gfid.string")!));
    }

    private void Setattr(Gfid gfid, Iatt iatt, SetattrValid valid) => StorageRig.Ok(
        Rig.Store.Setattr(new SetattrFop { Gfid = gfid, Iatt = iatt, Valid = valid }, Rig.Caller), r => r.Post);

    private Errno Removexattr(Gfid gfid, string name) =>
        StorageRig.Outcome(Rig.Store.Removexattr(new RemovexattrFop { Gfid = gfid, Name = name }, Rig.Caller));

    private List<string> NamesOf(Gfid gfid) => StorageRig.Ok(
        Rig.Store.Getxattr(new GetxattrFop { Gfid = gfid }, Rig.Caller),
        reply =>
        {
            var names = new List<string>();
            foreach (var pair in reply.Values!)
            {
                names.Add(Encoding.UTF8.GetString(pair.Key));
            }

            return names.Order(StringComparer.Ordinal).ToList();
        });

    private byte[] Xattrop(Gfid gfid, XattropKind kind, string name, byte[] operand)
    {
        var key = Encoding.UTF8.GetBytes(name);
        var values = XData.Rent();
        values.SetBytes(key, operand);
        var result = StorageRig.Ok(
            Rig.Store.Xattrop(new XattropFop { Gfid = gfid, Kind = kind, Values = values }, Rig.Caller),
            r => r.Values!.TryGetBytes(key, out var bytes) ? bytes.ToArray() : []);
        values.Release();
        return result;
    }

    private Errno TryXattrop(Gfid gfid, XattropKind kind, string name, byte[] operand)
    {
        var values = XData.Rent();
        values.SetBytes(Encoding.UTF8.GetBytes(name), operand);
        var error = StorageRig.Outcome(
            Rig.Store.Xattrop(new XattropFop { Gfid = gfid, Kind = kind, Values = values }, Rig.Caller));
        values.Release();
        return error;
    }
}
