using System;
using System.Collections.Generic;
using Myrmex.Base;
using Myrmex.Replication.Journal;
using Myrmex.Runtime;

namespace Myrmex.Replication;

/// <summary>
/// Asks disks for a sign of life: writes a block to each of some directories, to the disk, on a worker. Any answer is
/// one, a failure too. Owned by one scheduler, one question at a time.
/// </summary>
/// <param name="directories">On all disks that are asked: that of the journal, and that of the store.</param>
internal sealed class DiskProbe(
    IDisk disk, IReadOnlyCollection<string> directories, IWorkers workers, IScheduler scheduler)
{
    public const string FileName = "probe";

    /// <summary>When the question was asked that has no answer yet; null when all have.</summary>
    public long? AskedMs { get; private set; }

    /// <summary>When the last answer came.</summary>
    public long AnsweredMs { get; private set; }

    /// <param name="nowMs">What the time is.</param>
    /// <param name="clock">What it is when the answer comes, on the scheduler.</param>
    public void Ask(long nowMs, Func<long> clock)
    {
        Invariant.Check(AskedMs is null);
        AskedMs = nowMs;
        workers.Submit(new Question(disk, directories, () => scheduler.Post(() =>
        {
            AskedMs = null;
            AnsweredMs = clock();
        })));
    }

    private sealed class Question(IDisk disk, IReadOnlyCollection<string> directories, Action answered) : IWork
    {
        public void Run()
        {
            foreach (var directory in directories)
            {
                Write($"{directory}/{FileName}");
            }

            answered();
        }

        private void Write(string path)
        {
            var error = disk.Open(path, DiskOpen.Read | DiskOpen.Write | DiskOpen.Create, out var file);
            if (error == Errno.Ok)
            {
                var block = PayloadPool.Shared.Rent(JournalLimits.BlockBytes);
                block.GetSpan()[..JournalLimits.BlockBytes].Clear();
                _ = file!.WriteFully(0, block.GetSpan()[..JournalLimits.BlockBytes]); // Opened above.
                _ = file!.Sync();
                block.Release();
                file!.Dispose();
            }
        }
    }
}
