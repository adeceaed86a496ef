using System;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Etcd;
using Myrmex.Management.State;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>
/// The side of a join that is taken in. It writes the offer down before the cluster makes it a member, and takes it
/// when the cluster has: killed at any point it is in its old cluster or in the new one, and finds out which.
/// </summary>
/// <param name="store">The store that is in use now; only one that is <paramref name="local"/> may be left.</param>
internal sealed class JoiningNode(
    NodeOptions options, IStateStore local, IStateStore store, NodeIdentity identity, Seams seams)
{
    private readonly SemaphoreSlim _changing = new(1, 1); // Held while the join under way is looked at and changed.

    /// <summary>Called once a join is confirmed: the store is to be opened again.</summary>
    public event Action? Joined;

    /// <summary>The token of the cluster that may take this node in; null when there is none.</summary>
    public JoinToken? LoadToken()
    {
        try
        {
            if (!File.Exists(options.TokenFile))
            {
                return null;
            }

            using var reader = new StreamReader(options.TokenFile);
            var text = new char[JoinToken.TextLengthMax];
            return JoinToken.Parse(new string(text, 0, reader.ReadBlock(text)));
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            Log.Warning("nodes", "the join token cannot be used", ("file", options.TokenFile), ("reason", e.Message));
            return null;
        }
    }

    /// <summary>Whether this node may be taken in, and the fingerprint of an offer that is not confirmed.</summary>
    public async Task<(JoinState State, string? Pending)> LookAsync(CancellationToken cancellation)
    {
        var known = await NodeIdentity.LoadPendingAsync(local, cancellation);
        if (known is { Pending.IsConfirmed: true })
        {
            return (JoinState.IsJoining, FingerprintOf(known.Value.Pending));
        }

        var (state, _) = await StateAsync(cancellation);
        return (state, known is null ? null : FingerprintOf(known.Value.Pending));
    }

    /// <summary>A request for a certificate of a key that is made for it; the caller disposes the key.</summary>
    public JoinApplication Apply(NodeFacts facts, out ECDsa key)
    {
        key = Certificates.NewKey();
        var id = identity.Current.Id;
        return new JoinApplication(id, Certificates.Request(key, Principal.OfNode(id)), facts, facts.OwnName);
    }

    /// <summary>
    /// Checks an offer and makes it durable; answers the fingerprint of the certificate in it. Takes the place of an
    /// offer that was never confirmed. Throws <see cref="CommandException"/> when the offer is not for this node, or
    /// not from the cluster of the token, or the node is no longer free.
    /// </summary>
    public async Task<string> AcceptAsync(
        JoinOffer offer, ECDsa key, JoinToken? token, CancellationToken cancellation)
    {
        var record = Check(offer, key, token);
        await _changing.WaitAsync(cancellation);
        try
        {
            var known = await NodeIdentity.LoadPendingAsync(local, cancellation);
            var (state, placement) = await StateAsync(cancellation);
            if (state != JoinState.Free || known is { Pending.IsConfirmed: true })
            {
                throw new CommandException(CommandFailure.Conflict, "the node is not free any more");
            }

            var pending = new PendingJoin { Identity = record, Store = offer.Store, Members = offer.Members };
            var result = await local.CommitAsync(
                new StateTransaction(
                    [
                        Condition.Unchanged(NodeKeys.LocalJoin, known?.Entry.Modified ?? Revision.None),
                        Condition.Unchanged(StateKeys.BrickCounter, placement),
                        Condition.Missing(StoreMoveRecord.Key),
                    ],
                    [Operation.PutValue(NodeKeys.LocalJoin, pending.ToBytes())], []),
                cancellation);
            return result.Succeeded
                ? FingerprintOf(pending)
                : throw new CommandException(CommandFailure.Conflict, "the node is not free any more");
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>
    /// The record with this certificate is in the store of the cluster. May be repeated. Throws
    /// <see cref="CommandException"/> when another offer was taken meanwhile.
    /// </summary>
    public async Task ConfirmAsync(string fingerprint, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            if (await NodeIdentity.LoadPendingAsync(local, cancellation) is not var (pending, entry)
                || FingerprintOf(pending) != fingerprint)
            {
                throw new CommandException(CommandFailure.Conflict, "the node has taken another offer meanwhile");
            }

            if (!pending.IsConfirmed)
            {
                await local.CompareAndPutAsync(
                    NodeKeys.LocalJoin, entry.Modified, (pending with { IsConfirmed = true }).ToBytes(), cancellation);
            }
        }
        finally
        {
            _changing.Release();
        }

        Joined?.Invoke();
    }

    /// <summary>Forgets an offer that did not become true, unless it was confirmed or replaced.</summary>
    public async Task ForgetAsync(string fingerprint, CancellationToken cancellation)
    {
        await _changing.WaitAsync(cancellation);
        try
        {
            if (await NodeIdentity.LoadPendingAsync(local, cancellation) is ({ IsConfirmed: false } pending, _)
                && FingerprintOf(pending) == fingerprint)
            {
                await local.DeleteAsync(NodeKeys.LocalJoin, cancellation);
            }
        }
        finally
        {
            _changing.Release();
        }
    }

    public static string FingerprintOf(PendingJoin pending)
    {
        using var certificate = X509Certificate2.CreateFromPem(pending.Identity.Certificate);
        return Certificates.Fingerprint(certificate);
    }

    /// <summary>
    /// With when bricks were given out last, as a condition for that none are meanwhile. A node that moves to a store
    /// of its own, etcd, is a cluster that has no way back into a file.
    /// </summary>
    private async Task<(JoinState State, Revision Placement)> StateAsync(CancellationToken cancellation)
    {
        if (!ReferenceEquals(local, store))
        {
            return (JoinState.IsMember, Revision.None);
        }

        var result = await store.CommitAsync(
            StateTransaction.Always(
                new Operation.Get(KeyRange.Prefix(NodeKeys.Nodes), Limit: 0),
                new Operation.Get(KeyRange.Prefix(StateKeys.Volumes), Limit: 1),
                new Operation.Get(KeyRange.Prefix(StateKeys.Ops), Limit: 1),
                new Operation.Get(KeyRange.Single(StateKeys.BrickCounter), Limit: 1),
                new Operation.Get(KeyRange.Single(StoreMoveRecord.Key), Limit: 1)),
            cancellation);
        var placement = result.Results[3].Entries.FirstOrDefault()?.Modified ?? Revision.None;
        var hasVolumes = result.Results[1].Entries.Count > 0 || result.Results[2].Entries.Count > 0;
        return (
            result.Results[0].Entries.Count > 1 || result.Results[4].Entries.Count > 0 ? JoinState.IsMember
                : hasVolumes ? JoinState.HasVolumes : JoinState.Free,
            placement);
    }

    private IdentityRecord Check(JoinOffer offer, ECDsa key, JoinToken? token)
    {
        try
        {
            using var authority = X509Certificate2.CreateFromPem(offer.Authority);
            using var certificate = X509Certificate2.CreateFromPem(offer.Certificate);
            if (token is not null && Certificates.Fingerprint(authority) != token.AuthorityFingerprint)
            {
                throw new CommandException(
                    CommandFailure.Conflict, "the authority of the cluster is not the one of the join token");
            }

            var id = identity.Current.Id;
            var own = certificate.PublicKey.ExportSubjectPublicKeyInfo().AsSpan()
                .SequenceEqual(key.ExportSubjectPublicKeyInfo());
            if (own && Certificates.Check(certificate, authority, isServer: true, seams.Clock) == Principal.OfNode(id)
                && Certificates.Check(certificate, authority, isServer: false, seams.Clock) == Principal.OfNode(id))
            {
                return new IdentityRecord
                {
                    ClusterId = offer.ClusterId,
                    Id = id,
                    Key = key.ExportPkcs8PrivateKeyPem(),
                    Certificate = offer.Certificate,
                    Authority = offer.Authority,
                };
            }
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // Said below.
        }

        throw new CommandException(CommandFailure.Invalid, "the certificate in the offer is not one for this node");
    }
}
