using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Runtime.Simulation;

/// <summary>How a node ends.</summary>
public enum SimCrash
{
    /// <summary>The process dies: its peers are told by the kernel, and the page cache survives.</summary>
    Process,

    /// <summary>The power goes: peers hear nothing for a while, and what was not synced may be lost or torn.</summary>
    Power,
}

/// <summary>
/// A machine of the simulated cluster. Seams of a life end with it: events of a crashed incarnation never run. After
/// <see cref="Restart"/> ask for <see cref="Seams"/> again.
/// </summary>
public sealed class SimNode
{
    private readonly List<IWork> _heldBack = []; // Given to the workers while the disk hung.
    private readonly List<SimEvent> _waiting = []; // Due while the node was frozen, in order.

    internal SimNode(SimWorld world, string name, int index)
    {
        World = world;
        Name = name;
        Index = index;
        Disk = new SimDisk(world.Random.Fork());
        Clock = new SimClock(world);
        Seams = NewSeams();
    }

    public SimWorld World { get; }

    public string Name { get; }

    public SimDisk Disk { get; }

    public SimClock Clock { get; }

    public Seams Seams { get; private set; }

    /// <summary>
    /// What the process on this node rents for payload, with its own limit. It ends with the process: what a killed one
    /// held is freed when nothing refers to it any more.
    /// </summary>
    public PayloadPool Memory { get; private set; } = PayloadPool.ForSimulation();

    public bool IsUp { get; private set; } = true;

    /// <summary>Counts crashes.</summary>
    public int Incarnation { get; private set; }

    public bool IsFrozen { get; private set; }

    /// <summary>Calls to the disk do not return: what is given to the workers waits.</summary>
    public bool IsDiskHung { get; private set; }

    internal int Index { get; }

    /// <summary>Ends the process on this node; nothing of it runs any more.</summary>
    public void Crash(SimCrash kind)
    {
        Invariant.Check(IsUp);
        World.Note($"{Name} crashes: {kind}");
        IsUp = false;
        IsFrozen = false;
        Incarnation++;
        _waiting.Clear();
        _heldBack.Clear();
        IsDiskHung = false;
        World.Network.NodeCrashed(this, kind);
        Disk.Crash(kind);
        Memory = PayloadPool.ForSimulation();
    }

    /// <summary>
    /// Does at once what the process on this node does, with its memory, where a test stands in for an event.
    /// </summary>
    public void Do(Action action)
    {
        Invariant.Check(IsUp);
        using var turn = PayloadPool.Simulate(Memory);
        action();
    }

    /// <summary>Makes the node ready for a new process.</summary>
    public void Restart()
    {
        Invariant.Check(!IsUp);
        World.Note($"{Name} restarts");
        IsUp = true;
        Seams = NewSeams();
        World.Network.NodeRestarted(this);
    }

    /// <summary>
    /// Nothing of this node runs for a while (a long pause of the collector, a stopped virtual machine); then everything
    /// that was due runs at once, in order. Peers only see silence.
    /// </summary>
    public void Freeze(long ms)
    {
        Invariant.Check(IsUp);
        if (IsFrozen)
        {
            return;
        }

        World.Note($"{Name} freezes for {ms} ms");
        IsFrozen = true;
        var life = Incarnation;
        World.After(ms, () => Thaw(life));
    }

    /// <summary>The disk answers nothing until <see cref="ReleaseDisk"/>: no job of a worker runs.</summary>
    public void HangDisk()
    {
        World.Note($"the disk of {Name} hangs");
        IsDiskHung = true;
    }

    public void ReleaseDisk()
    {
        World.Note($"the disk of {Name} answers");
        IsDiskHung = false;
        foreach (var work in _heldBack)
        {
            Seams.Workers.Submit(work);
        }

        _heldBack.Clear();
    }

    internal void HoldBack(IWork work) => _heldBack.Add(work);

    internal void RunLater(SimEvent due) => _waiting.Add(due);

    private void Thaw(int life)
    {
        if (life != Incarnation)
        {
            return;
        }

        World.Note($"{Name} thaws");
        IsFrozen = false;
        var waiting = _waiting.ToArray();
        _waiting.Clear();
        foreach (var due in waiting)
        {
            World.Run(due); // Waits again when one of them freezes the node.
        }
    }

    private Seams NewSeams()
    {
        var scheduler = new SimScheduler(this);
        return new Seams(
            Clock, World.Random.Fork(), scheduler, new SimWorkers(this), new SimNetwork(this, scheduler))
        { Disk = Disk };
    }
}
