using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Copies of the store of a replica, both ends: <see cref="StoreCopySource"/> reads it by fops, <see
/// cref="StoreCopyTarget"/> makes it by the redo, of what it has. All work is done one after another by one loop.
/// </summary>
/// <param name="store">The top of the stack that ends in the store.</param>
/// <param name="redo">The one by which the member applies entries.</param>
/// <param name="member">Who applies entries to the store.</param>
/// <param name="syncStore">Brings the store to its disk.</param>
public sealed class StoreCopies(
    Translator store, Redo redo, JournalMember member, Func<ValueTask<Errno>> syncStore) : IStoreCopies
{
    private readonly Lock _lock = new(); // Guards _work and _wake; a leaf lock.
    private readonly Queue<Func<ValueTask>> _work = [];
    private readonly CancellationTokenSource _stop = new();
    private TaskCompletionSource _wake = new(); // Completed in place, as in JournalMember.

    internal Translator Store => store;

    internal Redo Redo => redo;

    internal JournalMember Member => member;

    /// <summary>Begins to work, where the caller's synchronization context says.</summary>
    public void Start() => _ = WorkAsync();

    /// <summary>Begins nothing more.</summary>
    public void Stop() => _stop.Cancel();

    public IStoreCopySource? Open()
    {
        Span<byte> salt = stackalloc byte[sizeof(ulong)];
        member.Seams.Random.Fill(salt);
        return member.IsCopyable
            ? new StoreCopySource(this, member.AppliedIndex, BitConverter.ToUInt64(salt)) : null;
    }

    public IStoreCopyTarget Receive(Action<Errno> ready) => new StoreCopyTarget(this, ready);

    /// <summary>A copy could not be made of what was there: the next one begins with an empty store.</summary>
    internal bool MustWipe { get; set; }

    internal ValueTask<Errno> SyncAsync() => syncStore();

    internal void Run(Func<ValueTask> work)
    {
        TaskCompletionSource wake;
        lock (_lock)
        {
            _work.Enqueue(work);
            wake = _wake;
            _wake = new TaskCompletionSource();
        }

        wake.TrySetResult();
    }

    private async Task WorkAsync()
    {
        try
        {
            while (true)
            {
                Task wake;
                lock (_lock)
                {
                    wake = _wake.Task;
                }

                while (TryTake(out var work))
                {
                    await work();
                }

                await wake.WaitAsync(_stop.Token);
                await Task.Yield(); // Not on the replica's scheduler.
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped.
        }
    }

    private bool TryTake(out Func<ValueTask> work)
    {
        lock (_lock)
        {
            return _work.TryDequeue(out work!); // Set when the answer is true.
        }
    }
}
