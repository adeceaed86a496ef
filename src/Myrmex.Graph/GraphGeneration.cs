using System;
using System.Threading;

namespace Myrmex.Graph;

/// <summary>One generation of a process' graph, with its own state of being up.</summary>
public sealed class GraphGeneration(int id)
{
    private int _users;
    private Action? _whenUnused;
    private volatile bool _isUp;

    public int Id { get; } = id;

    public TranslatorGraph Graph { get; internal set; } = null!;

    public bool IsUp
    {
        get => _isUp;
        internal set => _isUp = value;
    }

    /// <summary>Open fds and other uses that keep a replaced graph running.</summary>
    public int Users => Volatile.Read(ref _users);

    /// <summary>
    /// Counts an open fd (or any other use) that keeps a replaced graph running. A graph that has been replaced and unused for
    /// <see cref="GraphHost.DrainMs"/> is stopped: take the active one, count, and use it at once.
    /// </summary>
    public void AddUser() => Interlocked.Increment(ref _users);

    public void RemoveUser()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
            Volatile.Read(ref _whenUnused)?.Invoke();
        }
    }

    /// <summary>
    /// Runs <paramref name="action"/> every time the last user goes from now on, and now when there is none. It may run twice for
    /// the same moment.
    /// </summary>
    internal void WhenUnused(Action action)
    {
        Interlocked.Exchange(ref _whenUnused, action); // A full fence: either this or RemoveUser sees the other's write.
        if (Users == 0)
        {
            action();
        }
    }
}
