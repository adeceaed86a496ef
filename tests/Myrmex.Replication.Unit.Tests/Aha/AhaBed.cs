using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Aha;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>
/// cluster/aha over protocol/client on one simulated node, proxies with protocol/server on others, in virtual time.
/// </summary>
internal sealed class AhaBed : SimClientBed<Translator>
{
    public const string PingTimeout = "2";

    public AhaBed(
        ulong seed = 1, int proxies = 3, bool starts = true, bool writesBehind = false,
        params (string Key, string Value)[] options)
        : base(seed)
    {
        Store = new ProxyStore(World.AddNode("brick").Seams);
        Proxies = [.. Enumerable.Range(0, proxies).Select(i => new ProxyNode(World, Store, NameOf(i)))];
        Node = World.AddNode("client");
        Graph = TranslatorGraph.Build(
            Document(proxies, writesBehind, options),
            [ClientTranslator.Registration, Aha.Registration, Performance.WriteBehind.Registration], Node.Seams,
            new GraphOrigin { ProcessId = "client" }, OnEvent);
        if (starts)
        {
            Start();
        }
    }

    public override SimNode Node { get; }

    public ProxyStore Store { get; }

    public ProxyNode[] Proxies { get; }

    public TranslatorGraph Graph { get; }

    public override Translator Client => Graph.Top;

    private Aha Aha => Graph.Translators.OfType<Aha>().Single();

    public List<GraphEventKind> Events { get; } = [];

    /// <summary>Leases that are wanted back, or lost, as those above hear.</summary>
    public List<Gfid> Recalls { get; } = [];

    /// <summary>The proxy that is asked.</summary>
    public ProxyNode Current => Proxies[int.Parse(Get("proxy")[1..], CultureInfo.InvariantCulture)];

    public static string NameOf(int index) => string.Create(CultureInfo.InvariantCulture, $"p{index}");

    public void Start()
    {
        Run(Graph.Start);
        Assert.True(World.RunUntil(() => Events.Contains(GraphEventKind.ChildUp), 10_000), "no proxy is found");
    }

    /// <summary>Makes a file and opens it.</summary>
    public Fd Create(string name, uint flags = OpenFlags.ReadWrite)
    {
        var fd = NewFd(Gfid.Null, flags);
        Assert.Equal(Errno.Ok, Do((c, call) => c.Create(CreateOf(name, fd), call)));
        return fd;
    }

    public Fd NewFd(Gfid gfid, uint flags = OpenFlags.ReadWrite, bool isDirectory = false) =>
        new(gfid, flags, isDirectory, slotCount: 8);

    public static CreateFop CreateOf(string name, Fd fd, uint flags = OpenFlags.Create | OpenFlags.Exclusive)
    {
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, GfidOf(name));
        return new CreateFop
        {
            Parent = Gfid.Root,
            Name = name,
            Flags = fd.Flags | flags,
            Mode = 0x81A4,
            Fd = fd,
            XData = xdata,
        };
    }

    public static MknodFop MknodOf(string name)
    {
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, GfidOf(name));
        return new MknodFop { Parent = Gfid.Root, Name = name, Mode = 0x81A4, XData = xdata };
    }

    public static Gfid GfidOf(string name) =>
        new(0x1234, name.Aggregate(0xCBF29CE484222325UL, (hash, c) => (hash ^ c) * 0x100000001B3UL));

    public Errno Write(Fd fd, long offset, params byte[] bytes) => End(BeginWrite(fd, offset, bytes));

    public Task<Errno> BeginWrite(Fd fd, long offset, params byte[] bytes)
    {
        var data = Payload.CopyOf(bytes);
        return Begin(async () =>
        {
            var fop = new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = offset, Data = data };
            var reply = await Client.Write(fop, new Call());
            var error = reply.Error;
            reply.Release();
            data.Release();
            return error;
        });
    }

    /// <summary>What is in a file, read through the client.</summary>
    public byte[] ReadAll(Fd fd) => End(Begin(async () =>
    {
        var reply = await Client.Read(new ReadFop { Gfid = fd.Gfid, Fd = fd, Size = 1 << 20 }, new Call());
        Assert.Equal(Errno.Ok, reply.Error);
        var bytes = reply.Data is { } data ? data.Span[..reply.OpRet].ToArray() : [];
        reply.Release();
        return bytes;
    }));

    public Errno Lock(Fd fd, ulong owner, long start, LockType type = LockType.Write) =>
        Do((c, call) => c.Lk(LockOf(fd, start, type), call), CallOf(owner));

    public static LkFop LockOf(
        Fd fd, long start, LockType type, LockCommand command = LockCommand.SetLock) => new()
        {
            Gfid = fd.Gfid,
            Fd = fd,
            Command = command,
            Type = type,
            Flock = new Flock(type, 0, start, 1, 5, default),
        };

    public static Call CallOf(ulong owner) => new() { LockOwner = LkOwner.From(owner), Pid = 5 };

    /// <summary>Whether somebody else gets the lock of a byte, past all proxies.</summary>
    public bool IsFree(Gfid gfid, long start)
    {
        var call = CallOf(999);
        call.Client = new ClientIdentity("somebody", "else");
        var fd = new Fd(gfid, OpenFlags.ReadWrite, isDirectory: false, slotCount: 8) { Client = call.Client };
        var task = Store.Volume.Lk(LockOf(fd, start, LockType.Write), call);
        Assert.True(task.IsCompleted);
        var error = task.Result.Error;
        task.Result.Release();
        Store.Volume.ClientGone(call.Client);
        return error == Errno.Ok;
    }

    public string Get(string key)
    {
        var dump = new StateDump();
        Aha.DumpState(dump);
        var line = dump.ToString().Split('\n').First(l => l.StartsWith(key + "=", StringComparison.Ordinal));
        return line[(key.Length + 1)..];
    }

    private void OnEvent(GraphEvent graphEvent)
    {
        Events.Add(graphEvent.Kind);
        if (graphEvent.Kind == GraphEventKind.RecallLease)
        {
            Recalls.Add(graphEvent.LeaseId);
        }
    }

    private static VolfileDocument Document(
        int proxies, bool writesBehind, (string Key, string Value)[] options)
    {
        var document = new VolfileDocument();
        for (var i = 0; i < proxies; i++)
        {
            document.Add(NameOf(i), "protocol/client")
                .With("remote-host", NameOf(i))
                .With("remote-port", ProxyNode.Port.ToString(CultureInfo.InvariantCulture))
                .With("remote-subvolume", ProxyNode.Export)
                .With("ping-timeout", PingTimeout);
        }

        var aha = document.Add("aha", "cluster/aha").Over(Enumerable.Range(0, proxies).Select(NameOf));
        foreach (var (key, value) in options)
        {
            aha.With(key, value);
        }

        if (writesBehind)
        {
            document.Add("wb", "performance/write-behind").Over("aha");
        }

        return document;
    }
}
