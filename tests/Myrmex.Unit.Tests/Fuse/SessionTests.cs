using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>Requests of a kernel against a brick in memory.</summary>
public sealed class SessionTests : IDisposable
{
    private const ulong Root = InodeTable.RootNode;

    private readonly ManualTime _time = new();
    private readonly TestGraphs _graphs;
    private readonly TestKernel _kernel;

    public SessionTests()
    {
        _graphs = TestGraphs.MemoryWithLocks(_time);
        _kernel = new TestKernel(_graphs, time: _time);
    }

    public void Dispose() => _kernel.Dispose();

    [Fact]
    public void WhatIsWrittenIsRead()
    {
        var file = _kernel.Create(Root, "a");
        var data = Enumerable.Range(0, 300_000).Select(i => (byte)(i * 7)).ToArray();
        _kernel.Write(file.Entry.Node, file.Open.Handle, 0, data);
        Assert.Equal(data, _kernel.Read(file.Entry.Node, file.Open.Handle, 0, 1 << 20));
        Assert.Equal(data[100..200], _kernel.Read(file.Entry.Node, file.Open.Handle, 100, 100));
        Assert.Empty(_kernel.Read(file.Entry.Node, file.Open.Handle, 300_000, 100));
        Assert.Equal(300_000UL, _kernel.Getattr(file.Entry.Node).Attr.Size);
    }

    [Fact]
    public void NothingIsLeftAfterEverythingIsForgotten()
    {
        var directory = _kernel.Mkdir(Root, "d");
        var file = _kernel.Create(directory.Node, "f");
        _kernel.Lookup(directory.Node, "f");
        var (error, listing) = List(directory.Node, FuseOpcode.Readdirplus, 65536);
        Assert.Equal(Errno.Ok, error);
        var listed = Entries(listing).Single(entry => entry.Name == "f");
        Assert.Equal(file.Entry.Node, listed.Node);
        Assert.Equal(4, (int)_kernel.Session.Inodes.LookupsOutstanding);
        _kernel.Release(file.Entry.Node, file.Open.Handle);
        _kernel.Forget(file.Entry.Node, 3);
        _kernel.Post(
            FuseOpcode.BatchForget, 0,
            TestKernel.Bytes(new FuseBatchForgetIn { Count = 1 }),
            TestKernel.Bytes(new FuseForgetOne { Node = directory.Node, Lookups = 1 }));
        Assert.Equal(0UL, _kernel.Session.Inodes.LookupsOutstanding);
        Assert.Equal(1, _kernel.Session.Inodes.Count);
        Assert.Equal(0, _kernel.Session.Files.Count);
        Assert.Equal(0, _graphs.Graph.Users);
    }

    [Fact]
    public void AReplyTheKernelDoesNotTakeLeavesNothingBehind()
    {
        _kernel.SendResult = Errno.ENOENT;
        var file = _kernel.Create(Root, "a");
        _kernel.Mkdir(Root, "d");
        _kernel.Lookup(Root, "a");
        Assert.NotEqual(0UL, file.Open.Handle);
        Assert.Equal(0, _kernel.Session.Files.Count);
        Assert.Equal(1, _kernel.Session.Inodes.Count);
        Assert.Equal(0, _graphs.Graph.Users);
        _kernel.SendResult = Errno.Ok;
        var handle = Opendir(Root);
        _kernel.SendResult = Errno.ENOENT;
        ReadDirectory(Root, handle, 0, FuseOpcode.Readdirplus, 65536);
        Assert.Equal(1, _kernel.Session.Inodes.Count);
    }

    [Fact]
    public void AMissingNameIsRememberedOnlyWhenTheMountSaysSo()
    {
        Assert.Equal(Errno.ENOENT, _kernel.Call(FuseOpcode.Lookup, Root, TestKernel.Text("no")).Error);
        using var kernel = new TestKernel(
            TestGraphs.Memory(_time), new FuseOptions { NegativeTimeoutNs = 2_500_000_000 }, _time);
        var (error, body) = kernel.Call(FuseOpcode.Lookup, Root, TestKernel.Text("no"));
        var entry = MemoryMarshal.Read<FuseEntryOut>(body);
        Assert.Equal((Errno.Ok, 0UL, 2UL, 500_000_000u), (error, entry.Node, entry.EntryValid, entry.EntryValidNsec));
    }

    [Fact]
    public void NamesAreChecked()
    {
        Assert.Equal(Errno.ENAMETOOLONG, _kernel.Call(FuseOpcode.Lookup, Root, TestKernel.Text(new string('x', 256))).Error);
        Assert.Equal(Errno.ENOENT, _kernel.Call(FuseOpcode.Lookup, Root, TestKernel.Text(new string('x', 255))).Error);
        Assert.Equal(Errno.EINVAL, _kernel.Call(FuseOpcode.Lookup, Root, TestKernel.Text("a/b")).Error);
        Assert.Equal(Errno.EINVAL, _kernel.Call(FuseOpcode.Lookup, Root, TestKernel.Text("")).Error);
        Assert.Equal(Errno.EIO, _kernel.Call(FuseOpcode.Lookup, Root, "abc"u8.ToArray()).Error);
        Assert.Equal(Errno.ESTALE, _kernel.Call(FuseOpcode.Lookup, 4711, TestKernel.Text("a")).Error);
    }

    [Fact]
    public void AttributesAfterAChangeAreAnsweredHereAndAreRight()
    {
        var file = _kernel.Create(Root, "a");
        _kernel.Write(file.Entry.Node, file.Open.Handle, 0, new byte[10]);
        var before = Counter("getattr-answered-here");
        Assert.Equal(10UL, _kernel.Getattr(file.Entry.Node).Attr.Size);
        _kernel.Mkdir(Root, "d");
        Assert.Equal(3u, _kernel.Getattr(Root).Attr.Nlink);
        Assert.Equal(before + 2, Counter("getattr-answered-here"));
        _time.Advance(1000);
        Assert.Equal(10UL, _kernel.Getattr(file.Entry.Node).Attr.Size);
        Assert.Equal(before + 2, Counter("getattr-answered-here"));
    }

    [Fact]
    public void LinkCountsAreRightAfterUnlinkAndRename()
    {
        var file = _kernel.Create(Root, "a");
        var (error, body) = _kernel.Call(
            FuseOpcode.Link, Root, TestKernel.Bytes(new FuseLinkIn { OldNode = file.Entry.Node }), TestKernel.Text("b"));
        Assert.Equal(Errno.Ok, error);
        Assert.Equal(file.Entry.Node, MemoryMarshal.Read<FuseEntryOut>(body).Node);
        Assert.Equal(2u, _kernel.Getattr(file.Entry.Node).Attr.Nlink);
        Assert.Equal(Errno.Ok, _kernel.Call(FuseOpcode.Unlink, Root, TestKernel.Text("b")).Error);
        Assert.Equal(1u, _kernel.Getattr(file.Entry.Node).Attr.Nlink);
        _kernel.Create(Root, "c");
        Assert.Equal(Errno.Ok, Rename("c", "a"));
        Assert.Equal(0u, _kernel.Getattr(file.Entry.Node).Attr.Nlink);
    }

    [Fact]
    public void AnUnlinkedOpenFileIsServedThroughItsHandle()
    {
        var file = _kernel.Create(Root, "a");
        var node = file.Entry.Node;
        _kernel.Write(node, file.Open.Handle, 0, "hello"u8.ToArray());
        Assert.Equal(Errno.Ok, _kernel.Call(FuseOpcode.Unlink, Root, TestKernel.Text("a")).Error);
        var attr = _kernel.Getattr(node).Attr;
        Assert.Equal((5UL, 0u), (attr.Size, attr.Nlink));
        Assert.Equal(Errno.Ok, Setattr(node, new FuseSetattrIn { Valid = FuseSetattrValid.Mode, Mode = FileMode.Regular | 0x180 }).Error);
        Assert.Equal(0x180u, _kernel.Getattr(node).Attr.Mode & 0xFFF);
        Assert.Equal(Errno.Ok, Setxattr(node, "user.x", "v"u8.ToArray()));
        Assert.Equal("v"u8.ToArray(), Getxattr(node, "user.x", 100).Body);
        Assert.Equal("hello"u8.ToArray(), _kernel.Read(node, file.Open.Handle, 0, 100));
    }

    [Fact]
    public void RenameWithNoReplaceSeesWhatOthersHaveMadeMeanwhile()
    {
        _kernel.Create(Root, "a");
        _kernel.Create(Root, "b");
        Assert.Equal(Errno.EEXIST, Rename2("a", "b", FuseBits.RenameNoReplace));
        Assert.Equal(Errno.EINVAL, Rename2("a", "b", flags: 2));
        Assert.Equal(Errno.Ok, Rename2("a", "c", FuseBits.RenameNoReplace));
        _kernel.Lookup(Root, "c");
    }

    [Fact]
    public void CreateOfAFileThatIsThereOpensIt()
    {
        var first = _kernel.Create(Root, "a");
        _kernel.Write(first.Entry.Node, first.Open.Handle, 0, new byte[7]);
        var second = _kernel.Create(Root, "a");
        Assert.Equal(first.Entry.Node, second.Entry.Node);
        Assert.NotEqual(first.Open.Handle, second.Open.Handle);
        var (error, _) = _kernel.Call(
            FuseOpcode.Create, Root,
            TestKernel.Bytes(new FuseCreateIn { Flags = OpenFlags.Create | OpenFlags.Exclusive | 2, Mode = 0x81A4 }),
            TestKernel.Text("a"));
        Assert.Equal(Errno.EEXIST, error);
    }

    [Fact]
    public void DirectOpensTellTheKernelToWriteInParallel()
    {
        var direct = _kernel.Create(Root, "a", OpenFlags.ReadWrite | OpenFlags.Direct);
        Assert.Equal(FuseOpenReplyFlags.DirectIO | FuseOpenReplyFlags.ParallelDirectWrites, direct.Open.OpenFlags);
        Assert.Equal(FuseOpenReplyFlags.None, _kernel.Create(Root, "b").Open.OpenFlags);
    }

    [Fact]
    public void AnAppendGoesToTheEndAndAPageWrittenBackToItsPlace()
    {
        var file = _kernel.Create(Root, "a", OpenFlags.ReadWrite | OpenFlags.Append);
        var (node, handle) = (file.Entry.Node, file.Open.Handle);
        _kernel.Write(node, handle, 0, "abc"u8.ToArray());
        _kernel.Write(node, handle, 0, "def"u8.ToArray());
        _kernel.Write(node, handle, 1, "X"u8.ToArray(), FuseBits.WriteCache);
        Assert.Equal("aXcdef"u8.ToArray(), _kernel.Read(node, handle, 0, 100));
    }

    [Fact]
    public void AppendingOpensBypassTheCache()
    {
        var appending = _kernel.Create(Root, "a", OpenFlags.ReadWrite | OpenFlags.Append);
        Assert.True((appending.Open.OpenFlags & FuseOpenReplyFlags.DirectIO) != 0);
    }

    [Fact]
    public void ALargeDirectoryIsListedCompletelyWhateverTheKernelsRoom()
    {
        var directory = _kernel.Mkdir(Root, "d");
        var names = Enumerable.Range(0, 1500).Select(i => $"file-{i:0000}").ToArray();
        foreach (var name in names)
        {
            _kernel.Forget(_kernel.Mkdir(directory.Node, name).Node, 1);
        }

        foreach (var (opcode, size) in new[] { (FuseOpcode.Readdirplus, 4096u), (FuseOpcode.Readdir, 4096u), (FuseOpcode.Readdirplus, 65536u) })
        {
            var found = new List<string>();
            var handle = Opendir(directory.Node);
            ulong offset = 0;
            while (ReadDirectory(directory.Node, handle, offset, opcode, size) is { Length: > 0 } listing)
            {
                var entries = Entries(listing, opcode == FuseOpcode.Readdirplus).ToArray();
                Assert.True(listing.Length <= size);
                Assert.DoesNotContain(entries, entry => entry.Ino == 0);
                found.AddRange(entries.Select(entry => entry.Name));
                offset = entries[^1].Offset;
            }

            Assert.Equal(names, found.Where(name => name[0] != '.').Order());
            Release(directory.Node, handle);
        }
    }

    [Fact]
    public void AKeptListingDoesNotBringBackWhatWasRemoved()
    {
        var directory = _kernel.Mkdir(Root, "d");
        for (var i = 0; i < 100; i++)
        {
            _kernel.Forget(_kernel.Mkdir(directory.Node, $"n{i:00}").Node, 1);
        }

        var handle = Opendir(directory.Node);
        var first = Entries(ReadDirectory(directory.Node, handle, 0, FuseOpcode.Readdirplus, 4096)).ToArray();
        Assert.Contains(first, entry => entry.Node != 0);
        Assert.Equal(Errno.Ok, _kernel.Call(FuseOpcode.Rmdir, directory.Node, TestKernel.Text("n99")).Error);
        var rest = Entries(ReadDirectory(directory.Node, handle, first[^1].Offset, FuseOpcode.Readdirplus, 4096)).ToArray();
        Assert.NotEmpty(rest);
        Assert.All(rest, entry => Assert.Equal(0UL, entry.Node));
    }

    [Fact]
    public void ExtendedAttributesAnswerSizesAndErange()
    {
        var node = _kernel.Create(Root, "a").Entry.Node;
        Assert.Equal(Errno.Ok, Setxattr(node, "user.one", "12345"u8.ToArray()));
        Assert.Equal(Errno.Ok, Setxattr(node, "user.two", []));
        Assert.Equal(5u, MemoryMarshal.Read<FuseGetxattrOut>(Getxattr(node, "user.one", 0).Body).Size);
        Assert.Equal(Errno.ERANGE, Getxattr(node, "user.one", 4).Error);
        Assert.Equal("12345"u8.ToArray(), Getxattr(node, "user.one", 5).Body);
        Assert.Equal(Errno.Ok, Getxattr(node, "user.two", 5).Error);
        Assert.Equal(Errno.ENODATA, Getxattr(node, "user.three", 5).Error);
        Assert.Equal(18u, MemoryMarshal.Read<FuseGetxattrOut>(Listxattr(node, 0).Body).Size);
        Assert.Equal(Errno.ERANGE, Listxattr(node, 17).Error);
        Assert.Equal(["user.one", "user.two"], Names(Listxattr(node, 18).Body));
        Assert.Equal(Errno.Ok, _kernel.Call(FuseOpcode.Removexattr, node, TestKernel.Text("user.one")).Error);
        Assert.Equal(Errno.ENODATA, Getxattr(node, "user.one", 5).Error);
        Assert.Equal(Errno.EOPNOTSUPP, Getxattr(node, "system.posix_acl_access", 5).Error);
    }

    [Fact]
    public void WritesByTheUnprivilegedTakeSuidAway()
    {
        var file = _kernel.Create(Root, "a", mode: 0xDED);
        _kernel.Write(file.Entry.Node, file.Open.Handle, 0, new byte[1]);
        Assert.Equal(0xDEDu, _kernel.Getattr(file.Entry.Node).Attr.Mode & 0xFFF);
        _kernel.Write(file.Entry.Node, file.Open.Handle, 0, new byte[1], FuseBits.WriteKillSuidSgid);
        Assert.Equal(0x1EDu, _kernel.Getattr(file.Entry.Node).Attr.Mode & 0xFFF);
    }

    [Fact]
    public void NowIsTheTimeOfThisClient()
    {
        var node = _kernel.Create(Root, "a").Entry.Node;
        var (error, body) = Setattr(node, new FuseSetattrIn
        {
            Valid = FuseSetattrValid.Atime | FuseSetattrValid.Mtime | FuseSetattrValid.MtimeNow,
            Atime = 17,
            AtimeNsec = 5,
        });
        var attr = MemoryMarshal.Read<FuseAttrOut>(body).Attr;
        Assert.Equal(Errno.Ok, error);
        Assert.Equal((17UL, 5u), (attr.Atime, attr.AtimeNsec));
        Assert.Equal((1_700_000_000UL, 123_456_789u), (attr.Mtime, attr.MtimeNsec));
    }

    [Theory]
    [InlineData(FuseOpcode.Access, Errno.ENOSYS)]
    [InlineData(FuseOpcode.Poll, Errno.ENOSYS)]
    [InlineData(FuseOpcode.Bmap, Errno.ENOSYS)]
    [InlineData(FuseOpcode.Tmpfile, Errno.ENOSYS)]
    [InlineData(FuseOpcode.Syncfs, Errno.ENOSYS)]
    [InlineData(FuseOpcode.Ioctl, Errno.ENOTTY)]
    [InlineData(FuseOpcode.Destroy, Errno.Ok)]
    [InlineData((FuseOpcode)4096, Errno.ENOSYS)]
    internal void WhatIsNotServedSaysSo(FuseOpcode opcode, Errno expected) =>
        Assert.Equal(expected, _kernel.Call(opcode, Root, new byte[128]).Error);

    [Fact]
    public void AnInvalidationMakesTheNextAttributesComeFromTheGraph()
    {
        var file = _kernel.Create(Root, "a");
        _kernel.Getattr(file.Entry.Node);
        var here = Counter("getattr-answered-here");
        Assert.True(_kernel.Session.Inodes.TryGetGfid(file.Entry.Node, out var gfid));
        _graphs.Raise(new GraphEvent(GraphEventKind.Invalidate, gfid, Flags: 8));
        _kernel.Getattr(file.Entry.Node);
        Assert.Equal(here, Counter("getattr-answered-here"));
    }

    [Fact]
    public void AHandleThatNobodyGaveOutIsRefused()
    {
        Assert.Equal(Errno.EBADF, _kernel.Call(FuseOpcode.Read, Root, TestKernel.Bytes(new FuseReadIn { Handle = 77, Size = 1 })).Error);
        var file = _kernel.Create(Root, "a");
        _kernel.Release(file.Entry.Node, file.Open.Handle);
        Assert.Equal(
            Errno.EBADF,
            _kernel.Call(FuseOpcode.Read, file.Entry.Node, TestKernel.Bytes(new FuseReadIn { Handle = file.Open.Handle, Size = 1 })).Error);
    }

    [Fact]
    public void AnOpenFileMovesToTheNewGraphAndAnUnlinkedOneStays()
    {
        var kept = _kernel.Create(Root, "kept");
        var gone = _kernel.Create(Root, "gone");
        _kernel.Write(kept.Entry.Node, kept.Open.Handle, 0, "kept"u8.ToArray());
        _kernel.Write(gone.Entry.Node, gone.Open.Handle, 0, "gone"u8.ToArray());
        Assert.Equal(Errno.Ok, _kernel.Call(FuseOpcode.Unlink, Root, TestKernel.Text("gone")).Error);
        var old = _graphs.Graph;
        Assert.Equal(2, old.Users);
        Assert.True(_kernel.Session.Inodes.TryGetGfid(gone.Entry.Node, out var gfid));
        _graphs.SwitchTo(new Forgetful(_time, old.Top, gfid));
        Assert.Equal("kept"u8.ToArray(), _kernel.Read(kept.Entry.Node, kept.Open.Handle, 0, 10));
        Assert.Equal("gone"u8.ToArray(), _kernel.Read(gone.Entry.Node, gone.Open.Handle, 0, 10));
        Assert.Equal((1, 1), (old.Users, _graphs.Graph.Users));
        _kernel.Release(gone.Entry.Node, gone.Open.Handle);
        _kernel.Release(kept.Entry.Node, kept.Open.Handle);
        Assert.Equal((0, 0), (old.Users, _graphs.Graph.Users));
    }

    /// <summary>A graph that does not know one file.</summary>
    private sealed class Forgetful(ManualTime time, Translator below, Gfid gfid) : Translator(TestPlace.For(time, subvolume: below))
    {
        public override ValueTask<OpenReply> Open(in OpenFop fop, Call call) =>
            fop.Gfid == gfid ? new ValueTask<OpenReply>(OpenReply.Fail(Errno.ESTALE)) : base.Open(in fop, call);
    }

    private static IEnumerable<(string Name, ulong Node, ulong Offset, ulong Ino)> Entries(byte[] listing, bool plus = true)
    {
        var at = 0;
        while (at < listing.Length)
        {
            var entry = default(FuseDirentPlus);
            var head = plus ? FuseDirentPlus.Size : FuseDirent.Size;
            if (plus)
            {
                entry = MemoryMarshal.Read<FuseDirentPlus>(listing.AsSpan(at));
            }
            else
            {
                entry.Dirent = MemoryMarshal.Read<FuseDirent>(listing.AsSpan(at));
            }

            var name = Encoding.UTF8.GetString(listing, at + head, (int)entry.Dirent.NameLength);
            at += (head + name.Length + 7) & ~7;
            Assert.True(at <= listing.Length);
            yield return (name, entry.Entry.Node, entry.Dirent.Offset, entry.Dirent.Ino);
        }
    }

    private static string[] Names(byte[] list) =>
        [.. Encoding.UTF8.GetString(list).Split('\0', StringSplitOptions.RemoveEmptyEntries).Order()];

    private long Counter(string key)
    {
        var dump = new StateDump();
        _kernel.Session.DumpState(dump);
        var line = dump.ToString().Split('\n').FirstOrDefault(line => line.StartsWith(key + "=", StringComparison.Ordinal));
        return line is null ? 0 : long.Parse(line[(key.Length + 1)..]);
    }

    private ulong Opendir(ulong node)
    {
        var (error, body) = _kernel.Call(FuseOpcode.Opendir, node, TestKernel.Bytes(new FuseOpenIn { Flags = OpenFlags.Directory }));
        Assert.Equal(Errno.Ok, error);
        return MemoryMarshal.Read<FuseOpenOut>(body).Handle;
    }

    private byte[] ReadDirectory(ulong node, ulong handle, ulong offset, FuseOpcode opcode, uint size)
    {
        var (error, body) = _kernel.Call(
            opcode, node, TestKernel.Bytes(new FuseReadIn { Handle = handle, Offset = offset, Size = size }));
        Assert.Equal(Errno.Ok, error);
        return body;
    }

    private (Errno Error, byte[] Body) List(ulong node, FuseOpcode opcode, uint size)
    {
        var handle = Opendir(node);
        var listing = ReadDirectory(node, handle, 0, opcode, size);
        Release(node, handle);
        return (Errno.Ok, listing);
    }

    private void Release(ulong node, ulong handle) => Assert.Equal(
        Errno.Ok, _kernel.Call(FuseOpcode.Releasedir, node, TestKernel.Bytes(new FuseReleaseIn { Handle = handle })).Error);

    private Errno Rename(string from, string to) => _kernel.Call(
        FuseOpcode.Rename, Root, TestKernel.Bytes(new FuseRenameIn { NewParent = Root }), TestKernel.Text(from), TestKernel.Text(to)).Error;

    private Errno Rename2(string from, string to, uint flags) => _kernel.Call(
        FuseOpcode.Rename2, Root, TestKernel.Bytes(new FuseRename2In { NewParent = Root, Flags = flags }),
        TestKernel.Text(from), TestKernel.Text(to)).Error;

    private (Errno Error, byte[] Body) Setattr(ulong node, FuseSetattrIn argument) =>
        _kernel.Call(FuseOpcode.Setattr, node, TestKernel.Bytes(argument));

    private Errno Setxattr(ulong node, string name, byte[] value) => _kernel.Call(
        FuseOpcode.Setxattr, node, TestKernel.Bytes(new FuseSetxattrIn { Size = (uint)value.Length }), TestKernel.Text(name), value).Error;

    private (Errno Error, byte[] Body) Getxattr(ulong node, string name, uint size) => _kernel.Call(
        FuseOpcode.Getxattr, node, TestKernel.Bytes(new FuseGetxattrIn { Size = size }), TestKernel.Text(name));

    private (Errno Error, byte[] Body) Listxattr(ulong node, uint size) =>
        _kernel.Call(FuseOpcode.Listxattr, node, TestKernel.Bytes(new FuseGetxattrIn { Size = size }));
}
