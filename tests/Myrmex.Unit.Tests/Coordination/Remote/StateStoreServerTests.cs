using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination.Remote;

/// <summary>
/// What a peer cannot do to the server of the state store: send what is malformed, and have too much at once.
/// </summary>
public sealed class StateStoreServerTests
{
    private static CancellationToken Forever => CancellationToken.None;

    [Fact]
    public void ARecordThatIsCutShortOrTooLongCostsTheConnectionAndNothingElse()
    {
        var bed = new RemoteBed();
        bed.StartDaemon();
        var store = bed.Connect();
        bed.Run(() => store.PutAsync("a", RemoteBed.Bytes("1"), Forever));
        var bodies = Bodies();
        for (var i = 0; i < bodies.Count; i++)
        {
            var (procedure, body) = bodies[i];
            for (var length = 0; length <= body.Length + 4; length += 4)
            {
                if (length != body.Length)
                {
                    var peer = new Peer(bed);
                    var sent = new byte[length];
                    body.AsSpan(0, Math.Min(length, body.Length)).CopyTo(sent);
                    peer.Send(procedure, sent);
                    Assert.True(
                        bed.World.RunUntil(() => peer.IsClosed, 1_000), $"{procedure} of {length} bytes is taken");
                    Assert.False(peer.IsAnswered);
                }
            }
        }

        Assert.NotNull(bed.Run(() => store.GetAsync("a", Forever)));
        Assert.Equal(new Revision(1), bed.Service.Revision);
    }

    [Fact]
    public void TwoCallsOfOneWatchCostTheConnection()
    {
        var bed = new RemoteBed();
        bed.StartDaemon();
        bed.World.RunFor(100);
        var peer = new Peer(bed);
        var (_, watch) = Bodies().Single(b => b.Procedure == StateProcedure.Watch);
        peer.Send(StateProcedure.Watch, watch);
        bed.World.RunFor(1_000);
        Assert.False(peer.IsClosed);
        peer.Send(StateProcedure.Watch, watch);
        Assert.True(bed.World.RunUntil(() => peer.IsClosed, 1_000));
    }

    [Fact]
    public void WhatIsTooManyIsRefusedUntilThereIsRoom()
    {
        var bed = new RemoteBed();
        var held = new HeldStore(bed.Service.Connect(bed.Node));
        bed.StartDaemon(held);
        var store = bed.Connect();
        var puts = Enumerable.Range(0, StateStoreProgram.CallsMax)
            .Select(n => bed.Start(() => store.PutAsync($"k/{n}", default, Forever))).ToArray();
        bed.World.RunFor(1_000);
        Assert.Equal(StateStoreProgram.CallsMax, held.Commits);
        var last = bed.Start(() => store.PutAsync("last", default, Forever));
        bed.World.RunFor(2_000);
        Assert.Equal(StateStoreProgram.CallsMax, held.Commits);
        held.Open();
        Assert.True(bed.World.RunUntil(() => puts.All(p => p.IsCompletedSuccessfully), 1_000));
        Assert.True(bed.World.RunUntil(() => last.IsCompletedSuccessfully, 1_000));
    }

    [Fact]
    public void WatchesAreBoundedAndEndWithTheirConnection()
    {
        var bed = new RemoteBed();
        var held = new HeldStore(bed.Service.Connect(bed.Node));
        bed.StartDaemon(held);
        var store = bed.Connect();
        using var stop = new CancellationTokenSource();
        var watches = Enumerable.Range(0, StateStoreProgram.WatchesMax + 3).Select(n => bed.Start(async () =>
        {
            await foreach (var batch in store.WatchAsync(KeyRange.Single($"w/{n}"), new Revision(1), stop.Token))
            {
                return batch.Changes.Count;
            }

            return 0;
        })).ToArray();
        bed.World.RunFor(3_000);
        Assert.Equal(StateStoreProgram.WatchesMax, held.Watches);
        for (var n = 0; n < watches.Length; n += 2)
        {
            RemoteBed.Now(bed.Service.Truth.PutAsync($"w/{n}", default, Forever));
        }

        // Those that have ended make room for the ones that had none.
        Assert.True(bed.World.RunUntil(() => watches.Where((_, n) => n % 2 == 0).All(w => w.IsCompleted), 10_000));
        bed.World.RunFor(5_000);
        Assert.Equal(watches.Count(w => !w.IsCompleted), held.Watches);
        store.Dispose();
        Assert.True(bed.World.RunUntil(() => held.Watches == 0, 5_000));
        Assert.True(bed.World.RunUntil(() => watches.All(w => w.IsCompleted), 5_000));
    }

    [Fact]
    public void ConnectionsAreBounded()
    {
        var bed = new RemoteBed();
        bed.StartDaemon();
        bed.World.RunFor(100);
        var peers = Enumerable.Range(0, StateStoreProgram.ConnectionsMax).Select(_ => new Peer(bed)).ToArray();
        bed.World.RunFor(100);
        Assert.DoesNotContain(peers, p => p.IsClosed);
        var store = bed.Connect();
        Assert.ThrowsAny<StateStoreException>(() => bed.Run(() => store.GetAsync("a", Forever)));
        peers[0].Close();
        Assert.Null(bed.Run(() => store.GetAsync("a", Forever)));
    }

    [Fact]
    public void AQuietWatchGoesOnOverManyCalls()
    {
        var bed = new RemoteBed();
        bed.StartDaemon();
        var store = bed.Connect();
        var watch = bed.Start(async () =>
        {
            await foreach (var batch in store.WatchAsync(KeyRange.Single("rare"), Revision.None, Forever))
            {
                return batch.Revision;
            }

            return Revision.None;
        });
        for (var i = 0; i < 100; i++)
        {
            bed.World.RunFor(1_000);
            RemoteBed.Now(bed.Service.Truth.PutAsync("often", default, Forever));
        }

        Assert.False(watch.IsCompleted);
        var revision = RemoteBed.Now(bed.Service.Truth.PutAsync("rare", default, Forever));
        Assert.True(bed.World.RunUntil(() => watch.IsCompleted, 2_000));
        Assert.Equal(revision, watch.Result);
    }

    /// <summary>One good body for every procedure.</summary>
    private static List<(StateProcedure Procedure, byte[] Body)> Bodies()
    {
        static byte[] Body(Action<RecordWriter> write)
        {
            var writer = new RecordWriter();
            writer.WriteGfid(Gfid.Null);
            write(writer);
            return writer.Written.ToArray();
        }

        return
        [
            (StateProcedure.Commit, Body(w => StateCodec.Write(w, StateCodecTests.Sample))),
            (StateProcedure.Watch, Body(w =>
            {
                w.WriteUInt(1);
                StateCodec.Write(w, KeyRange.Prefix("watched/"));
                w.WriteLong(1);
            })),
            (StateProcedure.EndWatch, Body(w => w.WriteUInt(1))),
            (StateProcedure.Grant, Body(w => w.WriteLong(5))),
            (StateProcedure.KeepAlive, Body(w => w.WriteLong(5))),
            (StateProcedure.Revoke, Body(w => w.WriteLong(5))),
        ];
    }

    /// <summary>A peer that sends what it likes.</summary>
    private sealed class Peer : IRpcHandler, IReplyReceiver
    {
        private readonly RpcConnection _connection;
        private readonly Queue<(StateProcedure Procedure, byte[] Body)> _waiting = new();

        public Peer(RemoteBed bed)
        {
            _connection = new RpcConnection(bed.Node.Seams, this);
            _connection.Connect(LinkAddress.Unix(RemoteBed.Path), RpcConnection.LinkOptions());
        }

        public bool IsClosed { get; private set; }

        public bool IsAnswered { get; private set; }

        public void Close() => _connection.Close(Errno.ECANCELED, "test");

        public void Send(StateProcedure procedure, byte[] body)
        {
            _waiting.Enqueue((procedure, body));
            if (_connection.IsOpen)
            {
                OnOpen(_connection);
            }
        }

        public void OnOpen(RpcConnection connection)
        {
            while (_waiting.TryDequeue(out var call))
            {
                var head = new RpcCall(
                    0, StateStoreProgram.Number, StateStoreProgram.Version, (uint)call.Procedure);
                connection.Send(head, null, new RawBody(call.Body), this, version3: false);
            }
        }

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position) =>
            call.Release();

        public void OnClosed(RpcConnection connection, Errno error, string reason) => IsClosed = true;

        public void OnReply(Payload record, int position) => IsAnswered = true;

        public void OnFailed(Errno error)
        {
        }
    }
}
