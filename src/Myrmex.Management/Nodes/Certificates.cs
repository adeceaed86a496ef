using System;
using System.Collections.Generic;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>
/// Makes and checks the certificates of a cluster: ECDSA P-256 with SHA-256, one authority that signs everything, and
/// the bearer in the common name, see <see cref="Principal"/>.
/// </summary>
internal static class Certificates
{
    private const string CommonNameOid = "2.5.4.3";
    private const string ServerOid = "1.3.6.1.5.5.7.3.1";
    private const string ClientOid = "1.3.6.1.5.5.7.3.2";
    private const string AlternativeNamesOid = "2.5.29.17";
    private const string P256Oid = "1.2.840.10045.3.1.7";

    /// <summary>A positive number of this many bytes. Source: RFC 5280, 4.1.2.2, at most 20.</summary>
    private const int SerialBytes = 16;

    /// <summary>A new key pair; the caller disposes it.</summary>
    public static ECDsa NewKey() => ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>The certificate of a new authority that signs itself.</summary>
    public static X509Certificate2 NewAuthority(ECDsa key, string name, Seams seams)
    {
        var request = new CertificateRequest(Name(name), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: true, hasPathLengthConstraint: true, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        var now = Now(seams.Clock);
        return request.Create(
            Name(name), X509SignatureGenerator.CreateForECDsa(key), now - NodeLimits.CertificateSlack,
            now + NodeLimits.AuthorityLife, NewSerial(seams.Random));
    }

    /// <summary>
    /// A certificate for <paramref name="subject"/>, without its private key. Nothing of a request but its public key
    /// ever reaches a certificate.
    /// </summary>
    /// <param name="hosts">Names and addresses that the bearer serves; none for one that only calls.</param>
    public static X509Certificate2 Issue(
        X509Certificate2 authority, ECDsa authorityKey, Principal subject, PublicKey key, IReadOnlyList<string> hosts,
        TimeSpan life, Seams seams)
    {
        var request = new CertificateRequest(Name(subject.ToString()), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(
            certificateAuthority: false, hasPathLengthConstraint: false, pathLengthConstraint: 0, critical: true));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension(
            subject.Kind == PrincipalKind.Node ? [new Oid(ServerOid), new Oid(ClientOid)] : [new Oid(ClientOid)],
            critical: false));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(key, critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(
            authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        if (hosts.Count > 0)
        {
            request.CertificateExtensions.Add(AlternativeNames(hosts));
        }

        var now = Now(seams.Clock);
        var end = now + life;
        return request.Create(
            authority.SubjectName, X509SignatureGenerator.CreateForECDsa(authorityKey),
            now - NodeLimits.CertificateSlack, end < authority.NotAfter ? end : authority.NotAfter,
            NewSerial(seams.Random));
    }

    /// <summary>A request that proves possession of <paramref name="key"/>, PEM.</summary>
    public static string Request(ECDsa key, Principal subject) =>
        new CertificateRequest(Name(subject.ToString()), key, HashAlgorithmName.SHA256).CreateSigningRequestPem();

    /// <summary>
    /// The public key of a request whose signature is right. Throws <see cref="CommandException"/> for anything else,
    /// also for keys of another kind than ours.
    /// </summary>
    public static PublicKey KeyOf(string requestPem)
    {
        try
        {
            var request = CertificateRequest.LoadSigningRequestPem(
                requestPem, HashAlgorithmName.SHA256, CertificateRequestLoadOptions.Default);
            using var key = request.PublicKey.GetECDsaPublicKey();
            if (key?.ExportParameters(includePrivateParameters: false).Curve.Oid.Value == P256Oid)
            {
                return request.PublicKey;
            }
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            // Said below.
        }

        throw new CommandException(CommandFailure.Invalid, "the certificate request is not one of an ECDSA P-256 key");
    }

    /// <summary>SHA-256 of the certificate, 64 lower case hexadecimal digits.</summary>
    public static string Fingerprint(X509Certificate certificate) =>
        System.Convert.ToHexStringLower(SHA256.HashData(certificate.GetRawCertData()));

    /// <summary>SubjectPublicKeyInfo, base64.</summary>
    public static string PublicKeyText(PublicKey key) =>
        System.Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());

    /// <summary>
    /// The bearer of a certificate that <paramref name="authority"/> signed for this use and that holds now; null for
    /// any other. Whether the bearer is still wanted is not asked here.
    /// </summary>
    public static Principal? Check(
        X509Certificate2 certificate, X509Certificate2 authority, bool isServer, IClock clock)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck; // The record in the store says who is revoked.
        chain.ChainPolicy.DisableCertificateDownloads = true;
        chain.ChainPolicy.VerificationTimeIgnored = false;
        chain.ChainPolicy.VerificationTime = Now(clock).UtcDateTime;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(isServer ? ServerOid : ClientOid));
        try
        {
            return chain.Build(certificate) ? Principal.Parse(CommonName(certificate)) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    /// <summary>The common name when the subject is nothing else; or null.</summary>
    public static string? CommonName(X509Certificate2 certificate)
    {
        string? name = null;
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames())
        {
            if (name is not null || part.HasMultipleElements || part.GetSingleElementType().Value != CommonNameOid)
            {
                return null;
            }

            name = part.GetSingleElementValue();
        }

        return name;
    }

    /// <summary>The names and addresses that a certificate is good for, lower case.</summary>
    public static HashSet<string> HostsOf(X509Certificate2 certificate)
    {
        foreach (var extension in certificate.Extensions)
        {
            if (extension.Oid?.Value == AlternativeNamesOid)
            {
                return HostsOf(extension);
            }
        }

        return [];
    }

    /// <summary>What is read from a certificate that was issued for these hosts.</summary>
    public static HashSet<string> HostsFor(IReadOnlyList<string> hosts) => HostsOf(AlternativeNames(hosts));

    public static DateTimeOffset Now(IClock clock) =>
        DateTimeOffset.UnixEpoch + TimeSpan.FromTicks(clock.WallNs / 100);

    private static HashSet<string> HostsOf(X509Extension extension)
    {
        var names = new X509SubjectAlternativeNameExtension(extension.RawData);
        var hosts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in names.EnumerateDnsNames())
        {
            hosts.Add(name.ToLowerInvariant());
        }

        foreach (var address in names.EnumerateIPAddresses())
        {
            hosts.Add(address.ToString());
        }

        return hosts;
    }

    private static X509Extension AlternativeNames(IReadOnlyList<string> hosts)
    {
        var builder = new SubjectAlternativeNameBuilder();
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var host in hosts)
        {
            if (!seen.Add(host) || seen.Count > NodeLimits.CertificateAddressesMax)
            {
                continue;
            }

            if (IPAddress.TryParse(host, out var address))
            {
                builder.AddIpAddress(address);
            }
            else if (NodeNames.IsValid(host))
            {
                builder.AddDnsName(host);
            }
        }

        return builder.Build();
    }

    private static X500DistinguishedName Name(string commonName)
    {
        var builder = new X500DistinguishedNameBuilder();
        builder.AddCommonName(commonName);
        return builder.Build();
    }

    private static byte[] NewSerial(IRandom random)
    {
        var serial = new byte[SerialBytes];
        random.Fill(serial);
        serial[0] = (byte)((serial[0] & 0x7F) | 0x40);
        return serial;
    }
}
