using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;

namespace Myrmex.Coordination.Remote;

/// <summary>
/// Lets other processes of this node use the store of this one, over <see cref="StateStoreProgram"/>. Which store it is
/// may change, and there may be none for a while; connections stay. In a simulated world it must be made by code that
/// runs on the node.
/// </summary>
public sealed class StateStoreServer : IDisposable
{
    private readonly RpcServer _server;
    private readonly SynchronizationContext? _context = SynchronizationContext.Current;
    private readonly Lock _lock = new(); // Makes exchanges of _served one after the other.
    private volatile ServedStore? _served;
    private int _connections;
    private int _calls;

    public StateStoreServer(Seams seams) => _server = new RpcServer(seams, _ => new ServerConnection(this));

    internal ServedStore? Served => _served;

    /// <summary>
    /// Makes a unix socket of mode 0600. Throws <see cref="System.IO.IOException"/> when it cannot be made, also when
    /// another process listens there.
    /// </summary>
    public void Listen(string path) => _server.Listen(
        LinkAddress.Unix(path), RpcConnection.LinkOptions(frameBytesMax: StateStoreProgram.RequestBytesMax));

    /// <summary>
    /// Serves this store from now on; it stays its owner's, who calls <see cref="Withdraw"/> before it is closed.
    /// </summary>
    /// <param name="id">
    /// The same for the same store, also in another process; another one for a store with other revisions. Watches
    /// end when it changes, and changes that were decided on by what is in the former store are refused.
    /// </param>
    public void Use(IStateStore store, Gfid id)
    {
        Invariant.Check(!id.IsNull);
        Exchange(new ServedStore(store, id));
    }

    /// <summary>Serves no store: callers wait for the next one. Calls under way end as the store lets them.</summary>
    public void Withdraw() => Exchange(null);

    public void Dispose()
    {
        Withdraw();
        _server.Dispose();
    }

    internal bool TryAddConnection() =>
        Interlocked.Increment(ref _connections) <= StateStoreProgram.ConnectionsMax;

    internal void RemoveConnection() => Interlocked.Decrement(ref _connections);

    internal bool TryBeginCall()
    {
        if (Interlocked.Increment(ref _calls) <= StateStoreProgram.AllCallsMax)
        {
            return true;
        }

        EndCall();
        return false;
    }

    internal void EndCall() => Interlocked.Decrement(ref _calls);

    /// <summary>Runs what may wait for a disk: not on the loop of a link, unless that is all that there is.</summary>
    internal void Start(Func<Task> work)
    {
        var outer = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(_context);
        try
        {
            _ = LaterAsync(work); // Ends by itself: what is asked of a store does.
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(outer);
        }
    }

    private static async Task LaterAsync(Func<Task> work)
    {
        await Task.Yield(); // To the pool, or to the loop of the simulated node.
        await work();
    }

    private void Exchange(ServedStore? next)
    {
        ServedStore? former;
        lock (_lock)
        {
            former = _served;
            _served = next;
        }

        former?.End();
    }
}
