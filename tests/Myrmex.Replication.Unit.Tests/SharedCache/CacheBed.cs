using System.Linq;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>A brick, proxies with a cache and clients without one that use the brick directly.</summary>
internal sealed class CacheBed : CacheWorld
{
    /// <param name="bricks">With several there is distribution.</param>
    public CacheBed(ulong seed, BrickFault fault = BrickFault.None, int driftPpmMax = 0, int bricks = 1)
    {
        World = new SimWorld(seed);
        Bricks = [.. Enumerable.Range(0, bricks).Select(i => new CacheBrick(World, $"brick{i}", fault))];
        Proxies = [NewUser("p0", isCached: true), NewUser("p1", isCached: true)];
        Direct = NewUser("direct", isCached: false);
        Drift(driftPpmMax);
        foreach (var brick in Bricks)
        {
            brick.Node.Do(brick.Start);
        }

        StartUsers();
    }

    public override SimWorld World { get; }

    public CacheBrick[] Bricks { get; }

    public CacheBrick Brick => Bricks[0];

    public override void Tune(SimRandom random)
    {
        foreach (var brick in Bricks)
        {
            brick.DelayMsMax = random.Below(6);
        }
    }

    public override void Disturb(SimRandom random)
    {
        var proxy = Proxies[random.Below(2)].Node;
        var which = Bricks[random.Below(Bricks.Length)];
        var brick = which.Node;
        switch (random.Below(10))
        {
            case 0 or 1:
                proxy.Freeze(random.Between(50, 6_000));
                break;
            case 2:
                World.Network.DropLinks(proxy, brick);
                break;
            case 3:
                World.Network.Cut(proxy, brick);
                break;
            case 4:
                World.Network.CutOneWay(brick, proxy);
                break;
            case 5:
                World.Network.CutOneWay(proxy, brick);
                break;
            case 6:
                World.Network.DropLinks(Direct.Node, brick);
                break;
            case 7 when random.Chance(0.4):
                which.Crash();
                which.Restart();
                break;
            default:
                World.Network.MendAll();
                break;
        }
    }

    private CacheUser NewUser(string name, bool isCached)
    {
        var document = CacheUser.WaysTo([.. Bricks.Select(b => b.Node.Name)]);
        if (Bricks.Length > 1)
        {
            document.Add("dht", "cluster/distribute").Over(Enumerable.Range(0, Bricks.Length).Select(i => $"client{i}"));
        }

        return new CacheUser(World, name, document, isCached);
    }
}
