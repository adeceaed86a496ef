using System.Globalization;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;

namespace Myrmex.Management.Bricks;

/// <summary>
/// The port of a process of this node that serves bricks or volumes; it stays the same as long as nobody else takes it.
/// </summary>
internal interface IBrickPort
{
    /// <summary>0 when none was chosen yet.</summary>
    Task<int> LoadAsync(CancellationToken cancellation);

    Task SaveAsync(int port, CancellationToken cancellation);

    /// <summary>The current port when it is free, else the first free one from <paramref name="first"/> on.</summary>
    int Choose(int current, int first);
}

/// <param name="key">Where in the store it is kept.</param>
internal sealed class BrickPort(IStateStore store, string key) : IBrickPort
{
    public async Task<int> LoadAsync(CancellationToken cancellation)
    {
        var entry = await store.GetAsync(key, cancellation);
        return entry is not null
            && int.TryParse(entry.Value.Span, NumberStyles.None, CultureInfo.InvariantCulture, out var port) ? port : 0;
    }

    public Task SaveAsync(int port, CancellationToken cancellation) => store.PutAsync(
        key, Encoding.ASCII.GetBytes(port.ToString(CultureInfo.InvariantCulture)), cancellation);

    public int Choose(int current, int first)
    {
        if (current > 0 && IsFree(current))
        {
            return current;
        }

        for (var port = first; port <= Limits.BrickPortMax; port++)
        {
            if (IsFree(port))
            {
                return port;
            }
        }

        throw new IOException($"no port is free from {first} to {Limits.BrickPortMax}");
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
