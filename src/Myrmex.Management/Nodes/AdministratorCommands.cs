using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Runtime;

namespace Myrmex.Management.Nodes;

/// <summary>A certificate for an administrator, as it is answered: never with a private key.</summary>
internal sealed record AdministratorCertificate(string Certificate, string Authority);

/// <summary>
/// Certificates with which someone elsewhere gives commands over the node port. The private key is made where the
/// command is given and stays there. Refusals are <see cref="CommandException"/>.
/// </summary>
internal sealed class AdministratorCommands(IStateStore store, Seams seams)
{
    /// <summary>
    /// Signs a request of <see cref="NewRequest"/>. A name has one certificate, the one that was signed last.
    /// </summary>
    public async Task<AdministratorCertificate> IssueAsync(
        string name, string requestPem, CancellationToken cancellation)
    {
        CheckName(name);
        var key = Certificates.KeyOf(requestPem);
        using var authority = await ClusterAuthority.EnsureAsync(store, seams, cancellation);
        using var certificate = authority.IssueAdministrator(Principal.OfAdministrator(name), key);
        var record = new AdministratorRecord(
            name, Certificates.Fingerprint(certificate), seams.Clock.WallNs / 1_000_000,
            new System.DateTimeOffset(certificate.NotAfter.ToUniversalTime()).ToUnixTimeMilliseconds());
        await store.PutAsync(NodeKeys.Administrator(name), record.ToBytes(), cancellation);
        Log.Information(
            "nodes", "administrator has a certificate", ("name", name), ("fingerprint", record.Fingerprint));
        return new AdministratorCertificate(certificate.ExportCertificatePem(), authority.CertificatePem);
    }

    /// <summary>All certificates of administrators that count, by name.</summary>
    public async Task<IReadOnlyList<AdministratorRecord>> ListAsync(CancellationToken cancellation)
    {
        var entries = await store.RangeAsync(KeyRange.Prefix(NodeKeys.Administrators), cancellation);
        try
        {
            return [.. entries.Select(entry => AdministratorRecord.FromBytes(entry.Value.Span))];
        }
        catch (JsonException e)
        {
            throw new StateStoreException($"the record of an administrator is damaged: {e.Message}", e);
        }
    }

    /// <summary>From now on the certificate is nobody's.</summary>
    public async Task RevokeAsync(string name, CancellationToken cancellation)
    {
        CheckName(name);
        if (!await store.DeleteAsync(NodeKeys.Administrator(name), cancellation))
        {
            throw new CommandException(CommandFailure.NotFound, $"there is no certificate of {name}");
        }

        Log.Information("nodes", "the certificate of an administrator is revoked", ("name", name));
    }

    /// <summary>
    /// A new key and the request to have it signed; for the command line. The caller disposes the key.
    /// </summary>
    public static string NewRequest(string name, out ECDsa key)
    {
        CheckName(name);
        key = Certificates.NewKey();
        return Certificates.Request(key, Principal.OfAdministrator(name));
    }

    /// <summary>
    /// Writes <c>admin.key</c> (for its owner only), <c>admin.pem</c> and <c>ca.pem</c> into a directory, which is
    /// made if it is missing. Throws <see cref="IOException"/> when one of them is there: a key is never written over.
    /// </summary>
    public static void WriteFiles(string directory, ECDsa key, AdministratorCertificate issued)
    {
        const UnixFileMode ownerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        const UnixFileMode readable = ownerOnly | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        Directory.CreateDirectory(directory);
        Write(Path.Combine(directory, "admin.key"), key.ExportPkcs8PrivateKeyPem(), ownerOnly);
        Write(Path.Combine(directory, "admin.pem"), issued.Certificate, readable);
        Write(Path.Combine(directory, "ca.pem"), issued.Authority, readable);
    }

    private static void Write(string file, string text, UnixFileMode mode)
    {
        var options = new FileStreamOptions
        {
            Mode = System.IO.FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = mode,
        };
        using var stream = new FileStream(file, options);
        stream.Write(Encoding.ASCII.GetBytes(text + "\n"));
    }

    private static void CheckName(string name)
    {
        if (!Principal.IsAdministratorName(name))
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"'{name}' cannot be the name of an administrator: 1 to {Principal.AdministratorLengthMax} letters, "
                + "digits and .-_");
        }
    }
}
