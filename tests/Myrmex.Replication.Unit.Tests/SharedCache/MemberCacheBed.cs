using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features.CacheLeases;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Replication.Engine;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>What the members of a replica set do wrong, so that the checks can be seen to notice it.</summary>
internal enum MemberFault
{
    None,

    /// <summary>A member that thinks that it leads promises something, whatever the others have granted.</summary>
    PromisesWithoutLease,

    /// <summary>A member that has led goes on to promise something.</summary>
    PromisesWithoutLead,

    /// <summary>A lead is handed over at once, and the next leader waits for nothing.</summary>
    HandsOverPromises,
}

/// <summary>
/// Three members of a replica set with everything but disks and state store as in a brick, proxies with a cache and
/// clients without one that follow the leader. Some proxies read at followers.
/// </summary>
internal sealed class MemberCacheBed : CacheWorld, IDisposable
{
    private const int PpmMax = 4_000; // What leases of leaders stand.

    private readonly Dictionary<StoreMember, CacheLeases> _leases;

    public MemberCacheBed(ulong seed, MemberFault fault = MemberFault.None, bool drifts = false)
    {
        var leases = _leases = [];
        Set = new StoreBed(seed, options: new StoreBedOptions
        {
            Opened = member => leases[member] = Serve(member, fault),
            Mutations = fault == MemberFault.HandsOverPromises
                ? ReplicaMutations.HandsOverPromises : ReplicaMutations.None,
        });
        var readsApart = seed % 2 == 0;
        Proxies = [NewUser("p0", readsApart, isCached: true), NewUser("p1", readsApart, isCached: true)];
        Direct = NewUser("direct", readsApart: false, isCached: false);
        Drift(drifts ? PpmMax : 0);
        StartUsers();
    }

    /// <summary>Another leader takes seconds.</summary>
    public override double Haste => 0.3;

    public StoreBed Set { get; }

    public override SimWorld World => Set.World;

    /// <summary>Changes that have waited for somebody, at the members that run.</summary>
    public long Waits => _leases.Values.Sum(l => CacheUser.FigureOf(l, "waits"));

    public int Moves { get; private set; }

    public StoreMember Leader
    {
        get
        {
            Assert.True(World.RunUntil(() => Set.Leader is not null, 60_000), "nobody leads");
            return Set.Leader!;
        }
    }

    public long HoldersAt(StoreMember member) => CacheUser.FigureOf(_leases[member], "holders");

    public void Switch(bool isOn)
    {
        foreach (var leases in _leases.Values)
        {
            Assert.True(leases.Reconfigure(new OptionValues(
                CacheLeases.Registration.Options,
                new Dictionary<string, string> { ["cache-leases"] = isOn ? "on" : "off" })));
        }
    }

    public override void Tune(SimRandom random)
    {
    }

    public void Dispose() => Set.Dispose();

    public override void Disturb(SimRandom random)
    {
        var proxy = Proxies[random.Below(2)].Node;
        var some = Set.Members[random.Below(3)];
        var leader = Set.Leader ?? some;
        switch (random.Below(12))
        {
            case 0:
                proxy.Freeze(random.Between(50, 3_000));
                break;
            case 1:
                World.Network.DropLinks(proxy, leader.Node);
                break;
            case 2:
                World.Network.Cut(proxy, leader.Node);
                break;
            case 3:
                World.Network.CutOneWay(leader.Node, proxy);
                break;
            case 4 or 5:
                leader.IsIsolated = true; // From the other members; clients reach it.
                break;
            case 6 when some.Node.IsUp:
                leader.Node.Freeze(random.Between(50, 4_000));
                break;
            case 7 when leader.Node.IsUp && Set.Members.All(m => m.Node.IsUp):
                leader.Crash(SimCrash.Process);
                World.After(random.Between(50, 3_000), Set.Restart);
                break;
            case 8 or 9 when leader is { Node.IsUp: true, Replica: { } replica }:
                replica.TransferLead(90_000, Set.Members[(leader.Id.Value + 1 + random.Below(2)) % 3].Id);
                Moves++;
                break;
            default:
                World.Network.MendAll();
                Mend();
                break;
        }
    }

    public void Mend()
    {
        foreach (var member in Set.Members)
        {
            member.IsIsolated = false;
        }
    }

    private static CacheLeases Serve(StoreMember member, MemberFault fault)
    {
        var exports = new ExportTable();
        var document = new VolfileDocument();
        document.Add("member", "test/member");
        document.Add(CacheBrick.Export, "features/cache-leases").Over("member").With("cache-leases", "on");
        document.Add("door", "protocol/server").Over(CacheBrick.Export)
            .With($"auth.login.{CacheBrick.Export}.allow", CacheBrick.User)
            .With($"auth.login.{CacheBrick.User}.password", CacheBrick.Password)
            .With($"auth.addr.{CacheBrick.Export}.allow", "*");
        var graph = TranslatorGraph.Build(
            document,
            [
                new("test/member", place => new Member(place, member, fault), [], Maturity.Preview) { SubvolumesMin = 0 },
                CacheLeases.Registration,
                ServerTranslator.Registration(exports),
            ],
            member.Node.Seams,
            new GraphOrigin());
        graph.Start();
        new RpcServer(member.Node.Seams, connection => new ServerConnection(connection, exports))
            .Listen(new LinkAddress(member.Node.Name, CacheBrick.Port), RpcConnection.LinkOptions());
        return graph.Translators.OfType<CacheLeases>().Single();
    }

    private CacheUser NewUser(string name, bool readsApart, bool isCached)
    {
        var document = CacheUser.WaysTo([.. Set.Members.Select(m => m.Node.Name)]);
        document.Add("set", "cluster/journal-client").Over(["client0", "client1", "client2"])
            .With("election-wait", "20").With("readers", readsApart ? "0,1,2" : string.Empty);
        return new CacheUser(World, name, document, isCached);
    }

    /// <summary>The top of a member's brick, in a graph of its own; and what it says of its term.</summary>
    private sealed class Member(TranslatorPlace place, StoreMember member, MemberFault fault)
        : Uniform<Policy>(place, new Policy(member.Top!)), ICacheTerm // It is opened.
    {
        private readonly Translator _top = member.Top!;
        private ulong _lastTerm;

        public (ulong Term, long UntilNs) CacheTerm
        {
            get
            {
                var real = ((ICacheTerm)_top).CacheTerm;
                _lastTerm = real.Term == 0 ? _lastTerm : real.Term;
                return fault switch
                {
                    MemberFault.PromisesWithoutLease when real.Term != 0 =>
                        (real.Term, member.Node.Clock.MonotonicNs + 4_000_000_000),
                    MemberFault.PromisesWithoutLead when _lastTerm != 0 =>
                        (_lastTerm, member.Node.Clock.MonotonicNs + 600_000_000),
                    _ => real,
                };
            }
        }

        public void WantCacheTerm(bool isWanted) => ((ICacheTerm)_top).WantCacheTerm(isWanted);

        public ValueTask<TReply> InvokeIn<TFop, TReply>(ulong term, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply> => fault == MemberFault.PromisesWithoutLead
            ? TFop.Invoke(_top, in fop, call) : ((ICacheTerm)_top).InvokeIn<TFop, TReply>(term, in fop, call);

        public override void ClientGone(ClientIdentity client) => _top.ClientGone(client);
    }

    private readonly struct Policy(Translator top) : IFopPolicy
    {
        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply> => TFop.Invoke(top, in fop, call);
    }
}
