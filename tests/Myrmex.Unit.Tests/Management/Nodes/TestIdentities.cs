using System;
using System.Net.Http;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Unit.Tests.Management.Nodes;

/// <summary>Certificates of people who are not what they say, and a client for those who are.</summary>
internal static class TestIdentities
{
    /// <summary>An identity that an authority of its own has signed.</summary>
    public static NodeMaterial Stranger(Seams seams, NodeId? id = null, TimeSpan? life = null)
    {
        using var authorityKey = Certificates.NewKey();
        using var authority = Certificates.NewAuthority(authorityKey, "stranger", seams);
        using var key = Certificates.NewKey();
        var node = id ?? new NodeId(seams.NewGfid());
        using var certificate = Certificates.Issue(
            authority, authorityKey, Principal.OfNode(node), new PublicKey(key), ["localhost"],
            life ?? TimeSpan.FromDays(1), seams);
        return new NodeMaterial(new IdentityRecord
        {
            ClusterId = "stranger",
            Id = node,
            Key = key.ExportPkcs8PrivateKeyPem(),
            Certificate = certificate.ExportCertificatePem(),
            Authority = authority.ExportCertificatePem(),
        });
    }

    /// <summary>An administrator's key and certificate whose time is over, as PEM.</summary>
    public static (string Key, string Certificate) Ended(Seams seams)
    {
        using var authorityKey = Certificates.NewKey();
        using var authority = Certificates.NewAuthority(authorityKey, "stranger", seams);
        using var key = Certificates.NewKey();
        using var certificate = Certificates.Issue(
            authority, authorityKey, Principal.OfAdministrator("late"), new PublicKey(key), [], TimeSpan.FromHours(-1),
            seams);
        return (key.ExportPkcs8PrivateKeyPem(), certificate.ExportCertificatePem());
    }

    public static string FingerprintOf(string pem)
    {
        using var certificate = X509Certificate2.CreateFromPem(pem);
        return Certificates.Fingerprint(certificate);
    }

    /// <summary>A client of the node port; the caller disposes it.</summary>
    public static HttpClient Client(NodeServices services, string? certificate, ECDsa? key)
    {
        var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, _, _, _) => true,
        };
        if (certificate is not null && key is not null)
        {
            handler.ClientCertificates.Add(
                X509Certificate2.CreateFromPem(certificate, key.ExportPkcs8PrivateKeyPem()));
        }

        return new HttpClient(handler)
        {
            BaseAddress = new Uri($"https://127.77.1.1:{services.NodePort}"),
        };
    }
}
