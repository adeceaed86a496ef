using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

/// <summary>One thing that clients can attach to.</summary>
internal sealed record Export(string Name, ServerTranslator Server, Translator Top, Seams Seams)
{
    public InlineGate Gate { get; } = new(Seams);
}

/// <summary>
/// What this process serves, by the name that clients send as remote-subvolume, and who is attached. Bricks come and go while
/// others are served.
/// </summary>
public sealed class ExportTable
{
    private readonly Lock _lock = new(); // Guards both collections; a leaf lock.
    private readonly Dictionary<string, Export> _exports = new(StringComparer.Ordinal);
    private readonly HashSet<ServerConnection> _attached = [];

    internal void Add(string name, ServerTranslator server, Translator top, Seams seams)
    {
        lock (_lock)
        {
            if (!_exports.TryAdd(name, new Export(name, server, top, seams)))
            {
                throw new GraphException($"{name} is exported already");
            }
        }
    }

    internal void Remove(string name, ServerTranslator server)
    {
        ServerConnection[] attached;
        lock (_lock)
        {
            if (_exports.TryGetValue(name, out var export) && ReferenceEquals(export.Server, server))
            {
                _exports.Remove(name);
            }

            attached = [.. _attached.Where(c => ReferenceEquals(c.Export?.Server, server))];
        }

        foreach (var connection in attached)
        {
            connection.Close("the brick is being stopped");
        }
    }

    internal Export? Find(string name)
    {
        lock (_lock)
        {
            return _exports.GetValueOrDefault(name);
        }
    }

    internal void Attached(ServerConnection connection)
    {
        lock (_lock)
        {
            _attached.Add(connection);
        }
    }

    internal void Detached(ServerConnection connection)
    {
        lock (_lock)
        {
            _attached.Remove(connection);
        }
    }

    internal IEnumerable<ClientIdentity> ClientsOf(ServerTranslator server) =>
        Connections(server).Select(c => c.Identity).OfType<ClientIdentity>();

    /// <summary>Tells all clients of a server that what is behind it came or went.</summary>
    internal void Broadcast(ServerTranslator server, bool up)
    {
        foreach (var connection in Connections(server))
        {
            connection.SendCallback(up ? Programs.ChildUp : Programs.ChildDown, ReadOnlyMemory<byte>.Empty);
        }
    }

    internal void Invalidate(ServerTranslator server, in GraphEvent graphEvent)
    {
        foreach (var connection in Connections(server))
        {
            connection.SendInvalidation(graphEvent.Gfid, graphEvent.Flags);
        }
    }

    private ServerConnection[] Connections(ServerTranslator server)
    {
        lock (_lock)
        {
            return [.. _attached.Where(c => ReferenceEquals(c.Export?.Server, server))];
        }
    }
}
