using System.IO;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Management.Etcd;
using Myrmex.Runtime;

namespace Myrmex.Management.State;

/// <summary>
/// Lets the brick process of this node use the store of the cluster, whichever the daemon uses, as long as the daemon
/// runs.
/// </summary>
internal sealed class StoreService(Seams seams) : System.IDisposable
{
    /// <summary>
    /// In every store: its own identity, made by the daemon that first needs it and never copied. Revisions and leases
    /// of stores with the same identity are the same.
    /// </summary>
    public const string IdKey = StoreMoveRecord.Meta + "store-id";

    private readonly StateStoreServer _server = new(seams);

    /// <summary>Makes the socket. Commands are served also when the brick process cannot be.</summary>
    public void Listen(string path)
    {
        try
        {
            _server.Listen(path);
        }
        catch (IOException e)
        {
            Log.Error(
                "store", "bricks cannot use the state store", ("socket", path), ("reason", e.Message));
        }
    }

    /// <summary>Serves the store until it is cancelled; then nobody uses it any more.</summary>
    public async Task ServeAsync(IStateStore store, CancellationToken cancellation)
    {
        try
        {
            _server.Use(store, await IdAsync(store, cancellation));
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellation);
        }
        finally
        {
            _server.Withdraw();
        }
    }

    public void Dispose() => _server.Dispose();

    /// <summary>Tries until it works: while the cluster moves, nothing new is written.</summary>
    private async Task<Gfid> IdAsync(IStateStore store, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var known = await store.GetAsync(IdKey, cancellation);
                if (known is not null && Gfid.TryParse(known.Value.Span, out var id) && !id.IsNull)
                {
                    return id;
                }

                await store.CompareAndPutAsync(
                    IdKey, known?.Modified ?? Revision.None,
                    System.Text.Encoding.ASCII.GetBytes(seams.NewGfid().ToString()), cancellation);
            }
            catch (StateStoreException e)
            {
                Log.Information("store", "bricks cannot use the state store yet", ("reason", e.Message));
                await Pauses.WaitAsync(seams.Scheduler, Limits.StoreRetryMs, cancellation);
            }
        }
    }
}
