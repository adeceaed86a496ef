using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using Myrmex.Base;
using Myrmex.Fuse;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Fuse;

/// <summary>
/// The other side of a session, without a kernel: makes requests byte by byte and takes the replies. Replies may come later.
/// </summary>
internal sealed class TestKernel : FuseTransport, IDisposable
{
    private readonly Dictionary<ulong, (int Error, byte[] Body)> _replies = [];
    private readonly byte[] _last = new byte[2 << 20];
    private ulong _unique = 2;

    public TestKernel(IGraphSource graphs, FuseOptions? options = null, ManualTime? time = null)
    {
        Time = time ?? new ManualTime();
        Session = new FuseSession(
            (options ?? new FuseOptions()) with { ResolveGroups = false }, graphs, TestPlace.Seams(Time));
        Init();
    }

    public ManualTime Time { get; }

    public FuseSession Session { get; }

    /// <summary>Replies are only counted and their bytes kept in place: nothing is allocated.</summary>
    public bool IsQuiet { get; set; }

    /// <summary>What sending a reply answers.</summary>
    public Errno SendResult { get; set; }

    public int ReplyCount { get; private set; }

    public int LastError { get; private set; }

    public int LastLength { get; private set; }

    public ReadOnlySpan<byte> LastBody => _last.AsSpan(0, LastLength);

    public static byte[] Bytes<T>(T value)
        where T : unmanaged => MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)).ToArray();

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text + "\0");

    /// <summary>Sends a request; the answer is its number.</summary>
    public ulong Post(FuseOpcode opcode, ulong node, params ReadOnlySpan<byte[]> parts)
    {
        var length = FuseInHeader.Size;
        foreach (var part in parts)
        {
            length += part.Length;
        }

        var message = new byte[length];
        var at = FuseInHeader.Size;
        foreach (var part in parts)
        {
            part.CopyTo(message, at);
            at += part.Length;
        }

        var unique = _unique += 2;
        var header = new FuseInHeader
        {
            Length = (uint)length,
            Opcode = opcode,
            Unique = unique,
            Node = node,
            Uid = Uid,
            Gid = Uid,
            Pid = 77,
        };
        MemoryMarshal.Write(message, in header);
        Deliver(message);
        return unique;
    }

    public uint Uid { get; set; }

    /// <summary>Sends a request and takes its reply, which must be there.</summary>
    public (Errno Error, byte[] Body) Call(FuseOpcode opcode, ulong node, params ReadOnlySpan<byte[]> parts) =>
        Reply(Post(opcode, node, parts));

    public (Errno Error, byte[] Body) Reply(ulong unique)
    {
        Assert.True(_replies.Remove(unique, out var reply), "no reply yet");
        return ((Errno)(-reply.Error), reply.Body);
    }

    public bool HasReply(ulong unique) => _replies.ContainsKey(unique);

    /// <summary>Hands a message to the session as the device would; false when it is none.</summary>
    public bool Deliver(ReadOnlySpan<byte> message)
    {
        // Continuations shall run where fops complete, as on a loop, not where xunit would send them.
        SynchronizationContext.SetSynchronizationContext(null);
        var buffer = PayloadPool.Shared.Rent(Math.Max(FuseRequest.MessageOffset + message.Length, 64 << 10));
        message.CopyTo(buffer.GetSpan()[FuseRequest.MessageOffset..]);
        Begin();
        var request = Pool<FuseRequest>.Rent();
        if (!request.TryAttach(Session, this, buffer, message.Length))
        {
            request.Discard();
            return false;
        }

        request.Dispatch();
        return true;
    }

    /// <summary>LOOKUP that must succeed: the entry.</summary>
    public FuseEntryOut Lookup(ulong parent, string name)
    {
        var (error, body) = Call(FuseOpcode.Lookup, parent, Text(name));
        Assert.Equal(Errno.Ok, error);
        return MemoryMarshal.Read<FuseEntryOut>(body);
    }

    /// <summary>CREATE that must succeed.</summary>
    public FuseCreateOut Create(ulong parent, string name, uint flags = OpenFlags.ReadWrite, uint mode = 0x1A4)
    {
        var (error, body) = Call(
            FuseOpcode.Create, parent,
            Bytes(new FuseCreateIn { Flags = flags | OpenFlags.Create, Mode = FileMode.Regular | mode }), Text(name));
        Assert.Equal(Errno.Ok, error);
        return MemoryMarshal.Read<FuseCreateOut>(body);
    }

    public FuseEntryOut Mkdir(ulong parent, string name)
    {
        var (error, body) = Call(FuseOpcode.Mkdir, parent, Bytes(new FuseMkdirIn { Mode = 0x1ED }), Text(name));
        Assert.Equal(Errno.Ok, error);
        return MemoryMarshal.Read<FuseEntryOut>(body);
    }

    public FuseAttrOut Getattr(ulong node)
    {
        var (error, body) = Call(FuseOpcode.Getattr, node, Bytes(default(FuseGetattrIn)));
        Assert.Equal(Errno.Ok, error);
        return MemoryMarshal.Read<FuseAttrOut>(body);
    }

    public void Write(ulong node, ulong handle, ulong offset, byte[] data, uint writeFlags = 0)
    {
        var (error, body) = Call(
            FuseOpcode.Write, node,
            Bytes(new FuseWriteIn { Handle = handle, Offset = offset, Size = (uint)data.Length, WriteFlags = writeFlags, Flags = 2 }),
            data);
        Assert.Equal(Errno.Ok, error);
        Assert.Equal((uint)data.Length, MemoryMarshal.Read<FuseWriteOut>(body).Size);
    }

    public byte[] Read(ulong node, ulong handle, ulong offset, uint size)
    {
        var (error, body) = Call(
            FuseOpcode.Read, node, Bytes(new FuseReadIn { Handle = handle, Offset = offset, Size = size }));
        Assert.Equal(Errno.Ok, error);
        return body;
    }

    public void Forget(ulong node, ulong lookups) =>
        Post(FuseOpcode.Forget, node, Bytes(new FuseForgetIn { Lookups = lookups }));

    public void Release(ulong node, ulong handle, uint releaseFlags = 0, ulong owner = 0) =>
        Assert.Equal(Errno.Ok, Call(
            FuseOpcode.Release, node,
            Bytes(new FuseReleaseIn { Handle = handle, ReleaseFlags = releaseFlags, LockOwner = owner })).Error);

    public override unsafe Errno Send(FuseRequest request, int bodyLength, nint data, int dataLength)
    {
        var body = new ReadOnlySpan<byte>(request.Body, bodyLength);
        var tail = new ReadOnlySpan<byte>((byte*)data, dataLength);
        body.CopyTo(_last);
        tail.CopyTo(_last.AsSpan(bodyLength));
        LastLength = bodyLength + dataLength;
        Took(request.Unique, 0);
        return SendResult;
    }

    public override Errno SendError(ulong unique, int error)
    {
        LastLength = 0;
        Took(unique, error);
        return SendResult;
    }

    public void Dispose()
    {
        Session.Dispose();
        Assert.Equal(0, InFlight);
    }

    private void Took(ulong unique, int error)
    {
        ReplyCount++;
        LastError = error;
        if (!IsQuiet)
        {
            // A second reply to one request would be a crime.
            _replies.Add(unique, (error, LastBody.ToArray()));
        }
    }

    private void Init()
    {
        const uint all = uint.MaxValue;
        var argument = new FuseInitIn { Major = 7, Minor = 45, MaxReadahead = 131072, Flags = all, Flags2 = all };
        Assert.Equal(Errno.Ok, Call(FuseOpcode.Init, 0, Bytes(argument)).Error);
    }
}

/// <summary>One graph (or one after the other), for a session under test.</summary>
internal sealed class TestGraphs(Translator top) : IGraphSource
{
    public event Action? Switched;

    public event Action<GraphEvent>? Event;

    public IHostedGraph Current { get; private set; } = new TestGraph(top);

    public TestGraph Graph => (TestGraph)Current;

    public static TestGraphs Memory(ManualTime time) => new(new Myrmex.Storage.MemoryTranslator(
        TestPlace.For(time, Myrmex.Storage.MemoryTranslator.Registration)));

    public static TestGraphs MemoryWithLocks(ManualTime time)
    {
        var memory = new Myrmex.Storage.MemoryTranslator(TestPlace.For(time, Myrmex.Storage.MemoryTranslator.Registration));
        return new TestGraphs(new Myrmex.Features.Locks(TestPlace.For(time, Myrmex.Features.Locks.Registration, memory, slot: 1)));
    }

    public void SwitchTo(Translator top)
    {
        Current = new TestGraph(top);
        Switched?.Invoke();
    }

    public void Raise(GraphEvent graphEvent) => Event?.Invoke(graphEvent);
}

internal sealed class TestGraph(Translator top) : IHostedGraph
{
    public Translator Top { get; } = top;

    public int SlotCount => 4;

    public bool IsUp => true;

    public bool BuffersWrites { get; set; }

    public int Users { get; private set; }

    public void AddUser() => Users++;

    public void RemoveUser() => Users--;
}
