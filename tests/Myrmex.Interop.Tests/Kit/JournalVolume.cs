using System;
using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A replicated volume on one node: three bricks in one process, the store of the cluster in the
/// daemon.</summary>
internal sealed class JournalVolume : IDisposable
{
    public const string Name = "vol";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly TestDirectory _directory;
    private readonly NodeRest _rest;

    /// <param name="bricks">Directories that are empty; all are one replica set.</param>
    public JournalVolume(TestDirectory directory, IReadOnlyCollection<string> bricks)
    {
        _directory = directory;
        Bricks = bricks;
        Daemon = directory.Own(new MyrmexDaemon(directory));
        _rest = directory.Own(new NodeRest($"{Daemon.WorkingDirectory}/daemon.sock"));
        var places = string.Join(' ', bricks.Select(b => $"{Daemon.Host}:{b}"));
        Daemon.Gluster($"volume create {Name} replica {bricks.Count} {places} force");
        Daemon.StartVolume(Name, bricks.Count);
        ReplicationView.AwaitWhole(_rest, Name, Soon);
    }

    public MyrmexDaemon Daemon { get; }

    public IReadOnlyCollection<string> Bricks { get; }

    public MyrmexMount Mount(string name) =>
        _directory.Own(MyrmexMount.FromServer(_directory, name, Daemon.Host, Name));

    public StockMount MountStock(string name) =>
        _directory.Own(StockMount.FromServer(_directory, name, Daemon.Host, Name));

    /// <summary>The member that leads and serves.</summary>
    public int AwaitLeader() => ReplicationView.AwaitLeader(_rest, Name, Soon).Leader;

    /// <summary>Waits until all members are in step, and fails when their bricks differ. Nobody may be
    /// writing.</summary>
    public void CheckCopies()
    {
        ReplicationView.AwaitWhole(_rest, Name, Soon);
        Replicas.AwaitEqual(Bricks);
    }

    /// <summary>kill -9 of the brick process, that is, of all members; the daemon starts another one.</summary>
    public void KillBricks()
    {
        var first = Daemon.BrickPid;
        Child.Signal(first, "KILL");
        Wait.Until("the daemon has started another brick process", Soon,
            () => Daemon.BrickPid != first && Daemon.BrickPids(Name).Count > 0);
        Ledger.AddProcess(Daemon.BrickPid);
    }

    public void Dispose() => _rest.Dispose();
}
