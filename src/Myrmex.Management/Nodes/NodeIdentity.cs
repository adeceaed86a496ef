using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Management.Etcd;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>
/// Who this node is. Invariants:
/// the record in the node's own file is the truth, and changes in one transaction with everything that depends on it
/// (which store is used, what an embedded store held), so that a node killed at any point is wholly in one cluster;
/// the files in the identity directory are made from it again at every start, for etcd and other programs;
/// the private key never leaves the machine.
/// </summary>
internal sealed class NodeIdentity
{
    private const UnixFileMode OwnerOnly = OwnedFile.OwnerOnly;
    private const UnixFileMode Readable = OwnerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly NodeOptions _options;
    private readonly IStateStore _local;
    private volatile NodeMaterial _current;

    private NodeIdentity(NodeOptions options, IStateStore local, NodeMaterial current)
    {
        _options = options;
        _local = local;
        _current = current;
    }

    public NodeMaterial Current => _current;

    /// <summary>The id of this node, made when there is none.</summary>
    public static async Task<NodeId> LoadIdAsync(IStateStore local, Seams seams, CancellationToken cancellation)
    {
        var entry = await local.GetAsync(StateKeys.NodeId, cancellation);
        if (entry is not null)
        {
            return Gfid.TryParse(entry.Value.Span, out var known)
                ? new NodeId(known) : throw new StateStoreException("the node id in the state store is damaged");
        }

        var fresh = new NodeId(seams.NewGfid());
        await local.PutAsync(StateKeys.NodeId, Encoding.ASCII.GetBytes(fresh.ToString()), cancellation);
        return fresh;
    }

    /// <summary>The identity with its files written, or null when this node has none yet.</summary>
    public static async Task<NodeIdentity?> LoadAsync(
        NodeOptions options, IStateStore local, CancellationToken cancellation)
    {
        if (await local.GetAsync(NodeKeys.LocalIdentity, cancellation) is not { } entry)
        {
            return null;
        }

        try
        {
            var identity = new NodeIdentity(
                options, local, new NodeMaterial(IdentityRecord.FromBytes(entry.Value.Span)));
            identity.WriteFiles();
            return identity;
        }
        catch (Exception e) when (e is JsonException or CryptographicException or ArgumentException)
        {
            throw new StateStoreException($"the identity of this node is damaged: {e.Message}", e);
        }
    }

    /// <summary>Makes the record durable, and then the files and <see cref="Current"/>.</summary>
    public static async Task<NodeIdentity> CreateAsync(
        NodeOptions options, IStateStore local, IdentityRecord record, CancellationToken cancellation)
    {
        var identity = new NodeIdentity(options, local, new NodeMaterial(record));
        await identity.ReplaceAsync(record, cancellation);
        return identity;
    }

    /// <summary>Makes the record durable, and then the files and <see cref="Current"/>.</summary>
    public async Task ReplaceAsync(IdentityRecord record, CancellationToken cancellation)
    {
        var material = new NodeMaterial(record);
        await _local.PutAsync(NodeKeys.LocalIdentity, record.ToBytes(), cancellation);
        _current = material;
        WriteFiles();
    }

    /// <summary>
    /// Takes the place in a cluster that was agreed on, if there is one: new identity, new store, nothing left of the
    /// cluster that the node was alone in. Call when nobody uses <paramref name="local"/> yet. A node that has got
    /// volumes since stays alone. True when the node has changed its cluster.
    /// </summary>
    public static async Task<bool> ApplyPendingAsync(IStateStore local, CancellationToken cancellation)
    {
        if (await LoadPendingAsync(local, cancellation) is not ({ IsConfirmed: true } pending, { } entry))
        {
            return false;
        }

        var volumes = await local.RangeAsync(KeyRange.Prefix(StateKeys.Volumes), cancellation);
        if (volumes.Count > 0)
        {
            Log.Error(
                "nodes", "this node has volumes and stays alone; detach it from the cluster that it was to join",
                ("cluster", pending.Identity.ClusterId));
            await local.DeleteAsync(NodeKeys.LocalJoin, cancellation);
            return false;
        }

        var identity = pending.Identity with { IsEntered = true };
        var transaction = new StateTransaction(
            [Condition.Unchanged(NodeKeys.LocalJoin, entry.Modified)],
            [
                .. StateKeys.DeletionOfCluster,
                Operation.PutValue(NodeKeys.LocalIdentity, identity.ToBytes()),
                Operation.PutValue(StoreChoice.Key, Encoding.UTF8.GetBytes(pending.Store)),
                Operation.DeleteKey(NodeKeys.LocalJoin),
                Operation.DeleteKey(NodeKeys.LocalDetached),
            ],
            []);
        var result = await local.CommitAsync(transaction, cancellation);
        Log.Information("nodes", "this node joins a cluster", ("cluster", identity.ClusterId), ("node", identity.Id));
        return result.Succeeded;
    }

    /// <summary>
    /// Leaves the cluster: the node is alone afterwards, under a new id, and remembers not to enter that cluster by
    /// itself. What is on its bricks stays.
    /// </summary>
    public async Task LeaveAsync(Seams seams, CancellationToken cancellation)
    {
        var id = new NodeId(seams.NewGfid());
        await _local.CommitAsync(
            StateTransaction.Always(
                Operation.DeleteKey(NodeKeys.LocalIdentity),
                Operation.DeleteKey(StoreChoice.Key),
                Operation.DeleteKey(NodeKeys.LocalJoin),
                Operation.PutValue(StateKeys.NodeId, Encoding.ASCII.GetBytes(id.ToString())),
                Operation.PutValue(NodeKeys.LocalDetached, Encoding.ASCII.GetBytes(Current.ClusterId))),
            cancellation);
        foreach (var file in (string[])[_options.KeyFile, _options.CertificateFile, _options.AuthorityFile])
        {
            File.Delete(file);
        }

        Log.Warning(
            "nodes", "this node was detached and is alone now", ("cluster", Current.ClusterId), ("node", Current.Id));
    }

    /// <summary>The join under way with its entry, or nothing.</summary>
    public static async Task<(PendingJoin Pending, StateEntry Entry)?> LoadPendingAsync(
        IStateStore local, CancellationToken cancellation)
    {
        if (await local.GetAsync(NodeKeys.LocalJoin, cancellation) is not { } entry)
        {
            return null;
        }

        try
        {
            return (PendingJoin.FromBytes(entry.Value.Span), entry);
        }
        catch (JsonException e)
        {
            throw new StateStoreException($"the join that is under way is damaged: {e.Message}", e);
        }
    }

    private void WriteFiles()
    {
        Directory.CreateDirectory(_options.IdentityDirectory, OwnerOnly | UnixFileMode.UserExecute);
        var record = Current.Record;
        Write(_options.AuthorityFile, record.Authority, Readable);
        Write(_options.KeyFile, record.Key, OwnerOnly);
        Write(_options.CertificateFile, record.Certificate, Readable);
    }

    private static void Write(string file, string text, UnixFileMode mode)
    {
        if (File.Exists(file) && File.ReadAllText(file) == text && File.GetUnixFileMode(file) == mode)
        {
            return;
        }

        OwnedFile.Replace(file, text, mode, isDurable: true);
    }
}
