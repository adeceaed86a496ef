using System;
using System.Collections.Generic;
using System.Linq;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>A replicated volume on one node: three bricks in one process, the store of the cluster in the
/// daemon.</summary>
internal sealed class JournalVolume : IDisposable
{
    public const string Name = "vol";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(Machine.LongRuns ? 400 : 60);

    private readonly TestDirectory _directory;
    private readonly NodeRest _rest;
    private readonly List<string> _bricks;

    /// <param name="bricks">Directories that are empty; all are one replica set.</param>
    /// <param name="journals">The directory that the journals are in; null for in the bricks.</param>
    public JournalVolume(TestDirectory directory, IReadOnlyCollection<string> bricks, string? journals = null)
    {
        _directory = directory;
        _bricks = [.. bricks];
        Daemon = directory.Own(new MyrmexDaemon(directory));
        _rest = directory.Own(new NodeRest($"{Daemon.WorkingDirectory}/daemon.sock"));
        var places = string.Join(' ', bricks.Select(b => $"{Daemon.Host}:{b}"));
        var own = journals is null ? string.Empty : $"journal {journals} ";
        Daemon.Gluster($"volume create {Name} replica {bricks.Count} {own}{places} force");
        Daemon.StartVolume(Name, bricks.Count);
        ReplicationView.AwaitWhole(_rest, Name, Soon);
    }

    public MyrmexDaemon Daemon { get; }

    public IReadOnlyList<string> Bricks => _bricks;

    public MyrmexMount Mount(string name) =>
        _directory.Own(MyrmexMount.FromServer(_directory, name, Daemon.Host, Name));

    public StockMount MountStock(string name) =>
        _directory.Own(StockMount.FromServer(_directory, name, Daemon.Host, Name));

    public void Set(string option, string value) => Daemon.Gluster($"volume set {Name} {option} {value}");

    /// <summary>Sets where a change is when it is answered, and waits until the members do so.</summary>
    public void Acknowledge(bool fromMemory)
    {
        Set("journal.acknowledge", fromMemory ? "memory" : "disk");
        ReplicationView.AwaitAcknowledging(_rest, Name, fromMemory, Soon);
    }

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

    /// <summary>Puts a brick in another directory into the place of one, and waits until it has everything.</summary>
    public void Replace(int place, string directory)
    {
        Daemon.Gluster($"volume replace-brick {Name} {Place(place)} {Daemon.Host}:{directory} commit force");
        _bricks[place] = directory;
        ReplicationView.AwaitInStep(_rest, Name, Soon);
    }

    /// <summary>Takes a brick out of service, empties its directory, and takes it again, as for a renewed disk.</summary>
    /// <param name="meanwhile">Happens when the directory is empty.</param>
    public void Reset(int place, Action meanwhile)
    {
        Daemon.Gluster($"volume reset-brick {Name} {Place(place)} start");
        Shell.CheckBash(_bricks[place], "find . -mindepth 1 -delete");
        meanwhile();
        Daemon.Gluster($"volume reset-brick {Name} {Place(place)} {Place(place)} commit force");
        ReplicationView.AwaitInStep(_rest, Name, Soon);
    }

    public void Dispose() => _rest.Dispose();

    private string Place(int place) => $"{Daemon.Host}:{_bricks[place]}";
}
