using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>What has to be done after a step of a file's queue, outside its lock. Pooled.</summary>
internal sealed class WriteEffects
{
    /// <summary>Writes to send, in this order.</summary>
    public Queue<PendingWrite> Sends { get; } = new();

    public List<(PendingReply<WriteReply> Writer, WriteReply Reply)> Answers { get; } = [];

    public List<WriteWaiter> Wakes { get; } = [];

    /// <summary>A write is held back: somebody must end that after a while.</summary>
    public bool Holds { get; set; }

    public static WriteEffects Rent() => Pool<WriteEffects>.Rent();

    public void Release()
    {
        Invariant.Check(Sends.Count == 0);
        Answers.Clear();
        Wakes.Clear();
        Holds = false;
        Pool<WriteEffects>.Return(this);
    }
}
