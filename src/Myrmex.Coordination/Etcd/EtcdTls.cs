using System;
using System.IO;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Myrmex.Coordination.Etcd;

/// <summary>What TLS to etcd is made of.</summary>
internal static class EtcdTls
{
    /// <summary>Throws <see cref="StateStoreException"/> for files that cannot be used.</summary>
    public static SslClientAuthenticationOptions Load(EtcdOptions options)
    {
        var tls = new SslClientAuthenticationOptions();
        if (options.CaFile is { } caFile)
        {
            tls.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
            };
            tls.CertificateChainPolicy.CustomTrustStore.AddRange(LoadAuthorities(caFile));
        }

        if (options is { CertificateFile: { } certificate, KeyFile: { } key })
        {
            tls.ClientCertificateContext =
                SslStreamCertificateContext.Create(LoadCertificate(certificate, key), null, offline: true);
        }

        return tls;
    }

    /// <summary>
    /// Differs when the files have other contents, also behind links that lead elsewhere now; null for no files, or
    /// when they cannot be read.
    /// </summary>
    public static string? FilesOf(EtcdOptions options)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var count = 0;
        try
        {
            foreach (var file in (string?[])[options.CaFile, options.CertificateFile, options.KeyFile])
            {
                hash.AppendData(file is null ? [] : SHA256.HashData(File.ReadAllBytes(file)));
                count += file is null ? 0 : 1;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }

        return count == 0 ? null : Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static X509Certificate2Collection LoadAuthorities(string file)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPemFile(file);
            return authorities.Count > 0
                ? authorities : throw new StateStoreException($"{file} has no certificate in PEM form");
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw new StateStoreException($"{file} cannot be read as certificates: {e.Message}", e);
        }
    }

    private static X509Certificate2 LoadCertificate(string certificate, string key)
    {
        try
        {
            return X509Certificate2.CreateFromPemFile(certificate, key);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException
            or ArgumentException)
        {
            throw new StateStoreException(
                $"{certificate} and {key} cannot be read as certificate and private key: {e.Message}", e);
        }
    }
}
