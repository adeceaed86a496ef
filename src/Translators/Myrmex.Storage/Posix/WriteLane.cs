using System.Collections.Generic;
using System.Threading;
using Myrmex.Runtime;

namespace Myrmex.Storage;

/// <summary>
/// Writes through the page cache on one open file, one after the other and in the order they came. The kernel holds
/// the inode for each of them anyway: several workers on one file would only wait for one another, and a write that
/// overtakes another one behind the end of the file makes the file system fill the gap first.
/// </summary>
internal sealed class WriteLane : IWork
{
    /// <summary>Writes done before other files have their turn; their answers leave together.</summary>
    private const int TurnMax = 4;

    private readonly Lock _lock = new(); // Guards what follows; a leaf lock.
    private readonly Queue<IWork> _waiting = new();
    private IWorkers? _workers;
    private bool _isRunning;

    public void Submit(IWork work, IWorkers workers)
    {
        lock (_lock)
        {
            _waiting.Enqueue(work);
            if (_isRunning)
            {
                return;
            }

            _isRunning = true;
            _workers = workers;
        }

        workers.Submit(this);
    }

    /// <summary>
    /// True when no write is under way or waits: the caller may do one itself, and calls <see cref="Leave"/> behind it.
    /// </summary>
    public bool TryEnter()
    {
        lock (_lock)
        {
            if (_isRunning)
            {
                return false;
            }

            _isRunning = true;
            return true;
        }
    }

    /// <summary>What has come meanwhile goes to a worker.</summary>
    public void Leave(IWorkers workers)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0)
            {
                _isRunning = false;
                return;
            }

            _workers = workers;
        }

        workers.Submit(this);
    }

    public void Run()
    {
        for (var i = 0; i < TurnMax; i++)
        {
            IWork? work;
            lock (_lock)
            {
                if (!_waiting.TryDequeue(out work))
                {
                    _isRunning = false;
                    return;
                }
            }

            work.Run();
        }

        _workers!.Submit(this); // Submit has set it.
    }
}
