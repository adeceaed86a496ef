using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Features.CacheLeases;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Features;

/// <summary>
/// The table of a brick and the stores of two proxies under many threads, with a queue for each connection: what is
/// answered from memory is never older than what was done before.
/// </summary>
public sealed class CacheLeaseThreadsTests
{
    private const int Inodes = 3;
    private const int Rounds = 30_000;

    private readonly LeaseTable _table = new();
    private readonly ulong[] _states = new ulong[Inodes];
    private readonly ulong[] _done = new ulong[Inodes];
    private volatile string? _problem;
    private long _hits;

    [Fact]
    public void NothingOldIsAnswered()
    {
        var proxies = new[] { new Proxy(), new Proxy() };
        var threads = new List<Thread>();
        foreach (var proxy in proxies)
        {
            threads.Add(new Thread(() => Read(proxy, 7)));
            threads.Add(new Thread(() => Read(proxy, 11)));
        }

        threads.Add(new Thread(Write));
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        Array.ForEach(proxies, p => p.Dispose());
        Assert.True(Volatile.Read(ref _hits) > 0);
        Assert.Null(_problem);
    }

    private static Gfid GfidOf(int inode) => new(5, (ulong)inode + 1);

    private void Read(Proxy proxy, int step)
    {
        for (var i = 0; i < Rounds && _problem is null; i++)
        {
            var inode = i * step % Inodes;
            var gfid = GfidOf(inode);
            var least = Volatile.Read(ref _done[inode]);
            if (proxy.Store.TryFindStat(in gfid, 0, out var iatt))
            {
                Interlocked.Increment(ref _hits);
                if (iatt.Size < least)
                {
                    _problem = $"{iatt.Size} was answered after {least}";
                }

                continue;
            }

            var look = proxy.Store.BeginLook(0);
            var since = _table.Changes;
            var seen = Volatile.Read(ref _states[inode]);
            _table.Seen(in gfid, proxy.Holder, since, 0);
            proxy.Connection.Add(() =>
            {
                proxy.Store.KeepStat(GfidOf(inode), new Iatt { Size = seen }, in look);
                proxy.Store.EndLook();
            });
        }
    }

    private void Write()
    {
        for (var i = 0; i < Rounds / 10 && _problem is null; i++)
        {
            var inode = i % Inodes;
            var gfid = GfidOf(inode);
            List<(LeaseHolder Holder, ulong Number)>? asked = null;
            _table.Begin(in gfid, by: null, 0, ref asked);
            foreach (var (holder, number) in asked ?? [])
            {
                SpinWait.SpinUntil(() => holder.HasHandled(number));
            }

            Volatile.Write(ref _states[inode], (ulong)i + 1);
            _table.End(in gfid);
            Volatile.Write(ref _done[inode], (ulong)i + 1);
        }
    }

    private sealed class Proxy : ICacheLease, IDisposable
    {
        private readonly Thread _loop;

        public Proxy()
        {
            Holder = new LeaseHolder(
                new LeaseState(TestPlace.Seams(new ManualTime()), terms: null), 1, LeaseSpan.Alone(nowNs: 0),
                (gfid, number) => Connection.Add(() =>
                {
                    Store.InodeChanges(in gfid);
                    Holder!.Handled(number); // Set before anybody is told.
                }),
                told: 0);
            Store.Resize(1 << 20);
            Store.Open(1);
            Store.LeaseExtended(this, long.MaxValue);
            _loop = new Thread(() =>
            {
                foreach (var message in Connection.GetConsumingEnumerable())
                {
                    message();
                }
            });
            _loop.Start();
        }

        public SharedCacheStore Store { get; } = new();

        public LeaseHolder Holder { get; }

        /// <summary>What comes from the brick, in order.</summary>
        public BlockingCollection<Action> Connection { get; } = [];

        public void Dispose()
        {
            Connection.CompleteAdding();
            _loop.Join();
            Store.Close();
            Connection.Dispose();
        }

        void ICacheLease.WatchLease(ICacheLeaseWatcher? watcher)
        {
        }
    }
}
