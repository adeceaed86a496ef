using System.IO;

namespace Myrmex.Management.Etcd;

/// <summary>
/// Files with which a node shows who it is and knows the others, PEM. The certificate is good for servers and clients
/// and names all addresses of the node; the authority is that of the cluster. They are read again when they change.
/// </summary>
public sealed record NodeCertificates(string CaFile, string CertificateFile, string KeyFile)
{
    /// <summary>Where a node keeps them.</summary>
    public static NodeCertificates In(string workingDirectory)
    {
        var directory = Path.Combine(workingDirectory, "identity");
        return new NodeCertificates(
            Path.Combine(directory, "ca.pem"), Path.Combine(directory, "node.pem"),
            Path.Combine(directory, "node.key"));
    }
}
