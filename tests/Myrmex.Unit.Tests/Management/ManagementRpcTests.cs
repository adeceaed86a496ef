using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.Cluster;
using Myrmex.Management.Nodes;
using Myrmex.Management.Volfiles;
using Myrmex.Runtime.Linux;
using Myrmex.Unit.Tests.Volumes;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// The volume file server on a loopback socket, asked in the bytes that a GlusterFS 10.3 client sends.
/// </summary>
public sealed class ManagementRpcTests : IAsyncLifetime
{
    private const uint Handshake = 14398633;
    private const uint Portmap = 34123456;

    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Name = "test", Reactors = 1, Workers = 1 });
    private readonly CancellationTokenSource _stop = new();
    private readonly MemoryStore _store = new(LinuxClock.Shared);
    private ManagementRpc _rpc = null!; // These three are set by InitializeAsync.
    private NetworkStream _client = null!;
    private Task _follow = null!;
    private Myrmex.Management.State.VolumeCatalog _catalog = null!; // Set by InitializeAsync.

    public async Task InitializeAsync()
    {
        await SaveAsync(SampleVolumes.Distribute(2, "v1"));
        var view = new ClusterView(_store, _runtime.Seams.Scheduler);
        var node = new LocalNode(SampleVolumes.Node, LinuxClock.Shared);
        var options = new DaemonOptions { WorkingDirectory = "/nowhere", Executable = ["myrmex"] };
        var processes = new FakeProcesses();
        var life = new NodeLife(0, "test", "test", StartedUnixMs: 0);
        var session = new DaemonSession(
            options, _store, view, new ClusterWriter(_store, view, _runtime.Seams),
            new NodeLifeKeeper(_store, node.Id, life, _runtime.Seams), node, "test", processes, processes, new FakePort(),
            new FakePort(), _runtime.Seams);
        var catalog = session.Catalog;
        _catalog = catalog;
        var supervisor = session.Supervisor;
        await view.LoadAsync(_stop.Token);
        var registry = new PortRegistry();
        var service = new VolfileService(
            catalog, supervisor, session.Proxies, session.Placement, registry, node, managementPort: 24007);
        _rpc = new ManagementRpc(_runtime.Seams, catalog, service, registry, session.Directory, node);
        var address = _rpc.Listen("127.0.0.1", 0);
        _follow = view.FollowAsync(_stop.Token);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync("127.0.0.1", address.Port);
        _client = new NetworkStream(socket, ownsSocket: true);
    }

    public async Task DisposeAsync()
    {
        await _client.DisposeAsync();
        _rpc.Dispose();
        await _stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _follow);
        _runtime.Dispose();
        _stop.Dispose();
    }

    [Fact]
    public async Task AGetSpecCallAsCapturedIsAnswered()
    {
        // Key "v1" of a mount, with its dictionary of op-versions.
        await SendAsync(Convert.FromHexString(
            "00000002000000000000000200dbb4a900000002000000020005f397000000180000000000000000000000000000000000000004000000000000000000000000"
            + "0000000100000002763100000000003b000000020000000e000000076d61782d6f702d76657273696f6e00313030303030000000000e000000026d696e2d6f70"
            + "2d76657273696f6e00310000"));
        var reply = await ReceiveAsync();
        Assert.Equal("000000020000000100000000000000000000000000000000", Convert.ToHexStringLower(reply[..24]));
        var length = BinaryPrimitives.ReadInt32BigEndian(reply.AsSpan(24));
        Assert.Equal(0, BinaryPrimitives.ReadInt32BigEndian(reply.AsSpan(28)));
        Assert.Equal(length, BinaryPrimitives.ReadInt32BigEndian(reply.AsSpan(32)));
        var spec = Encoding.UTF8.GetString(reply, 36, length);
        Assert.Equal(ClientVolfile.Build(SampleVolumes.Distribute(2, "v1"), trusted: true).ToString(), spec);
    }

    [Theory]
    [InlineData("nosuch")]
    [InlineData("gluster/bitd")]
    [InlineData("v1.srv1.bricks-b9")]
    public async Task AnUnknownKeyIsNotFound(string key)
    {
        await SendAsync(Call(Handshake, 2, 2, GetSpec(key)));
        var reply = await ReceiveAsync();
        Assert.Equal("ffffffff" + "00000002" + "00000000" + "00000000", Convert.ToHexStringLower(reply[24..]));
    }

    [Fact]
    public async Task ABrickGetsItsOwnFile()
    {
        await SendAsync(Call(Handshake, 2, 2, GetSpec("v1.srv1.bricks-b2")));
        var reply = await ReceiveAsync();
        var volume = SampleVolumes.Distribute(2, "v1");
        Assert.Contains(BrickVolfile.Build(volume, volume.Bricks[1]).ToString(), Encoding.UTF8.GetString(reply));
    }

    /// <summary>A key of ours in the request tells that the asker has our translators.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task AClientOfOursGetsAFileOfItsOwnWhereThereAreJournals(bool isOurs)
    {
        var volume = SampleVolumes.Journals(3, 3) with { Name = "v2" };
        await SaveAsync(volume);
        await UntilKnownAsync("v2");
        await SendAsync(Call(Handshake, 2, 2, isOurs ? GetSpec("v2", ("myrmex-client", "1")) : GetSpec("v2")));
        var reply = await ReceiveAsync();
        var expected = ClientVolfile.Build(volume, trusted: true, isOurs: isOurs).ToString();
        var length = BinaryPrimitives.ReadInt32BigEndian(reply.AsSpan(24));
        Assert.Equal(expected, Encoding.UTF8.GetString(reply, 36, length));
    }

    [Fact]
    public async Task AChangeOfTheVolumeIsCalledBack()
    {
        await SendAsync(Call(Handshake, 2, 2, GetSpec("/v1")));
        await ReceiveAsync();
        await SaveAsync(SampleVolumes.Distribute(1, "other"));
        await SaveAsync(SampleVolumes.Distribute(2, "v1").With(new VolumeSetting("auth.allow", "10.*")));
        var call = await ReceiveAsync();
        var words = new List<uint>();
        for (var i = 4; i < 24; i += 4)
        {
            words.Add(BinaryPrimitives.ReadUInt32BigEndian(call.AsSpan(i)));
        }

        Assert.Equal([0u, 2u, 52743234u, 1u, 1u], words);
    }

    [Fact]
    public async Task AClientOfOursIsAskedForADumpByItsMachineAndNumber()
    {
        IPAddress[] here = [IPAddress.Parse("127.0.0.1")];
        await SendAsync(Call(Handshake, 2, 2, GetSpec("/v1", ("myrmex-client", "1"), ("myrmex-pid", "4242"))));
        await ReceiveAsync();
        Assert.False(_rpc.AskForDump("v1", here, 4241));
        Assert.False(_rpc.AskForDump("other", here, 4242));
        Assert.False(_rpc.AskForDump("v1", [IPAddress.Parse("192.0.2.1")], 4242));
        Assert.True(_rpc.AskForDump("v1", here, 4242));
        var call = await ReceiveAsync(); // The only one that is sent.
        Assert.Equal(
            "00000000" + "00000002" + "0324cc42" + "00000001" + "00000009", Convert.ToHexStringLower(call.AsSpan(4, 20)));
        Assert.Equal(4242, BinaryPrimitives.ReadInt32BigEndian(call.AsSpan(call.Length - 4)));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("0")]
    [InlineData("-1")]
    [InlineData("99999999999")]
    [InlineData("x")]
    public async Task WhoDoesNotSayItsNumberIsNotAsked(string? pid)
    {
        await SendAsync(Call(Handshake, 2, 2, pid is null ? GetSpec("/v1") : GetSpec("/v1", ("myrmex-pid", pid))));
        await ReceiveAsync();
        Assert.False(_rpc.AskForDump("v1", [IPAddress.Parse("127.0.0.1")], 1));
        await SendAsync(Call(Handshake, 2, 2, GetSpec("/v1")));
        Assert.True((await ReceiveAsync()).Length > 100);
    }

    [Fact]
    public async Task VolumeInfoHasTheId()
    {
        var request = new List<byte>();
        var dict = LegacyDict(("volname", "v1"), ("flags", "1"));
        AddOpaque(request, dict);
        await SendAsync(Call(Handshake, 2, 6, [.. request]));
        var reply = await ReceiveAsync();
        Assert.Equal(0, BinaryPrimitives.ReadInt32BigEndian(reply.AsSpan(24)));
        Assert.Contains("volume_id\0" + SampleVolumes.Distribute(1).Id, Encoding.UTF8.GetString(reply));
    }

    [Fact]
    public async Task PortsAreThoseThatWereSignedIn()
    {
        Assert.Equal("ffffffff" + "00000002" + "00000000" + "00000000", await PortByBrickAsync("gfproxyd-v1"));
        var sign = new List<byte>();
        AddOpaque(sign, "gfproxyd-v1"u8);
        sign.AddRange([0, 0, 0xC0, 0x01, 0, 0, 0, 9]);
        await SendAsync(Call(Portmap, 1, 4, [.. sign]));
        Assert.Equal("0000000000000000", Convert.ToHexStringLower((await ReceiveAsync())[24..]));
        Assert.Equal("00000000" + "00000000" + "00000001" + "0000c001", await PortByBrickAsync("gfproxyd-v1"));
        await SendAsync(Call(Portmap, 1, 5, [.. sign]));
        await ReceiveAsync();
        Assert.Equal("ffffffff" + "00000002" + "00000000" + "00000000", await PortByBrickAsync("gfproxyd-v1"));
    }

    [Theory]
    [InlineData(1238463, 2, 1, 1)] // GlusterFS' command line program: not available.
    [InlineData(14398633, 2, 99, 3)]
    [InlineData(14398633, 2, 2, 4)] // GETSPEC without arguments.
    public async Task WhatIsNotServedIsRefusedAndTheConnectionStays(uint program, uint version, uint procedure, uint status)
    {
        await SendAsync(Call(program, version, procedure, []));
        var reply = await ReceiveAsync();
        Assert.Equal(status, BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(20)));
        await SendAsync(Call(123451501, 1, 2, []));
        Assert.Equal(36, (await ReceiveAsync()).Length);
    }

    private async Task UntilKnownAsync(string volume)
    {
        for (var i = 0; i < 500 && _catalog.Find(volume) is null; i++)
        {
            await Task.Delay(10);
        }

        Assert.NotNull(_catalog.Find(volume));
    }

    private static byte[] GetSpec(string key, params (string Key, string Value)[] more)
    {
        var bytes = new List<byte> { 0, 0, 0, 1 };
        AddOpaque(bytes, Encoding.UTF8.GetBytes(key));
        AddOpaque(bytes, LegacyDict([("min-op-version", "1"), .. more]));
        return [.. bytes];
    }

    private static byte[] LegacyDict(params (string Key, string Value)[] pairs)
    {
        var bytes = new List<byte>();
        AddWord(bytes, (uint)pairs.Length);
        foreach (var (key, value) in pairs)
        {
            AddWord(bytes, (uint)key.Length);
            AddWord(bytes, (uint)value.Length + 1);
            bytes.AddRange(Encoding.UTF8.GetBytes(key + "\0" + value + "\0"));
        }

        return [.. bytes];
    }

    private static void AddWord(List<byte> bytes, uint word) =>
        bytes.AddRange([(byte)(word >> 24), (byte)(word >> 16), (byte)(word >> 8), (byte)word]);

    private static void AddOpaque(List<byte> bytes, ReadOnlySpan<byte> opaque)
    {
        AddWord(bytes, (uint)opaque.Length);
        bytes.AddRange(opaque);
        while (bytes.Count % 4 != 0)
        {
            bytes.Add(0);
        }
    }

    private static byte[] Call(uint program, uint version, uint procedure, byte[] body)
    {
        var bytes = new List<byte>();
        foreach (var word in (uint[])[7, 0, 2, program, version, procedure, 0, 0, 0, 0])
        {
            AddWord(bytes, word);
        }

        bytes.AddRange(body);
        return [.. bytes];
    }

    private async Task<string> PortByBrickAsync(string name)
    {
        var body = new List<byte>();
        AddOpaque(body, Encoding.UTF8.GetBytes(name));
        await SendAsync(Call(Portmap, 1, 1, [.. body]));
        return Convert.ToHexStringLower((await ReceiveAsync())[24..]);
    }

    private Task SaveAsync(Volume volume) =>
        _store.PutAsync($"volume/{volume.Name}", VolumeJson.ToBytes(volume), CancellationToken.None);

    private async Task SendAsync(byte[] record)
    {
        var bytes = new List<byte>();
        AddWord(bytes, 0x8000_0000u | (uint)record.Length);
        bytes.AddRange(record);
        await _client.WriteAsync(bytes.ToArray());
    }

    private async Task<byte[]> ReceiveAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var mark = new byte[4];
        await _client.ReadExactlyAsync(mark, limit.Token);
        var record = new byte[BinaryPrimitives.ReadUInt32BigEndian(mark) & 0x7FFF_FFFF];
        await _client.ReadExactlyAsync(record, limit.Token);
        return record;
    }
}
