using System;
using System.Collections.Generic;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>
/// What signs the certificates of a cluster. It is in the store, so that every node that may use the store can sign;
/// one transaction makes identity, authority and join secret, so that daemons that race agree on one of each.
/// </summary>
internal sealed class ClusterAuthority : IDisposable
{
    private const int SecretBytes = 32;

    private readonly ECDsa _key;
    private readonly Seams _seams;

    private ClusterAuthority(string clusterId, X509Certificate2 certificate, ECDsa key, string secret, Seams seams)
    {
        ClusterId = clusterId;
        Certificate = certificate;
        Secret = secret;
        _key = key;
        _seams = seams;
    }

    public string ClusterId { get; }

    public X509Certificate2 Certificate { get; }

    /// <summary>The join secret, hexadecimal.</summary>
    public string Secret { get; }

    public string CertificatePem => Certificate.ExportCertificatePem();

    public JoinToken Token => new(System.Convert.FromHexString(Secret), Certificates.Fingerprint(Certificate));

    /// <summary>
    /// The authority of the cluster, made when there is none. The caller disposes it. Throws
    /// <see cref="StateStoreException"/>.
    /// </summary>
    public static async Task<ClusterAuthority> EnsureAsync(
        IStateStore store, Seams seams, CancellationToken cancellation)
    {
        while (true)
        {
            if (await LoadAsync(store, seams, cancellation) is { } known)
            {
                return known;
            }

            await store.CommitAsync(Creation(seams), cancellation); // Whoever was first: it is read again.
        }
    }

    /// <summary>The identity of the cluster in the store, or null.</summary>
    public static async Task<string?> ClusterIdAsync(IStateStore store, CancellationToken cancellation) =>
        await store.GetAsync(NodeKeys.ClusterId, cancellation) is { } entry ? Text(entry) : null;

    /// <summary>Makes a new join secret: tokens that were given out no longer work.</summary>
    public static async Task RotateSecretAsync(IStateStore store, Seams seams, CancellationToken cancellation)
    {
        var transaction = new StateTransaction(
            [Condition.Exists(NodeKeys.Authority)],
            [Operation.PutValue(NodeKeys.JoinSecret, Encoding.ASCII.GetBytes(NewSecret(seams.Random)))], []);
        var result = await store.CommitAsync(transaction, cancellation);
        if (!result.Succeeded)
        {
            throw new StateStoreException("the state store holds no authority of a cluster");
        }
    }

    /// <summary>A certificate for a node, good for all these names and addresses.</summary>
    public X509Certificate2 IssueNode(Principal node, PublicKey key, IReadOnlyList<string> hosts) =>
        Certificates.Issue(Certificate, _key, node, key, hosts, NodeLimits.CertificateLife, _seams);

    /// <summary>A certificate for an administrator.</summary>
    public X509Certificate2 IssueAdministrator(Principal administrator, PublicKey key) =>
        Certificates.Issue(Certificate, _key, administrator, key, [], NodeLimits.AdministratorLife, _seams);

    public void Dispose()
    {
        _key.Dispose();
        Certificate.Dispose();
    }

    private static async Task<ClusterAuthority?> LoadAsync(
        IStateStore store, Seams seams, CancellationToken cancellation)
    {
        string[] keys = [NodeKeys.ClusterId, NodeKeys.Authority, NodeKeys.AuthorityKey, NodeKeys.JoinSecret];
        var reads = Array.ConvertAll(keys, key => (Operation)new Operation.Get(KeyRange.Single(key), Limit: 1));
        var result = await store.CommitAsync(StateTransaction.Always(reads), cancellation);
        var texts = new string?[keys.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            texts[i] = result.Results[i].Entries is [var entry] ? Text(entry) : null;
        }

        if (Array.TrueForAll(texts, text => text is null))
        {
            return null;
        }

        if (texts is not [{ } id, { } authority, { } authorityKey, { } secret])
        {
            throw new StateStoreException("the state store holds only a part of the cluster's authority");
        }

        var key = ECDsa.Create();
        try
        {
            key.ImportFromPem(authorityKey);
            return new ClusterAuthority(id, X509Certificate2.CreateFromPem(authority), key, secret, seams);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new StateStoreException("the authority in the state store is damaged", e);
        }
    }

    private static StateTransaction Creation(Seams seams)
    {
        using var key = Certificates.NewKey();
        var id = seams.NewGfid().ToString();
        using var certificate = Certificates.NewAuthority(key, $"Myrmex cluster {id}", seams);
        return new StateTransaction(
            [
                Condition.Missing(NodeKeys.ClusterId), Condition.Missing(NodeKeys.Authority),
                Condition.Missing(NodeKeys.AuthorityKey), Condition.Missing(NodeKeys.JoinSecret),
            ],
            [
                Put(NodeKeys.ClusterId, id), Put(NodeKeys.Authority, certificate.ExportCertificatePem()),
                Put(NodeKeys.AuthorityKey, key.ExportPkcs8PrivateKeyPem()),
                Put(NodeKeys.JoinSecret, NewSecret(seams.Random)),
            ],
            []);
    }

    private static string NewSecret(IRandom random)
    {
        Span<byte> bytes = stackalloc byte[SecretBytes];
        random.Fill(bytes);
        return System.Convert.ToHexStringLower(bytes);
    }

    private static Operation Put(string key, string text) => Operation.PutValue(key, Encoding.ASCII.GetBytes(text));

    private static string Text(StateEntry entry) => Encoding.ASCII.GetString(entry.Value.Span);
}
