using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Storage;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>
/// A client's stack of performance translators in the order of volume files, over a network that is late, over storage/memory, which
/// can be changed behind its back as another client would.
/// </summary>
internal sealed class SmallFileWorld
{
    private const int SlotCount = 5;

    private readonly long _outstandingAtStart = PayloadPool.Shared.OutstandingBytes;
    private ulong _lastGfid = 100;

    public SmallFileWorld(int seed, bool writesBehind)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        Random = new Random(seed);
        Memory = MemoryTranslator.Registration.Create(TestPlace.For(Time, MemoryTranslator.Registration));
        var late = new LateTranslator(TestPlace.For(Time, subvolume: Memory, slot: 1), Network);
        var writeBehind = WriteBehind.Registration.Create(TestPlace.For(
            Time, WriteBehind.Registration, late, slot: 2, options: ("pass-through", writesBehind ? "off" : "on")));
        OpenBehind = (OpenBehind)OpenBehind.Registration.Create(
            TestPlace.For(Time, OpenBehind.Registration, writeBehind, slot: 3));
        Top = (QuickRead)QuickRead.Registration.Create(
            TestPlace.For(Time, QuickRead.Registration, OpenBehind, slot: 4, options: ("cache-size", "40KB")));
    }

    public Random Random { get; }

    public ManualTime Time { get; } = new();

    public LateNetwork Network { get; } = new();

    public Translator Memory { get; }

    public OpenBehind OpenBehind { get; }

    public QuickRead Top { get; }

    /// <summary>Contents that listings have brought and that were kept.</summary>
    public long ContentsListed
    {
        get
        {
            var dump = new StateDump();
            Top.DumpState(dump);
            var line = dump.ToString().Split('\n').Single(l => l.StartsWith("contents-listed=", StringComparison.Ordinal));
            return long.Parse(line.Split('=')[1], System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    public Gfid NewGfid() => new(7, ++_lastGfid);

    public static Fd NewFd(Gfid gfid, uint flags) => new(gfid, flags, false, SlotCount);

    public byte[] RandomBytes(int max)
    {
        var bytes = new byte[Random.Next(1, max)];
        Random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>Lets the network work at random until the applications are through.</summary>
    public void Run(Task applications)
    {
        for (var i = 0; !applications.IsCompleted; i++)
        {
            Assert.False(Network.IsIdle, "the applications wait for ever");
            Assert.True(i < 1_000_000);
            if (Random.Next(200) == 0)
            {
                Advance(Random.Next(900));
            }

            Network.Step(Random);
        }

        if (applications.Exception is { } exception)
        {
            throw exception;
        }
    }

    public void Advance(int ms)
    {
        Time.Advance(ms);
        Time.WallNs += ms * 1_000_000L;
    }

    public void CheckNothingIsLeft()
    {
        while (!Network.IsIdle)
        {
            Network.Step(Random);
        }

        Assert.Equal(0, Network.OpenCount);
        Top.Stop();
        Assert.Equal(0, Top.Cache.OutstandingBytes);
        Assert.Equal(_outstandingAtStart, PayloadPool.Shared.OutstandingBytes);
        var dump = new StateDump();
        OpenBehind.DumpState(dump);
        Assert.Contains("unopened=0", dump.ToString());
    }
}

/// <summary>An application with files of its own: whatever it does must look as if nothing were late or kept.</summary>
internal sealed class SmallFileApplication(SmallFileWorld world, string prefix)
{
    private readonly Call _call = Call.Rent();
    private readonly Dictionary<string, ModelFile> _names = [];
    private readonly List<(Fd Fd, ModelFile File)> _open = [];

    private Random Random => world.Random;

    private Translator Top => world.Top;

    public async Task RunAsync(int steps)
    {
        for (var i = 0; i < steps; i++)
        {
            await (Random.Next(17) switch
            {
                0 or 1 => CreateAsync(),
                2 or 3 or 4 => OpenAsync(),
                5 or 6 or 7 => ReadAsync(),
                8 or 9 => WriteAsync(),
                10 => LookAsync(),
                11 => UnlinkAsync(),
                12 => RenameAsync(),
                13 => TruncateAsync(),
                14 => ChmodAsync(),
                15 => StatAsync(),
                _ => CloseAsync(),
            });
        }

        while (_open.Count > 0)
        {
            await CloseAsync();
        }
    }

    private async Task CreateAsync()
    {
        var name = prefix + Random.Next(6);
        var flags = OpenFlags.ReadWrite | (Random.Next(2) == 0 ? OpenFlags.Truncate : 0);
        var gfid = world.NewGfid();
        var fd = SmallFileWorld.NewFd(gfid, flags);
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, gfid);
        var fop = new CreateFop { Parent = Gfid.Root, Name = name, Flags = flags, Mode = 0x1A4, Fd = fd, XData = xdata };
        var reply = await Top.Create(fop, _call);
        var (error, iatt) = (reply.Error, reply.Iatt);
        reply.Release();
        xdata.Release();
        if (error == Errno.EEXIST)
        {
            Assert.True(_names.ContainsKey(name));
            return;
        }

        Assert.Equal(Errno.Ok, error);
        if (!_names.TryGetValue(name, out var file))
        {
            file = new ModelFile(iatt.Gfid);
            _names.Add(name, file);
        }

        fd.Gfid = iatt.Gfid;
        Assert.Equal(file.Gfid, iatt.Gfid);
        if ((flags & OpenFlags.Truncate) != 0)
        {
            file.Bytes.Clear();
        }

        _open.Add((fd, file));
    }

    private async Task OpenAsync()
    {
        if (PickName() is not { } name)
        {
            return;
        }

        if (Random.Next(3) != 0)
        {
            await LookAsync(name);
        }

        var file = _names[name];
        var flags = Random.Next(4) == 0 ? OpenFlags.ReadWrite : OpenFlags.ReadOnly;
        var fd = SmallFileWorld.NewFd(file.Gfid, flags);
        var reply = await Top.Open(new OpenFop { Gfid = file.Gfid, Flags = flags, Fd = fd }, _call);
        Assert.True(reply.IsOk);
        reply.Release();
        _open.Add((fd, file));
    }

    private async Task ReadAsync()
    {
        if (_open.Count == 0)
        {
            return;
        }

        var (fd, file) = _open[Random.Next(_open.Count)];
        var (offset, size) = Random.Next(2) == 0 ? (0, 65536) : (Random.Next(6000), Random.Next(1, 5000));
        var reply = await Top.Read(new ReadFop { Gfid = file.Gfid, Fd = fd, Offset = offset, Size = (uint)size }, _call);
        Assert.Equal(Errno.Ok, reply.Error);
        Assert.Equal(file.Bytes.Skip(offset).Take(size), reply.Data.Span.ToArray());
        Assert.Equal(reply.Data.Length, reply.OpRet);
        reply.Release();
    }

    private async Task WriteAsync()
    {
        var writable = _open.FindAll(o => (o.Fd.Flags & OpenFlags.AccessMode) != OpenFlags.ReadOnly);
        if (writable.Count == 0)
        {
            return;
        }

        var (fd, file) = writable[Random.Next(writable.Count)];
        var bytes = world.RandomBytes(3000);
        var offset = Random.Next(3000);
        var data = Payload.CopyOf(bytes);
        var fop = new WriteFop { Gfid = file.Gfid, Fd = fd, Offset = offset, Data = data };
        var reply = await Top.Write(fop, _call);
        Assert.Equal((Errno.Ok, bytes.Length), (reply.Error, reply.OpRet));
        reply.Release();
        data.Release();
        file.Write(offset, bytes);
    }

    private Task LookAsync() => PickName() is { } name ? LookAsync(name) : Task.CompletedTask;

    private async Task LookAsync(string name)
    {
        var file = _names[name];
        var reply = await Top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, _call);
        Assert.Equal((Errno.Ok, file.Gfid), (reply.Error, reply.Iatt.Gfid));
        Assert.Equal((ulong)file.Bytes.Count, reply.Iatt.Size);
        Assert.False(reply.XData is not null && reply.XData.Contains("glusterfs.content"u8));
        reply.Release();
    }

    private async Task StatAsync()
    {
        if (_open.Count == 0)
        {
            return;
        }

        var (fd, file) = _open[Random.Next(_open.Count)];
        var reply = await Top.Fstat(new FstatFop { Gfid = file.Gfid, Fd = fd }, _call);
        Assert.Equal((Errno.Ok, (ulong)file.Bytes.Count), (reply.Error, reply.Iatt.Size));
        reply.Release();
    }

    private async Task UnlinkAsync()
    {
        if (PickName() is not { } name)
        {
            return;
        }

        var reply = await Top.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = name }, _call);
        Assert.True(reply.IsOk);
        reply.Release();
        _names.Remove(name);
    }

    private async Task RenameAsync()
    {
        if (PickName() is not { } name)
        {
            return;
        }

        var target = prefix + Random.Next(6);
        var fop = new RenameFop { OldParent = Gfid.Root, OldName = name, NewParent = Gfid.Root, NewName = target };
        var reply = await Top.Rename(fop, _call);
        Assert.True(reply.IsOk);
        reply.Release();
        var file = _names[name];
        _names.Remove(name);
        _names[target] = file;
    }

    private async Task TruncateAsync()
    {
        if (PickName() is not { } name)
        {
            return;
        }

        var length = Random.Next(4000);
        var file = _names[name];
        var reply = await Top.Truncate(new TruncateFop { Gfid = file.Gfid, Offset = length }, _call);
        Assert.True(reply.IsOk);
        reply.Release();
        file.Resize(length);
    }

    private async Task ChmodAsync()
    {
        if (PickName() is not { } name)
        {
            return;
        }

        var values = new Iatt { Mode = (uint)Random.Next(0x100, 0x1FF) };
        var fop = new SetattrFop { Gfid = _names[name].Gfid, Iatt = values, Valid = SetattrValid.Mode };
        var reply = await Top.Setattr(fop, _call);
        Assert.True(reply.IsOk);
        reply.Release();
    }

    private async Task CloseAsync()
    {
        if (_open.Count == 0)
        {
            return;
        }

        var index = Random.Next(_open.Count);
        var (fd, file) = _open[index];
        _open.RemoveAt(index);
        (await Top.Release(new ReleaseFop { Gfid = file.Gfid, Fd = fd }, _call)).Release();
    }

    private string? PickName() => _names.Count == 0 ? null : _names.Keys.ElementAt(Random.Next(_names.Count));
}

/// <summary>What a file must contain.</summary>
internal sealed class ModelFile(Gfid gfid)
{
    public Gfid Gfid { get; } = gfid;

    public List<byte> Bytes { get; } = [];

    public void Resize(int length)
    {
        while (Bytes.Count < length)
        {
            Bytes.Add(0);
        }

        Bytes.RemoveRange(length, Bytes.Count - length);
    }

    public void Write(int offset, byte[] bytes)
    {
        Resize(Math.Max(Bytes.Count, offset + bytes.Length));
        for (var i = 0; i < bytes.Length; i++)
        {
            Bytes[offset + i] = bytes[i];
        }
    }
}
