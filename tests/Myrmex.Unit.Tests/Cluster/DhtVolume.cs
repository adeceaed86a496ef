using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Dht;
using Myrmex.Features;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Storage;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>A clock that tests turn by hand.</summary>
internal sealed class TestClock : IClock
{
    private long _ns = 1_000_000_000_000;

    public long MonotonicNs => Volatile.Read(ref _ns);

    public long WallNs => Volatile.Read(ref _ns);

    public void Advance(long ns) => Interlocked.Add(ref _ns, ns);
}

internal sealed class TestRandom(int seed) : IRandom
{
    private readonly Random _random = new(seed);

    public void Fill(Span<byte> bytes)
    {
        lock (_random)
        {
            _random.NextBytes(bytes);
        }
    }
}

/// <summary>
/// What a brick does for the distribute translator beyond plain storage: the check of the parent's layout, the guards of
/// unlink, link files as further names of an inode, xattrs in listings.
/// </summary>
internal sealed class BrickRules(TranslatorPlace place) : Translator(place)
{
    private static ReadOnlySpan<byte> Layout => "trusted.glusterfs.dht"u8;

    private static ReadOnlySpan<byte> LinkTo => "trusted.glusterfs.dht.linkto"u8;

    /// <summary>Cookies as an ext4 brick has them: all 63 bits in use.</summary>
    public bool HasHashCookies { get; set; }

    public StatFs? Space { get; set; }

    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call)
    {
        if (Space is not { } space)
        {
            return Next.Statfs(in fop, call);
        }

        var reply = StatfsReply.Rent();
        reply.StatFs = space;
        return new(reply);
    }

    public override ValueTask<CreateReply> Create(in CreateFop fop, Call call)
    {
        if (!Passes(fop.Parent, fop.XData, call, out var cleaned))
        {
            return new(Refuse(CreateReply.Fail(Errno.EIO)));
        }

        var ask = fop with { XData = cleaned };
        return Next.Create(in ask, call);
    }

    public override ValueTask<MkdirReply> Mkdir(in MkdirFop fop, Call call)
    {
        if (!Passes(fop.Parent, fop.XData, call, out var cleaned))
        {
            return new(Refuse(MkdirReply.Fail(Errno.EIO)));
        }

        var ask = fop with { XData = cleaned };
        return Next.Mkdir(in ask, call);
    }

    public override ValueTask<SymlinkReply> Symlink(in SymlinkFop fop, Call call)
    {
        if (!Passes(fop.Parent, fop.XData, call, out var cleaned))
        {
            return new(Refuse(SymlinkReply.Fail(Errno.EIO)));
        }

        var ask = fop with { XData = cleaned };
        return Next.Symlink(in ask, call);
    }

    public override ValueTask<MknodReply> Mknod(in MknodFop fop, Call call)
    {
        if (!Passes(fop.Parent, fop.XData, call, out var cleaned))
        {
            return new(Refuse(MknodReply.Fail(Errno.EIO)));
        }

        Assert.True(cleaned!.TryGetGfid("gfid-req"u8, out var gfid));
        if (cleaned.Contains("glusterfs-internal-fop"u8) && Look(gfid, call) is { } existing)
        {
            var link = new LinkFop { Gfid = gfid, NewParent = fop.Parent, NewName = fop.Name };
            var linked = Next.Link(in link, call).AsTask().Result;
            var reply = linked.IsOk ? MknodReply.Rent() : MknodReply.Fail(linked.Error);
            reply.Iatt = linked.Iatt;
            linked.Release();
            existing.Release();
            return new(reply);
        }

        var ask = fop with { XData = cleaned };
        return Next.Mknod(in ask, call);
    }

    public override ValueTask<UnlinkReply> Unlink(in UnlinkFop fop, Call call)
    {
        if (fop.XData is { } xdata && xdata.Contains("unlink-only-if-dht-linkto-file"u8))
        {
            var request = XData.Rent();
            request.SetUInt(LinkTo, 256);
            request.SetUInt("glusterfs.open-fd-count"u8, 4);
            var ask = new LookupFop { Parent = fop.Parent, Name = fop.Name, XData = request };
            var reply = Next.Lookup(in ask, call).AsTask().Result;
            request.Release();
            var isLink = reply.IsOk && reply.Iatt.Mode == (FileMode.Regular | FileMode.Sticky)
                && reply.XData is not null && reply.XData.Contains(LinkTo);
            var isOpen = reply.IsOk && reply.XData!.TryGetInt("glusterfs.open-fd-count"u8, out var opens) && opens > 0
                && xdata.Contains("dont-unlink-for-open-fd"u8);
            var error = reply.Error;
            reply.Release();
            if (error == Errno.Ok && (!isLink || isOpen))
            {
                return new(UnlinkReply.Fail(Errno.EBUSY));
            }
        }

        return Next.Unlink(in fop, call);
    }

    public override ValueTask<ReaddirpReply> Readdirp(in ReaddirpFop fop, Call call)
    {
        var ask = fop with { Offset = HasHashCookies ? FromHash(fop.Offset) : fop.Offset };
        var reply = Next.Readdirp(in ask, call).AsTask().Result;
        for (var i = 0; reply.IsOk && i < reply.Entries.Count; i++)
        {
            ref var entry = ref reply.Entries[i];
            entry.Offset = HasHashCookies ? (ulong)ToHash((long)entry.Offset) : entry.Offset;
            if (fop.XData is { } xdata && xdata.Contains(LinkTo) && entry.Iatt.IsRegular)
            {
                var get = new GetxattrFop { Gfid = entry.Iatt.Gfid, Name = Myrmex.Base.Name.From(LinkTo) };
                var got = Next.Getxattr(in get, call).AsTask().Result;
                if (got.IsOk)
                {
                    got.Values!.TryGetBytes(LinkTo, out var value);
                    entry.XData = XData.Rent();
                    entry.XData.SetBytes(LinkTo, value);
                }

                got.Release();
            }
        }

        return new(reply);
    }

    // Neighbours share their upper 40 bits now and then, as colliding hashes do.
    private static long ToHash(long cookie) => cookie == 0 ? 0 : 0x4000_0000_0000_0001 + ((cookie / 3) << 30) + (cookie % 3);

    private static long FromHash(long hash)
    {
        if (hash == 0)
        {
            return 0;
        }

        // The first position not before the hash, as a seek does.
        var at = 1L;
        while (ToHash(at) < hash)
        {
            at++;
        }

        return ToHash(at) == hash ? at : at - 1;
    }

    private bool Passes(Gfid parent, XData? xdata, Call call, out XData? cleaned)
    {
        cleaned = xdata;
        if (xdata is null || !xdata.Contains("glusterfs.preop.parent.key"u8))
        {
            return true;
        }

        Assert.True(xdata.TryGetBytes(Layout, out var expected));
        var get = new GetxattrFop { Gfid = parent, Name = Myrmex.Base.Name.From(Layout) };
        var reply = Next.Getxattr(in get, call).AsTask().Result;
        var equal = reply.IsOk && reply.Values!.TryGetBytes(Layout, out var actual) && actual.SequenceEqual(expected);
        reply.Release();
        cleaned = xdata.Clone();
        cleaned.Remove(Layout);
        cleaned.Remove("glusterfs.preop.parent.key"u8);
        return equal;
    }

    private static TReply Refuse<TReply>(TReply reply)
        where TReply : Reply
    {
        reply.NeedXData().SetInt("glusterfs.preop.check.failed"u8, 1);
        return reply;
    }

    private LookupReply? Look(Gfid gfid, Call call)
    {
        var ask = new LookupFop { Gfid = gfid };
        var reply = Next.Lookup(in ask, call).AsTask().Result;
        if (reply.IsOk)
        {
            return reply;
        }

        reply.Release();
        return null;
    }
}

/// <summary>What a test wants to happen at one subvolume.</summary>
internal sealed class ProbeState
{
    public bool IsDown { get; set; }

    /// <summary>Fops leave the caller's thread before they are done.</summary>
    public bool IsSlow { get; set; }

    /// <summary>The way to the subvolume, awaited once by the request and once by the reply.</summary>
    public Func<Task>? Travel { get; set; }

    /// <summary>Asked before each fop; an errno fails it without effect.</summary>
    public Func<FopCode, object, Errno>? Inject { get; set; }

    public List<(FopCode Code, object Fop)>? Seen { get; set; }
}

internal readonly struct ProbePolicy(ProbeState state) : IFopPolicy
{
    public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (state.IsDown)
        {
            return new(TReply.Fail(Errno.ENOTCONN));
        }

        if (state.Seen is { } seen)
        {
            lock (seen)
            {
                seen.Add((TFop.Code, fop));
            }
        }

        if (state.Inject?.Invoke(TFop.Code, fop) is { } error and not Errno.Ok)
        {
            return new(TReply.Fail(error));
        }

        return state.Travel is { } travel ? Travelled<TFop, TReply>(next, fop, call, travel)
            : state.IsSlow ? Later<TFop, TReply>(next, fop, call)
            : TFop.Invoke(next, in fop, call);
    }

    private static async ValueTask<TReply> Travelled<TFop, TReply>(
        Translator next, TFop fop, Call call, Func<Task> travel)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        await travel();
        var reply = await TFop.Invoke(next, in fop, call);
        await travel();
        return reply;
    }

    private static async ValueTask<TReply> Later<TFop, TReply>(Translator next, TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        await Task.Yield();
        return await TFop.Invoke(next, in fop, call);
    }
}

/// <summary>The subvolume the distribute translator sees.</summary>
internal sealed class Probe(TranslatorPlace place, ProbeState state) : Uniform<ProbePolicy>(place, new ProbePolicy(state));

/// <summary>The bricks of a volume: memory, lock service and brick rules each. Several clients may share them.</summary>
internal sealed class DhtBricks
{
    private int _slots;

    public DhtBricks(int count, Func<int, string>? nameOf = null, bool locks = true)
    {
        Clock = new TestClock();
        Seams = new Seams(Clock, new TestRandom(1), new ManualTime(), null!, null!); // Timers never fire.
        for (var i = 0; i < count; i++)
        {
            Add(nameOf?.Invoke(i) ?? $"v-client-{i}", locks);
        }
    }

    /// <summary>Bricks without <see cref="BrickRules"/>: what a brick promises, the memory brick keeps by itself.</summary>
    public DhtBricks(int count, Seams seams)
    {
        Clock = new TestClock();
        Seams = seams;
        for (var i = 0; i < count; i++)
        {
            Add($"v-client-{i}", locks: true, rules: false);
        }
    }

    /// <summary>The clock, unless the seams were given.</summary>
    public TestClock Clock { get; }

    public Seams Seams { get; }

    public List<string> Names { get; } = [];

    public List<MemoryTranslator> Memory { get; } = [];

    public List<BrickRules> Rules { get; } = [];

    /// <summary>What clients talk to.</summary>
    public List<Translator> Tops { get; } = [];

    public void Add(string name, bool locks = true, bool rules = true)
    {
        Names.Add(name);
        var memory = new MemoryTranslator(Place($"{name}-memory", [], MemoryTranslator.Registration.Options, []));
        Memory.Add(memory);
        Translator below = locks
            ? new Locks(Place($"{name}-locks", [memory], Locks.Registration.Options, []))
            : memory;
        if (rules)
        {
            Rules.Add(new BrickRules(Place($"{name}-rules", [below], [], [])));
        }

        Tops.Add(rules ? Rules[^1] : below);
    }

    public TranslatorPlace Place(
        string name, IReadOnlyList<Translator> subvolumes, IReadOnlyList<OptionDeclaration> declared,
        IEnumerable<(string, string)> options, Action<GraphEvent>? listener = null) =>
        new()
        {
            Name = name,
            Type = "test/test",
            Slot = Interlocked.Increment(ref _slots),
            Subvolumes = subvolumes,
            Options = new OptionValues(declared, options.Select(o => new KeyValuePair<string, string>(o.Item1, o.Item2))),
            Seams = Seams,
            TopListener = listener,
        };
}

/// <summary>One client of a distribute volume, with fops by path.</summary>
internal sealed class DhtVolume
{
    public DhtVolume(DhtBricks bricks, params (string, string)[] options)
    {
        Bricks = bricks;
        var subvolumes = new List<Translator>();
        for (var i = 0; i < bricks.Names.Count; i++)
        {
            Probes.Add(new ProbeState());
            subvolumes.Add(new Probe(bricks.Place(bricks.Names[i], [bricks.Tops[i]], [], []), Probes[i]));
        }

        Subvolumes = subvolumes;
        Dht = new Distribute(bricks.Place("v-dht", subvolumes, Distribute.Registration.Options, options, Events.Add));
    }

    public DhtVolume(int count, params (string, string)[] options)
        : this(new DhtBricks(count), options)
    {
    }

    public DhtBricks Bricks { get; }

    public List<ProbeState> Probes { get; } = [];

    public List<Translator> Subvolumes { get; }

    public List<GraphEvent> Events { get; } = [];

    public Distribute Dht { get; }

    public int Count => Probes.Count;

    public static Call NewCall(uint uid = 0)
    {
        var call = Call.Rent();
        call.Uid = uid;
        call.Gid = uid;
        return call;
    }

    public Fd NewFd(Gfid gfid, uint flags = OpenFlags.ReadWrite, bool isDirectory = false) =>
        new(gfid, flags, isDirectory, 128);

    /// <summary>Looks the root up, as every client does first.</summary>
    public async Task<DhtVolume> MountAsync()
    {
        var reply = await Dht.Lookup(new LookupFop { Gfid = Gfid.Root }, NewCall());
        Assert.Equal(Errno.Ok, reply.Error);
        reply.Release();
        return this;
    }

    public async Task<(Errno Error, Iatt Iatt)> LookupAsync(Gfid parent, string name, Gfid known = default)
    {
        var reply = await Dht.Lookup(new LookupFop { Parent = parent, Name = name, Gfid = known }, NewCall());
        var result = (reply.Error, reply.Iatt);
        reply.Release();
        return result;
    }

    public async Task<(Errno Error, Iatt Iatt)> LookupAsync(Gfid gfid)
    {
        var reply = await Dht.Lookup(new LookupFop { Gfid = gfid }, NewCall());
        var result = (reply.Error, reply.Iatt);
        reply.Release();
        return result;
    }

    public XData GfidRequest(out Gfid gfid)
    {
        gfid = Bricks.Seams.NewGfid();
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, gfid);
        return xdata;
    }

    public async Task<(Errno Error, Gfid Gfid)> TryMkdirAsync(Gfid parent, string name, uint mode = 0x1ED)
    {
        var xdata = GfidRequest(out var gfid);
        var reply = await Dht.Mkdir(new MkdirFop { Parent = parent, Name = name, Mode = mode, XData = xdata }, NewCall());
        var error = reply.Error;
        reply.Release();
        xdata.Release();
        return (error, gfid);
    }

    public async Task<Gfid> MkdirAsync(Gfid parent, string name)
    {
        var (error, gfid) = await TryMkdirAsync(parent, name);
        Assert.Equal(Errno.Ok, error);
        return gfid;
    }

    public async Task<(Errno Error, Fd Fd)> TryCreateAsync(Gfid parent, string name, uint flags = OpenFlags.Exclusive, uint uid = 0)
    {
        var xdata = GfidRequest(out _);
        var fd = NewFd(Gfid.Null);
        var fop = new CreateFop { Parent = parent, Name = name, Mode = 0x1A4, Flags = flags | OpenFlags.ReadWrite | OpenFlags.Create, Fd = fd, XData = xdata };
        var reply = await Dht.Create(in fop, NewCall(uid));
        var error = reply.Error;
        reply.Release();
        xdata.Release();
        return (error, fd);
    }

    /// <summary>Makes a file with the name as its content.</summary>
    public async Task<Gfid> CreateAsync(Gfid parent, string name, uint uid = 0)
    {
        var (error, fd) = await TryCreateAsync(parent, name, uid: uid);
        Assert.Equal(Errno.Ok, error);
        Assert.Equal(Errno.Ok, await WriteAsync(fd, name));
        await ReleaseAsync(fd);
        return fd.Gfid;
    }

    public async Task<Errno> WriteAsync(Fd fd, string text, long offset = 0)
    {
        var data = Payload.CopyOf(Encoding.UTF8.GetBytes(text));
        var reply = await Dht.Write(new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = offset, Data = data }, NewCall());
        var error = reply.Error;
        reply.Release();
        data.Release();
        return error;
    }

    public async Task ReleaseAsync(Fd fd)
    {
        if (fd.IsDirectory)
        {
            (await Dht.Releasedir(new ReleasedirFop { Gfid = fd.Gfid, Fd = fd }, NewCall())).Release();
        }
        else
        {
            (await Dht.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, NewCall())).Release();
        }
    }

    public async Task<(Errno Error, string Text)> ReadAsync(Gfid gfid)
    {
        var fd = NewFd(gfid);
        var open = await Dht.Open(new OpenFop { Gfid = gfid, Fd = fd, Flags = OpenFlags.ReadOnly }, NewCall());
        var error = open.Error;
        open.Release();
        if (error != Errno.Ok)
        {
            return (error, string.Empty);
        }

        var result = await ReadAsync(fd);
        await ReleaseAsync(fd);
        return result;
    }

    public async Task<(Errno Error, string Text)> ReadAsync(Fd fd)
    {
        var reply = await Dht.Read(new ReadFop { Gfid = fd.Gfid, Fd = fd, Size = 4096 }, NewCall());
        var result = (reply.Error, reply.IsOk ? Encoding.UTF8.GetString(reply.Data.Span) : string.Empty);
        reply.Release();
        return result;
    }

    public async Task<Errno> UnlinkAsync(Gfid parent, string name)
    {
        var reply = await Dht.Unlink(new UnlinkFop { Parent = parent, Name = name }, NewCall());
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public async Task<Errno> RmdirAsync(Gfid parent, string name)
    {
        var reply = await Dht.Rmdir(new RmdirFop { Parent = parent, Name = name }, NewCall());
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public async Task<Errno> RenameAsync(Gfid oldParent, string oldName, Gfid newParent, string newName)
    {
        var fop = new RenameFop { OldParent = oldParent, OldName = oldName, NewParent = newParent, NewName = newName };
        var reply = await Dht.Rename(in fop, NewCall());
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public async Task<Errno> LinkAsync(Gfid gfid, Gfid parent, string name)
    {
        var reply = await Dht.Link(new LinkFop { Gfid = gfid, NewParent = parent, NewName = name }, NewCall());
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <summary>All names of a directory in the order of the listing, resumed after each chunk.</summary>
    public async Task<List<string>> ListAsync(Gfid gfid, uint size = 4096, bool dots = false)
    {
        var fd = NewFd(gfid, isDirectory: true);
        (await Dht.Opendir(new OpendirFop { Gfid = gfid, Fd = fd }, NewCall())).Release();
        var names = new List<string>();
        var offset = 0L;
        while (true)
        {
            var reply = await Dht.Readdirp(new ReaddirpFop { Gfid = gfid, Fd = fd, Offset = offset, Size = size }, NewCall());
            Assert.Equal(Errno.Ok, reply.Error);
            for (var i = 0; i < reply.Entries.Count; i++)
            {
                var name = reply.Entries.NameOf(i);
                offset = (long)reply.Entries[i].Offset;
                Assert.True(offset >= 0);
                if (dots || !name.IsDotOrDotDot)
                {
                    names.Add(name.ToString());
                }
            }

            var isEnd = reply.Entries.Count == 0;
            reply.Release();
            if (isEnd)
            {
                break;
            }
        }

        await ReleaseAsync(fd);
        return names;
    }

    /// <summary>Puts a file with its name as content on a brick of choice, with a link file where the name hashes to.</summary>
    public async Task<Gfid> PlaceAsync(Gfid parent, string name, int brick, bool link = true)
    {
        var hashed = HashedOf(parent, name);
        var xdata = GfidRequest(out var gfid);
        var fd = NewFd(Gfid.Null);
        var create = new CreateFop { Parent = parent, Name = name, Mode = 0x1A4, Flags = OpenFlags.ReadWrite, Fd = fd, XData = xdata };
        var created = await Bricks.Rules[brick].Create(in create, NewCall());
        Assert.Equal(Errno.Ok, created.Error);
        var data = Payload.CopyOf(Encoding.UTF8.GetBytes(name));
        (await Bricks.Rules[brick].Write(new WriteFop { Gfid = gfid, Fd = fd, Data = data }, NewCall())).Release();
        (await Bricks.Rules[brick].Release(new ReleaseFop { Gfid = gfid, Fd = fd }, NewCall())).Release();
        data.Release();
        if (link && hashed != brick)
        {
            await PlaceLinkAsync(parent, name, gfid, hashed, brick);
        }

        xdata.Release();
        return gfid;
    }

    public async Task PlaceLinkAsync(Gfid parent, string name, Gfid gfid, int at, int target)
    {
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, gfid);
        xdata.SetString("glusterfs-internal-fop"u8, "yes");
        xdata.SetBytes("trusted.glusterfs.dht.linkto"u8, Encoding.UTF8.GetBytes(Bricks.Names[target] + "\0"));
        var mknod = new MknodFop { Parent = parent, Name = name, Mode = FileMode.Regular | FileMode.Sticky, XData = xdata };
        var made = await Bricks.Rules[at].Mknod(in mknod, NewCall());
        Assert.Equal(Errno.Ok, made.Error);
        made.Release();
        xdata.Release();
    }

    /// <summary>What a name reads as: its content, or the errno.</summary>
    public async Task<string> ContentAsync(Gfid parent, string name)
    {
        var (error, iatt) = await LookupAsync(parent, name);
        if (error != Errno.Ok)
        {
            return error.ToString();
        }

        if (iatt.IsDirectory)
        {
            return "directory";
        }

        var (readError, text) = await ReadAsync(iatt.Gfid);
        return readError == Errno.Ok ? text : readError.ToString();
    }

    /// <summary>What a brick has under a name.</summary>
    public (Errno Error, Iatt Iatt, string? LinkTo) OnBrick(int brick, Gfid parent, string name)
    {
        var request = XData.Rent();
        request.SetUInt("trusted.glusterfs.dht.linkto"u8, 256);
        var reply = Bricks.Memory[brick].Lookup(new LookupFop { Parent = parent, Name = name, XData = request }, NewCall()).AsTask().Result;
        string? linkTo = null;
        if (reply.XData is { } xdata && xdata.TryGetBytes("trusted.glusterfs.dht.linkto"u8, out var value))
        {
            linkTo = Encoding.UTF8.GetString(value).TrimEnd('\0');
        }

        var result = (reply.Error, reply.Iatt, linkTo);
        reply.Release();
        request.Release();
        return result;
    }

    public byte[]? XattrOnBrick(int brick, Gfid gfid, string name)
    {
        var reply = Bricks.Memory[brick].Getxattr(new GetxattrFop { Gfid = gfid, Name = name }, NewCall()).AsTask().Result;
        byte[]? value = null;
        if (reply.IsOk)
        {
            Assert.True(reply.Values!.TryGetBytes(Encoding.UTF8.GetBytes(name), out var bytes));
            value = bytes.ToArray();
        }

        reply.Release();
        return value;
    }

    public void SetXattrOnBrick(int brick, Gfid gfid, string name, byte[]? value)
    {
        if (value is null)
        {
            Bricks.Memory[brick].Removexattr(new RemovexattrFop { Gfid = gfid, Name = name }, NewCall()).AsTask().Result.Release();
            return;
        }

        var values = XData.Rent();
        values.SetBytes(Encoding.UTF8.GetBytes(name), value);
        Bricks.Memory[brick].Setxattr(new SetxattrFop { Gfid = gfid, Values = values }, NewCall()).AsTask().Result.Release();
        values.Release();
    }

    /// <summary>The layout as it lies on the bricks.</summary>
    public Layout LayoutOnBricks(Gfid gfid)
    {
        var parts = new LayoutPart[Count];
        for (var i = 0; i < Count; i++)
        {
            var value = XattrOnBrick(i, gfid, "trusted.glusterfs.dht");
            parts[i] = value is not null && LayoutXattr.TryRead(value, out var xattr)
                ? new LayoutPart(Errno.Ok, true, xattr)
                : default;
        }

        return new Layout(parts, -1);
    }

    /// <summary>The brick a name hashes to.</summary>
    public int HashedOf(Gfid parent, string name) =>
        LayoutOnBricks(parent).Find(new NameMunger("", "").Hash(Encoding.UTF8.GetBytes(name)));

    /// <summary>A name that hashes to a brick; the n-th such name.</summary>
    public string NameOn(Gfid parent, int brick, string prefix = "f", int skip = 0)
    {
        for (var i = 0; ; i++)
        {
            var name = $"{prefix}{i}";
            if (HashedOf(parent, name) == brick && skip-- == 0)
            {
                return name;
            }
        }
    }

    /// <summary>Bricks that have data under a name, and bricks that have a link file.</summary>
    public (int[] Data, int[] Links) PlacesOf(Gfid parent, string name)
    {
        var data = new List<int>();
        var links = new List<int>();
        for (var i = 0; i < Count; i++)
        {
            var (error, iatt, linkTo) = OnBrick(i, parent, name);
            if (error == Errno.Ok)
            {
                (iatt.Mode == (FileMode.Regular | FileMode.Sticky) && linkTo is not null ? links : data).Add(i);
            }
        }

        return ([.. data], [.. links]);
    }
}
