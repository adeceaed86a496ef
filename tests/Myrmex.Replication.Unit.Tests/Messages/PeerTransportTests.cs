using System;
using System.Buffers;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Replication.Engine;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Messages;

/// <summary>
/// Two replicas with their journals that reach each other over protocol/client and protocol/server. Every entry is
/// looked at when it is committed, when the message that brought it is long gone.
/// </summary>
[Collection("payload pool")]
public sealed class PeerTransportTests
{
    private const string User = "volume-user";
    private const string Secret = "volume-password";

    private static readonly UInt128 Set = new(0x1122334455667788, 0x99AABBCCDDEEFF00);
    private static readonly int[] Sizes = [0, 1, 4096, 1 << 20];

    private readonly Dictionary<BedMember, PeerTransport> _transports = [];
    private readonly Dictionary<BedMember, int> _checked = [];
    private ReplicaBed _bed = null!;

    public static TheoryData<ulong> Seeds => [1, 2, 3];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void EntriesOfAllSizesReachTheOtherMemberWhole(ulong seed)
    {
        var before = SettledPool.Bytes();
        Start(seed);
        Propose(1, 60);
        WaitForAll(60);
        Assert.Equal(_bed.Members[0].Applied, _bed.Members[1].Applied);
        Assert.Equal([0L, 0L], _transports.Values.Select(t => t.RefusedIn + t.LostIn));
        var stopped = 0;
        foreach (var member in _bed.Members)
        {
            member.Replica!.Stop(_ => stopped++);
        }

        Assert.True(_bed.World.RunUntil(() => stopped == 2, 10_000));
        _bed.World.RunFor(5_000);
        Assert.Equal([0L, 0L], _transports.Values.Select(t => t.WaitingBytes));

        // A link has a buffer while something arrives, and pings do.
        Assert.True(
            _bed.World.RunUntil(() => PayloadPool.Shared.OutstandingBytes <= before, 10_000),
            $"{PayloadPool.Shared.OutstandingBytes - before} bytes of payload are left");
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void AMemberThatComesBackGetsWhatItLacksOverItsNewAttachment(ulong seed)
    {
        Start(seed);
        Propose(1, 20);
        WaitForAll(20);
        for (ulong round = 1; round <= 3; round++)
        {
            var other = _bed.Members.First(m => m != _bed.Leader);
            Propose(1 + (round * 20), 10);
            _bed.World.RunFor(5);
            other.Crash(round == 2 ? SimCrash.Process : SimCrash.Power);
            Propose(11 + (round * 20), 10);
            _bed.World.RunFor(300);
            other.Node.Restart();
            other.Start();
            _bed.WaitForLeader();
            Assert.True(
                _bed.World.RunUntil(
                    () => _bed.Leader is { } leader
                        && _bed.Members.All(m => m.Replica!.Commit == leader.Replica!.Last), 60_000),
                $"seed {seed}: {_bed.Describe()}");
            Assert.Equal(_bed.Members[0].Applied, _bed.Members[1].Applied);
        }

        Assert.All(_checked.Values, c => Assert.InRange(c, 40, 10_000));
    }

    [Theory]
    [MemberData(nameof(Seeds))]
    public void BreaksOfTheNetworkLoseNothingThatIsCommitted(ulong seed)
    {
        Start(seed);
        for (ulong round = 0; round < 5; round++)
        {
            _bed.WaitForLeader();
            Propose(1 + (round * 20), 20);
            _bed.World.RunFor(10);
            _bed.World.Network.DropLinks(_bed.Members[0].Node, _bed.Members[1].Node);
            _bed.World.RunFor(1_000);
        }

        _bed.WaitForLeader();
        Assert.True(
            _bed.World.RunUntil(
                () => _bed.Leader is { } leader
                    && _bed.Members.All(m => m.Replica!.Commit == leader.Replica!.Last), 60_000),
            $"seed {seed}: {_bed.Describe()}");
        Assert.Equal(_bed.Members[0].Applied, _bed.Members[1].Applied);
        Assert.Contains(_transports.Values, t => t.LostOut > 0);
    }

    [Fact]
    public void WhatIsNoMessageOfTheSetIsRefused()
    {
        Start(1);
        var transport = _transports[_bed.Members[1]];
        var head = Head(Set + 1, []);
        transport.Receive(head, default);
        Assert.Equal(1, transport.RefusedIn);
        head = Head(Set, []);
        head[9] ^= 1;
        var data = Payload.CopyOf(new byte[100_000]);
        transport.Receive(head, data);
        transport.Receive([], data);
        Assert.Equal(3, transport.RefusedIn);
        Assert.Equal((0, 1), (transport.WaitingBytes, data.Buffer!.References));
        data.Release();
    }

    [Fact]
    public void WhatTheSchedulerDoesNotTakeInTimeIsLost()
    {
        Start(1);
        var transport = _transports[_bed.Members[1]];
        var data = Payload.CopyOf(new byte[1 << 20]);
        var head = Head(Set, [Entry(data)]);
        for (var i = 0; i < 80; i++)
        {
            transport.Receive(head, data);
        }

        var taken = (64 << 20) / (head.Length + data.Length);
        Assert.Equal(80 - taken, transport.LostIn);
        Assert.Equal(1 + taken, data.Buffer!.References);
        _bed.World.RunFor(100);
        Assert.Equal((0, 1), (transport.WaitingBytes, data.Buffer!.References));
        transport.End();
        transport.Receive(head, data);
        Assert.Equal((81 - taken, 1), (transport.LostIn, data.Buffer!.References));
        data.Release();
    }

    [Fact]
    public void SmallDataHoldsNoReceiveBuffer()
    {
        Start(1);
        var transport = _transports[_bed.Members[1]];
        var record = Payload.CopyOf(new byte[64 << 10]);
        var data = record.Slice(100, 5);
        transport.Receive(Head(Set, [Entry(data)]), data);
        Assert.Equal((0, 1), (transport.RefusedIn, record.Buffer!.References));
        Assert.NotEqual(0, transport.WaitingBytes);
        _bed.World.RunFor(100);
        record.Release();
    }

    [Fact]
    public void AMessageForAnotherIsSentOnBeforeOurReplicaIsAtIt()
    {
        Start(1);
        var link = new RecordingLink();
        var links = new Dictionary<MemberId, IPeerLink> { [new MemberId(2)] = link };
        var transport = new PeerTransport(Set, links, _bed.Members[1].Node.Seams.Scheduler);
        transport.Begin(_bed.Members[1].Replica!);
        var data = Payload.CopyOf(Enumerable.Range(0, 100_000).Select(i => (byte)i).ToArray());
        transport.Receive(Head(Set, [Entry(data.Slice(0, 70_000)), Entry(data.Slice(70_000, 30_000))], new MemberId(2)), data);
        var (head, bytes) = Assert.Single(link.Messages);
        Assert.Equal(Head(Set, [Entry(data.Slice(0, 70_000)), Entry(data.Slice(70_000, 30_000))]), head);
        Assert.Equal(data.Span.ToArray(), bytes);
        Assert.Equal((1, 0), (transport.Relayed, transport.LostOut));
        Assert.NotEqual(0, transport.WaitingBytes); // It is ours too.
        transport.Receive(Head(Set, [Entry(data)], new MemberId(3)), data); // Nothing leads there.
        Assert.Equal((1, 1), (transport.Relayed, transport.LostOut));
        _bed.World.RunFor(100);
        Assert.Equal((0, 1), (transport.WaitingBytes, data.Buffer!.References));
        data.Release();
    }

    private static JournalEntry Entry(Payload data) => new(
        new EntryHeader(new Term(1), new JournalIndex(1), 0, EntryKind.Operation, 0, 0, 0), default, data);

    /// <summary>A message of a stranger: understood, and ignored by the replica.</summary>
    private static byte[] Head(UInt128 set, JournalEntry[] entries, MemberId? relayTo = null)
    {
        var head = new ArrayBufferWriter<byte>();
        var from = new MessageOrigin(new Term(1), new MemberId(0), Incarnation: 5, Boot: 1, Epoch: 1);
        MessageCodec.EncodeHead(set, new ReplicaMessage.Append { From = from, RelayTo = relayTo, Items = entries }, head);
        return head.WrittenSpan.ToArray();
    }

    private void Start(ulong seed)
    {
        _bed = new ReplicaBed(seed, count: 2, segmentBytes: 32 << 20) { TransportOf = Wire, OnCommitted = Check };
        _bed.Opened = member => _transports[member].Begin(member.Replica!);
        foreach (var member in _bed.Members)
        {
            member.Start();
        }

        _bed.WaitForLeader();
    }

    private void Propose(ulong first, int count)
    {
        for (var tag = first; tag < first + (ulong)count; tag++)
        {
            var bytes = new byte[Sizes[tag % (ulong)Sizes.Length]];
            Array.Fill(bytes, (byte)tag);
            _bed.Leader?.Replica!.Propose(new Proposal(
                tag, EntryKind.Operation, 0, 0, 0, Encoding.ASCII.GetBytes($"op-{tag}-"),
                bytes.Length == 0 ? default : Payload.CopyOf(bytes)));
        }
    }

    private void WaitForAll(int count) => Assert.True(
        _bed.World.RunUntil(() => _bed.Members.All(m => _checked.GetValueOrDefault(m) >= count), 60_000),
        _bed.Describe());

    private void Check(BedMember member, JournalEntry entry)
    {
        if (entry.Header.Kind != EntryKind.Operation)
        {
            return;
        }

        var tag = ulong.Parse(Encoding.ASCII.GetString(entry.Meta.Span).Split('-')[1], CultureInfo.InvariantCulture);
        Assert.Equal(Sizes[tag % (ulong)Sizes.Length], entry.Data.Length);
        Assert.True(entry.Data.Span.IndexOfAnyExcept((byte)tag) < 0, $"{member.Node.Name}: the data of {tag}");
        _checked[member] = _checked.GetValueOrDefault(member) + 1;
    }

    private PeerTransport Wire(BedMember member)
    {
        var other = _bed.Members.First(m => m != member);
        var (export, otherExport) = ($"/{member.Node.Name}.member", $"/{other.Node.Name}.member");
        var document = new VolfileDocument();
        document.Add("store", "test/store");
        document.Add("other", "protocol/client").With("remote-host", other.Node.Name).With("remote-port", "49152")
            .With("remote-subvolume", otherExport).With("username", User).With("password", Secret);
        document.Add(export, "test/journal").Over("store", "other");
        document.Add("door", "protocol/server").Over(export)
            .With($"auth.login.{export}.allow", User).With($"auth.login.{User}.password", Secret);
        var exports = new ExportTable();
        PeerTransport? transport = null;
        TranslatorRegistration[] types =
        [
            new("test/store", place => new Store(place), [], Maturity.Preview) { SubvolumesMin = 0 },
            new(
                "test/journal",
                place => new Journal(place, transport = new PeerTransport(
                    Set, new Dictionary<MemberId, IPeerLink> { [other.Id] = (IPeerLink)place.Subvolumes[1] },
                    member.Node.Seams.Scheduler)),
                [], Maturity.Preview) { SubvolumesMax = 2 },
            ClientTranslator.Registration,
            ServerTranslator.Registration(exports),
        ];
        var graph = TranslatorGraph.Build(
            document, types, member.Node.Seams, new GraphOrigin { ProcessId = member.Node.Name });
        graph.Start();
        new RpcServer(member.Node.Seams, c => new ServerConnection(c, exports))
            .Listen(new LinkAddress(member.Node.Name, 49152), RpcConnection.LinkOptions());
        return _transports[member] = transport!;
    }

    private sealed class Store(TranslatorPlace place) : LeafTranslator(place);

    private sealed class Journal(TranslatorPlace place, PeerTransport transport) : Translator(place), IPeerReceiver
    {
        public void Receive(ReadOnlySpan<byte> head, Payload data) => transport.Receive(head, data);
    }

    private sealed class RecordingLink : IPeerLink
    {
        public List<(byte[] Head, byte[] Data)> Messages { get; } = [];

        public bool TrySend(ReadOnlySpan<byte> head, ReadOnlySpan<Payload> data)
        {
            Messages.Add((head.ToArray(), [.. data.ToArray().SelectMany(p => p.Span.ToArray())]));
            return true;
        }
    }
}
