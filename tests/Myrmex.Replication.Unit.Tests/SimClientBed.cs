using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests;

/// <summary>A client translator on a node of its own, in virtual time.</summary>
internal abstract class SimClientBed<TClient>(ulong seed)
    where TClient : Translator
{
    public SimWorld World { get; } = new(seed);

    /// <summary>The node of the client.</summary>
    public abstract SimNode Node { get; }

    public abstract TClient Client { get; }

    /// <summary>Runs something on the loop of the client, now.</summary>
    public void Run(Action action)
    {
        var isDone = false;
        Node.Seams.Scheduler.Post(() =>
        {
            action();
            isDone = true;
        });
        Assert.True(World.RunUntil(() => isDone, 1_000));
    }

    public Task<T> Begin<T>(Func<Task<T>> work) => SimTasks.Start(Node, work);

    /// <summary>Begins a fop; the task has its error.</summary>
    public Task<Errno> Begin<TReply>(Func<TClient, Call, ValueTask<TReply>> fop, Call? call = null)
        where TReply : Reply => Begin(async () =>
    {
        var reply = await fop(Client, call ?? new Call());
        var error = reply.Error;
        reply.Release();
        return error;
    });

    public Errno Do<TReply>(Func<TClient, Call, ValueTask<TReply>> fop, Call? call = null)
        where TReply : Reply => End(Begin(fop, call));

    public T End<T>(Task<T> task, long limitMs = 60_000)
    {
        Assert.True(World.RunUntil(() => task.IsCompleted, limitMs), "no answer");
        return task.GetAwaiter().GetResult();
    }
}
