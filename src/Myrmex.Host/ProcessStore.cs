using System;
using System.Threading;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Runtime;

namespace Myrmex.Host;

/// <summary>
/// The state store of the cluster as this process uses it: through the daemon of its node. It is opened when a
/// translator first asks for it.
/// </summary>
internal sealed class ProcessStore : IDisposable
{
    private readonly Lock _lock = new(); // Guards the fields; a leaf lock.
    private Func<RemoteStore>? _open;
    private RemoteStore? _store;

    /// <summary>Where the store is; to be called before any graph is started.</summary>
    /// <param name="socket">Of the daemon; null for a process that was started without, by an older daemon.</param>
    public void UseSocket(string? socket, Seams seams)
    {
        lock (_lock)
        {
            _open = socket is null ? null : () => new RemoteStore(socket, seams);
        }
    }

    /// <summary>
    /// The store, or null when this process has none. It stays that of the process: who asks must not dispose it, and
    /// has stopped to use it when his graph has stopped.
    /// </summary>
    public IStateStore? Find()
    {
        lock (_lock)
        {
            return _store ??= _open?.Invoke();
        }
    }

    /// <summary>Calls under way end with <see cref="StateStoreException"/>; there is no store afterwards.</summary>
    public void Dispose()
    {
        RemoteStore? store;
        lock (_lock)
        {
            store = _store;
            _store = null;
            _open = null;
        }

        store?.Dispose();
    }
}
