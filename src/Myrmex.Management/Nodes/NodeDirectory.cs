using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>
/// The members of the cluster in memory, from a view that contains at least <c>node/</c>, <c>alive/</c> and
/// <c>cluster/admin/</c>. Never waits for the store.
/// </summary>
internal sealed class NodeDirectory(StateView view)
{
    private readonly Lock _lock = new(); // Guards _members; a leaf lock.
    private Members _members = Members.None;

    /// <summary>All members, oldest first.</summary>
    public IReadOnlyList<NodeRecord> All => Read().Sorted;

    /// <summary>The revision that <see cref="All"/> shows.</summary>
    public Revision Revision => view.Current.Revision;

    /// <summary>The member, or null.</summary>
    public NodeRecord? Find(NodeId id) => Read().ById.GetValueOrDefault(id)?.Record;

    /// <summary>The member with this name, letter case aside; or null.</summary>
    public NodeRecord? FindName(string name) => Read().Sorted.FirstOrDefault(record => record.HasName(name));

    /// <summary>True when the daemon of the node has a lease.</summary>
    public bool IsAlive(NodeId id) => view.Find(NodeKeys.Life(id)) is not null;

    /// <summary>The life of the node's daemon; null while it has no lease.</summary>
    public NodeLife? Life(NodeId id)
    {
        try
        {
            return view.Find(NodeKeys.Life(id)) is { } entry ? NodeLife.FromBytes(entry.Value.Span) : null;
        }
        catch (JsonException)
        {
            return null; // Of a later version; the lease is what counts.
        }
    }

    /// <summary>
    /// True for a certificate with this fingerprint that an administrator has and that is not revoked.
    /// </summary>
    public bool IsAdministrator(string name, string fingerprint)
    {
        try
        {
            return view.Find(NodeKeys.Administrator(name)) is { } entry
                && AdministratorRecord.FromBytes(entry.Value.Span).Fingerprint == fingerprint;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    /// <summary>
    /// The member that a host names: by name, by address, by host name when only one has it, and at last by what name
    /// service says. Null when it is none, or when it could be several.
    /// </summary>
    public async Task<NodeRecord?> ResolveAsync(string host, CancellationToken cancellation)
    {
        var members = All;
        if (FindName(host) is { } named)
        {
            return named;
        }

        var asAddress = IPAddress.TryParse(host, out var address);
        if (asAddress)
        {
            return Only(members, r => r.Addresses.Contains(address!.ToString()));
        }

        if (Only(members, r => string.Equals(r.HostName, host, StringComparison.OrdinalIgnoreCase)) is { } called)
        {
            return called;
        }

        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellation);
            var texts = addresses.Select(a => (a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a).ToString()).ToHashSet();
            return Only(members, r => r.Addresses.Any(texts.Contains) || r.Names.Any(texts.Contains));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return null;
        }
    }

    private static NodeRecord? Only(IReadOnlyList<NodeRecord> members, Func<NodeRecord, bool> matches)
    {
        NodeRecord? found = null;
        foreach (var record in members)
        {
            if (matches(record))
            {
                if (found is not null)
                {
                    return null;
                }

                found = record;
            }
        }

        return found;
    }

    private Members Read()
    {
        var snapshot = view.Current;
        lock (_lock)
        {
            if (_members.Revision < snapshot.Revision)
            {
                _members = _members.Next(snapshot);
            }

            return _members;
        }
    }

    private sealed record Member(Revision Modified, NodeRecord Record);

    /// <summary>The records of one revision; those that did not change are not read again.</summary>
    private sealed record Members(
        Revision Revision, ImmutableDictionary<NodeId, Member> ById, IReadOnlyList<NodeRecord> Sorted)
    {
        public static Members None { get; } =
            new(Revision.None, ImmutableDictionary<NodeId, Member>.Empty, []);

        public Members Next(StateSnapshot snapshot)
        {
            var changed = false;
            var next = ImmutableDictionary.CreateBuilder<NodeId, Member>();
            foreach (var (key, entry) in Below(snapshot.Entries, NodeKeys.Nodes))
            {
                if (!NodeKeys.TryParse(key, NodeKeys.Nodes, out var id))
                {
                    continue;
                }

                var known = ById.GetValueOrDefault(id);
                if (known?.Modified != entry.Modified)
                {
                    known = Parse(entry) is { } record ? new Member(entry.Modified, record) : known;
                    changed = true;
                }

                if (known is not null)
                {
                    next[id] = known;
                }
            }

            return !changed && next.Count == ById.Count
                ? this with { Revision = snapshot.Revision }
                : new Members(
                    snapshot.Revision, next.ToImmutable(),
                    [.. next.Values.Select(m => m.Record).OrderBy(r => r.Sequence)]);
        }

        private static NodeRecord? Parse(StateEntry entry)
        {
            try
            {
                return NodeRecord.FromBytes(entry.Value.Span);
            }
            catch (JsonException e)
            {
                Log.Error("nodes", "the record of a node is damaged", ("key", entry.Key), ("reason", e.Message));
                return null;
            }
        }

        private static IEnumerable<KeyValuePair<string, StateEntry>> Below(
            ImmutableSortedDictionary<string, StateEntry> entries, string prefix) =>
            entries.Where(e => e.Key.StartsWith(prefix, StringComparison.Ordinal));
    }
}
