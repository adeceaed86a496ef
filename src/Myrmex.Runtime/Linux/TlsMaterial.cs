using System;
using System.Collections.Concurrent;
using System.IO;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Certificates of a <see cref="TlsOptions"/>, read from their files again when these have changed. The rules are those of
/// GlusterFS: TLS 1.2 or later, the chain of the peer must end in the CA file, its host name is not looked at.
/// </summary>
internal sealed class TlsMaterial
{
    private const SslProtocols Protocols = SslProtocols.Tls12 | SslProtocols.Tls13;
    private const string CommonNameOid = "2.5.4.3";

    private static readonly ConcurrentDictionary<TlsOptions, TlsMaterial> Cache = new();

    private readonly TlsOptions _options;
    private readonly (DateTime, DateTime, DateTime) _times;
    private readonly SslStreamCertificateContext _own;
    private readonly X509Certificate2Collection _authorities = [];

    private TlsMaterial(TlsOptions options)
    {
        _options = options;
        _times = TimesOf(options);
        var certificate = X509Certificate2.CreateFromPemFile(options.CertificatePath, options.KeyPath);
        var intermediates = new X509Certificate2Collection();
        intermediates.ImportFromPemFile(options.CertificatePath);
        _own = SslStreamCertificateContext.Create(certificate, intermediates, offline: true);
        _authorities.ImportFromPemFile(options.CaPath);
    }

    /// <summary>Reads the files when needed. Throws IOException or CryptographicException when they cannot be used.</summary>
    public static TlsMaterial Of(TlsOptions options)
    {
        if (Cache.TryGetValue(options, out var known) && known._times == TimesOf(options))
        {
            return known;
        }

        var fresh = new TlsMaterial(options);
        Cache[options] = fresh;
        return fresh;
    }

    /// <summary>First common name of a certificate's subject; empty when it has none.</summary>
    public static string CommonNameOf(X509Certificate2 certificate)
    {
        foreach (var part in certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false))
        {
            if (!part.HasMultipleElements && part.GetSingleElementType().Value == CommonNameOid)
            {
                return part.GetSingleElementValue() ?? string.Empty;
            }
        }

        return string.Empty;
    }

    public SslServerAuthenticationOptions ForServer() => new()
    {
        ServerCertificateContext = _own,
        ClientCertificateRequired = _options.RequireClientCertificate,
        EnabledSslProtocols = Protocols,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            certificate is null ? !_options.RequireClientCertificate : IsTrusted(certificate, chain),
    };

    public SslClientAuthenticationOptions ForClient() => new()
    {
        TargetHost = string.Empty,
        ClientCertificateContext = _own,
        EnabledSslProtocols = Protocols,
        CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
        RemoteCertificateValidationCallback = (_, certificate, chain, _) =>
            certificate is not null && IsTrusted(certificate, chain),
    };

    private static (DateTime, DateTime, DateTime) TimesOf(TlsOptions options) => (
        File.GetLastWriteTimeUtc(options.CertificatePath),
        File.GetLastWriteTimeUtc(options.KeyPath),
        File.GetLastWriteTimeUtc(options.CaPath));

    private bool IsTrusted(X509Certificate certificate, X509Chain? received)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        if (received is not null)
        {
            chain.ChainPolicy.ExtraStore.AddRange(received.ChainPolicy.ExtraStore);
        }

        return certificate is X509Certificate2 second && chain.Build(second);
    }
}
