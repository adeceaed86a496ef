using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Myrmex.Volumes;

namespace Myrmex.Management.Nodes;

/// <summary>An identity ready for TLS. Never disposed: connections may use it long after it was replaced.</summary>
internal sealed class NodeMaterial
{
    public NodeMaterial(IdentityRecord record)
    {
        Record = record;
        Certificate = X509Certificate2.CreateFromPem(record.Certificate, record.Key);
        Authority = X509Certificate2.CreateFromPem(record.Authority);
        Fingerprint = Certificates.Fingerprint(Certificate);
        Context = SslStreamCertificateContext.Create(Certificate, additionalCertificates: null, offline: true);
    }

    public IdentityRecord Record { get; }

    public NodeId Id => Record.Id;

    public string ClusterId => Record.ClusterId;

    /// <summary>With its private key.</summary>
    public X509Certificate2 Certificate { get; }

    public X509Certificate2 Authority { get; }

    /// <summary>Of <see cref="Certificate"/>.</summary>
    public string Fingerprint { get; }

    /// <summary>For servers and clients.</summary>
    public SslStreamCertificateContext Context { get; }
}
