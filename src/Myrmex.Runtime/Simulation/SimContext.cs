using System;
using System.Threading;

namespace Myrmex.Runtime.Simulation;

/// <summary>Posts what follows an await as an event of a simulated world, whoever completed it.</summary>
/// <param name="post">Makes the event.</param>
internal sealed class SimContext(Action<Action> post) : SynchronizationContext
{
    public override void Post(SendOrPostCallback d, object? state) => post(() =>
    {
        var outer = Current;
        SetSynchronizationContext(this);
        try
        {
            d(state);
        }
        finally
        {
            SetSynchronizationContext(outer);
        }
    });

    public override void Send(SendOrPostCallback d, object? state) =>
        throw new NotSupportedException("a simulated node never blocks");

    public override SynchronizationContext CreateCopy() => this;
}
