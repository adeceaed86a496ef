using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Coordination.Simulation;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination.Remote;

/// <summary>A node in virtual time with a daemon that serves a store on it.</summary>
internal sealed class RemoteBed
{
    public const string Path = "/run/state.sock";

    public static readonly Gfid FirstId = new(1, 1);

    public RemoteBed(ulong seed = 1)
    {
        World = new SimWorld(seed);
        Node = World.AddNode("node");
        Service = new SimStateService(World);
    }

    public SimWorld World { get; }

    public SimNode Node { get; }

    public SimStateService Service { get; }

    public StateStoreServer? Server { get; private set; }

    public static CancellationToken Forever => CancellationToken.None;

    public static ReadOnlyMemory<byte> Bytes(string text) => Encoding.UTF8.GetBytes(text);

    public RemoteStore Connect() => new(Path, Node.Seams);

    /// <summary>A daemon starts; by default it uses <see cref="Service"/>.</summary>
    public void StartDaemon(IStateStore? store = null, Gfid? id = null) => SimTasks.Start(Node, () =>
    {
        Server = new StateStoreServer(Node.Seams);
        Server.Use(store ?? Service.Connect(Node, 800), id ?? FirstId);
        Server.Listen(Path);
        return Task.CompletedTask;
    });

    public void StopDaemon()
    {
        Server?.Dispose();
        Server = null;
    }

    /// <summary>The daemon is away now and then, up to 3 s, for as long as the test runs.</summary>
    public void Trouble() => World.After(World.Random.Between(100, 4_000), () =>
    {
        StopDaemon();
        World.After(World.Random.Between(0, 3_000), () =>
        {
            StartDaemon();
            Trouble();
        });
    });

    public Task<T> Start<T>(Func<Task<T>> work) => SimTasks.Start(Node, work);

    public Task Start(Func<Task> work) => SimTasks.Start(Node, work);

    /// <summary>Runs the world until the work has ended; what it answers or throws.</summary>
    public T Run<T>(Func<Task<T>> work, long limitMs = 30_000)
    {
        var task = Start(work);
        Assert.True(World.RunUntil(() => task.IsCompleted, limitMs), "it does not end");
        return task.GetAwaiter().GetResult();
    }

    /// <summary>The result of a call to the store itself, which is complete at once.</summary>
    public static T Now<T>(Task<T> task)
    {
        Assert.True(task.IsCompleted);
        return task.GetAwaiter().GetResult();
    }
}

/// <summary>Counts what is asked of a store, and holds changes back until they are let go.</summary>
internal sealed class HeldStore(IStateStore inner) : ForwardingStore(inner)
{
    private readonly TaskCompletionSource _gate = new();

    public int Commits { get; private set; }

    public int Watches { get; private set; }

    public void Open() => _gate.TrySetResult();

    public override async Task<TransactionResult> CommitAsync(
        StateTransaction transaction, CancellationToken cancellation)
    {
        if (transaction.Then.Any(o => o is not Operation.Get))
        {
            Commits++;
            await _gate.Task;
        }

        return await Inner.CommitAsync(transaction, cancellation);
    }

    public override async IAsyncEnumerable<WatchBatch> WatchAsync(
        KeyRange range, Revision from, [EnumeratorCancellation] CancellationToken cancellation)
    {
        Watches++;
        try
        {
            await foreach (var batch in Inner.WatchAsync(range, from, cancellation))
            {
                yield return batch;
            }
        }
        finally
        {
            Watches--;
        }
    }
}

/// <summary>Fails every call in one way.</summary>
internal sealed class FailingStore(Exception failure) : IStateStore
{
    public Task<TransactionResult> CommitAsync(StateTransaction transaction, CancellationToken cancellation) =>
        Task.FromException<TransactionResult>(failure);

    public IAsyncEnumerable<WatchBatch> WatchAsync(KeyRange range, Revision from, CancellationToken cancellation) =>
        throw failure;

    public Task<LeaseId> GrantLeaseAsync(long seconds, CancellationToken cancellation) =>
        Task.FromException<LeaseId>(failure);

    public Task<bool> KeepLeaseAliveAsync(LeaseId lease, CancellationToken cancellation) =>
        Task.FromException<bool>(failure);

    public Task RevokeLeaseAsync(LeaseId lease, CancellationToken cancellation) => Task.FromException(failure);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
