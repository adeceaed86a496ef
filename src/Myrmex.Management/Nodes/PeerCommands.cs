using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>
/// Asked before a member is detached by those who need it, e.g. for the store. Throws <see cref="CommandException"/> to
/// refuse.
/// </summary>
internal delegate Task DetachCheck(NodeRecord node, bool force, CancellationToken cancellation);

/// <summary>
/// The commands about members, apart from joining (<see cref="PeerProbe"/>). Refusals are
/// <see cref="CommandException"/> in GlusterFS' words where it has the case.
/// </summary>
internal sealed class PeerCommands(
    IStateStore store, NodeIdentity identity, NodeDirectory directory, MemberChanges members, DetachCheck? mayDetach,
    Seams seams)
{
    /// <summary>All members, oldest first.</summary>
    public IReadOnlyList<PeerReport> Status() =>
    [
        .. directory.All.Select(record =>
        {
            var life = directory.Life(record.Id);
            var isLocal = record.Id == identity.Current.Id;
            return new PeerReport(
                record.Id, record.Name, [.. record.Names.Skip(1)], isLocal || directory.IsAlive(record.Id), isLocal,
                "Peer in Cluster", record.Labels, life?.Version);
        }),
    ];

    /// <summary>
    /// Removes a member that holds no bricks. It is nobody from then on; when its daemon notices it goes back to being
    /// alone.
    /// </summary>
    /// <param name="host">A name, an address or the id of the member.</param>
    /// <param name="force">Also one that is not heard of.</param>
    public async Task DetachAsync(string host, bool force, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < NodeLimits.ChangeAttemptsMax; attempt++)
        {
            var snapshot = await members.ReadAsync(cancellation);
            var record = await FindAsync(snapshot, host, cancellation);
            if (record.Id == identity.Current.Id)
            {
                throw new CommandException(CommandFailure.Invalid, $"{host} is localhost");
            }

            if (mayDetach is not null)
            {
                await mayDetach(record, force, cancellation);
            }

            var held = $"Peer {host} hosts one or more bricks. If the peer is in not recoverable state then use either "
                + "replace-brick or remove-brick command with force to remove all bricks from the peer and attempt the "
                + "peer detach again.";
            await members.CheckHoldsNothingAsync(record.Id, held, cancellation);
            if (!force && !snapshot.Alive.Contains(record.Id))
            {
                throw new CommandException(
                    CommandFailure.Conflict, "One of the peers is probably down. Check with 'peer status'");
            }

            if (await members.RemoveAsync(snapshot, record, held, cancellation))
            {
                Log.Information("nodes", "node detached", ("node", record.Id), ("name", record.Name));
                return;
            }
        }

        throw new CommandException(CommandFailure.Conflict, "the members of the cluster change all the time");
    }

    /// <summary>Sets labels; one with an empty value is removed.</summary>
    public async Task<NodeRecord> LabelAsync(
        string host, IReadOnlyList<KeyValuePair<string, string>> labels, CancellationToken cancellation)
    {
        foreach (var (key, value) in labels)
        {
            if (!IsLabel(key) || (value.Length > 0 && !IsLabel(value)))
            {
                throw new CommandException(
                    CommandFailure.Invalid,
                    $"'{key}={value}' is not a label: KEY=VALUE of letters, digits and .-_/ with at most "
                    + $"{NodeLimits.LabelLengthMax} characters each");
            }
        }

        var snapshot = await members.ReadAsync(cancellation);
        var record = await FindAsync(snapshot, host, cancellation);
        var changed = await members.EditAsync(
            record.Id, r => r with { Labels = With(r, labels) }, EventTypes.PeerLabel, cancellation);
        return changed ?? throw NotMember(host);
    }

    /// <summary>The proxy of a node asks its clients to go to others, or no longer.</summary>
    /// <param name="check">Throws when it may not.</param>
    public async Task<NodeRecord> DrainProxyAsync(
        string host, bool drains, Action<NodeRecord> check, CancellationToken cancellation)
    {
        var snapshot = await members.ReadAsync(cancellation);
        var record = await FindAsync(snapshot, host, cancellation);
        check(record);
        var type = drains ? EventTypes.ProxyDrain : EventTypes.ProxyUndrain;
        return await members.EditAsync(record.Id, r => r with { DrainsProxy = drains }, type, cancellation)
            ?? throw NotMember(host);
    }

    /// <summary>A new process is to take the place of a node's proxy.</summary>
    public async Task<NodeRecord> UpgradeProxyAsync(string host, CancellationToken cancellation)
    {
        var snapshot = await members.ReadAsync(cancellation);
        var record = await FindAsync(snapshot, host, cancellation);
        var wanted = record.ProxyUpgrades + 1;
        return await members.EditAsync(
            record.Id, r => r with { ProxyUpgrades = wanted }, EventTypes.ProxyUpgrade, cancellation)
            ?? throw NotMember(host);
    }

    /// <summary>
    /// The join token, for whoever may see secrets; with <paramref name="rotate"/>, a new one: the former no longer
    /// works.
    /// </summary>
    public async Task<string> TokenAsync(bool rotate, CancellationToken cancellation)
    {
        if (rotate)
        {
            await ClusterAuthority.RotateSecretAsync(store, seams, cancellation);
            Log.Information("nodes", "the join token is a new one");
        }

        using var authority = await ClusterAuthority.EnsureAsync(store, seams, cancellation);
        return authority.Token.ToText();
    }

    private static System.Collections.Immutable.ImmutableSortedDictionary<string, string> With(
        NodeRecord record, IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        var result = record.Labels;
        foreach (var (key, value) in labels)
        {
            result = value.Length == 0 ? result.Remove(key) : result.SetItem(key, value);
        }

        return result.Count <= NodeLimits.LabelsMax ? result
            : throw new CommandException(
                CommandFailure.Invalid, $"a node has at most {NodeLimits.LabelsMax} labels");
    }

    private static bool IsLabel(string text) =>
        text.Length is > 0 and <= NodeLimits.LabelLengthMax
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '/');

    private static CommandException NotMember(string host) =>
        new(CommandFailure.NotFound, $"{host} is not part of cluster");

    private async Task<NodeRecord> FindAsync(MemberSnapshot snapshot, string host, CancellationToken cancellation)
    {
        if (host == "localhost")
        {
            return snapshot.Find(identity.Current.Id) ?? throw NotMember(host);
        }

        var text = IPAddress.TryParse(host, out var address) ? address.ToString() : host;
        return snapshot.FindName(text) ?? snapshot.Nodes.FirstOrDefault(r => r.Id.ToString() == text)
            ?? (await directory.ResolveAsync(text, cancellation) is { } resolved ? snapshot.Find(resolved.Id) : null)
            ?? throw NotMember(host);
    }
}
