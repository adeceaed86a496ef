using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Interop.Tests.Kit;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Interop.Tests;

/// <summary>
/// The state store of a daemon as its brick process uses it, over restarts and a move to another store.
/// </summary>
public sealed class StateSocketTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory = new(nameof(StateSocketTests));
    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Reactors = 1, Workers = 1 });

    private static CancellationToken Forever => CancellationToken.None;

    public void Dispose()
    {
        _runtime.Dispose();
        _directory.Dispose();
    }

    [InteropFact(Need.Root)]
    public async Task TheStoreIsThereAgainWhenTheDaemonIs()
    {
        using var server = new MyrmexDaemon(_directory);
        server.CreateVolume("vol", [_directory.Make("brick")]);
        var socket = $"{server.WorkingDirectory}/state.sock";
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(socket));
        Assert.Contains(
            $"--state-socket\0{socket}\0", await File.ReadAllTextAsync($"/proc/{server.BrickPid}/cmdline"),
            StringComparison.Ordinal);

        await using var store = new RemoteStore(socket, _runtime.Seams);
        Assert.NotNull(await store.GetAsync("volume/vol", Forever));
        var seen = new List<string>();
        var from = await store.PutAsync("rs/1", "before"u8.ToArray(), Forever);
        var watch = FollowAsync(store, from, seen, until: 3);
        server.Kill();
        await Assert.ThrowsAsync<TransactionRefusedException>(async () =>
        {
            try
            {
                await store.PutAsync("rs/x", "refused"u8.ToArray(), Forever);
            }
            catch (StateStoreException e) when (e.GetType() == typeof(StateStoreException))
            {
                // It was sent before the end of the connection was seen: not known. From then on it is refused.
                await store.PutAsync("rs/x", "refused"u8.ToArray(), Forever);
            }
        });
        server.Start();
        await store.PutAsync("rs/2", "after"u8.ToArray(), Forever);
        server.Stop();
        Assert.False(File.Exists(socket));
        server.Start();
        await store.PutAsync("rs/3", "after"u8.ToArray(), Forever);
        await watch.WaitAsync(Soon);
        Assert.Equal(["rs/1", "rs/2", "rs/3"], seen);
    }

    [InteropFact(Need.Root | Need.Etcd)]
    public async Task AMoveToEtcdEndsWatchesAndKeepsTheState()
    {
        using var server = new MyrmexDaemon(_directory);
        await using var store = new RemoteStore($"{server.WorkingDirectory}/state.sock", _runtime.Seams);
        var from = await store.PutAsync("rs/1", "kept"u8.ToArray(), Forever);
        var watch = FollowAsync(store, from, [], until: int.MaxValue);
        server.Stop();
        server.Start("--etcd", "managed");
        using var etcd = new Ended($"{server.WorkingDirectory}/etcd.pid");
        await Assert.ThrowsAsync<RevisionCompactedException>(() => watch.WaitAsync(Soon));
        var entry = await store.GetAsync("rs/1", Forever);
        Assert.Equal("kept", Encoding.UTF8.GetString(entry!.Value.Span));
        Assert.True(await store.CompareAndPutAsync("rs/1", entry.Modified, "new"u8.ToArray(), Forever));
        Assert.False(await store.CompareAndPutAsync("rs/1", entry.Modified, "late"u8.ToArray(), Forever));
    }

    private static async Task FollowAsync(IStateStore store, Revision from, List<string> seen, int until)
    {
        await foreach (var batch in store.WatchAsync(KeyRange.Prefix("rs/"), from, Forever))
        {
            foreach (var change in batch.Changes)
            {
                seen.Add(change.Entry.Key);
            }

            if (seen.Count >= until)
            {
                return;
            }
        }
    }

    /// <summary>A process that outlives its daemon; it ends with the test.</summary>
    private sealed class Ended(string pidFile) : IDisposable
    {
        public void Dispose()
        {
            if (File.Exists(pidFile))
            {
                var pid = File.ReadAllText(pidFile).Split(' ')[0];
                Child.Signal(int.Parse(pid, CultureInfo.InvariantCulture), "KILL");
            }
        }
    }
}
