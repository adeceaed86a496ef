using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>Where an fd is on its way to the subvolume.</summary>
internal enum OpenState
{
    /// <summary>Answered, and nobody has needed it yet (or the last try to open it failed).</summary>
    Waiting,

    /// <summary>The OPEN is under way.</summary>
    Opening,

    Open,

    /// <summary>Released without having been open.</summary>
    Closed,
}

/// <summary>
/// An fd whose OPEN has been answered ahead of time. Everything that changes is guarded by its table.
/// </summary>
internal sealed class UnopenedFd(Fd fd, Gfid gfid, uint flags, Call opener)
{
    private int _state;

    public Fd Fd { get; } = fd;

    public Gfid Gfid { get; } = gfid;

    public uint Flags { get; } = flags;

    /// <summary>
    /// Who opened it: the late OPEN is done in this name. Owned; null once it is not needed any more.
    /// </summary>
    public Call? Opener { get; set; } = opener;

    /// <summary>May be read without the lock: once it is <see cref="OpenState.Open"/> it stays so.</summary>
    public OpenState State
    {
        get => (OpenState)Volatile.Read(ref _state);
        set => Volatile.Write(ref _state, (int)value);
    }

    public bool IsOpen => State == OpenState.Open;

    /// <summary>An error that further reads need not try to get rid of: they go without an fd.</summary>
    public bool IsRefused { get; set; }

    /// <summary>Fops that wait for the OPEN that is under way.</summary>
    public List<OpenWaiter> Waiters { get; } = [];

    /// <summary>The other fds of the file in the table.</summary>
    public UnopenedFd? NextOfFile { get; set; }
}
