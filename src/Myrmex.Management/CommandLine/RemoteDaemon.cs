using System;
using System.IO;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Myrmex.Management.Nodes;
using Myrmex.Runtime.Linux;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The node port of a daemon elsewhere, and the administrator's certificate for it: <c>admin.key</c>, <c>admin.pem</c>
/// and <c>ca.pem</c> of one directory, as <c>myrmex cluster admin-cert</c> writes them. Both sides prove themselves; no
/// authority of this machine counts.
/// </summary>
internal sealed class RemoteDaemon
{
    private readonly string _directory;
    private readonly X509Certificate2 _own;
    private readonly X509Certificate2 _authority;
    private bool _isStranger;

    /// <summary>Throws <see cref="DaemonUnreachableException"/> that says what is wrong with the certificate.</summary>
    /// <param name="address">HOST or HOST:PORT; an IPv6 address with a port is in brackets.</param>
    public RemoteDaemon(string address, string directory)
    {
        _directory = directory;
        (Host, Port) = Split(address);
        try
        {
            // Through PKCS#12, so that TLS can use the key.
            using var read = X509Certificate2.CreateFromPemFile(
                Path.Combine(directory, "admin.pem"), Path.Combine(directory, "admin.key"));
            _own = X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), password: null);
            _authority = X509CertificateLoader.LoadCertificateFromFile(Path.Combine(directory, "ca.pem"));
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new DaemonUnreachableException(
                $"There is no certificate for {Host} in {directory}: {e.Message}\n"
                + "Make one on a node with 'myrmex cluster admin-cert NAME --out DIR' and name its directory with "
                + "--certificate=DIR or MYRMEX_CERTIFICATE.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException
            or ArgumentException)
        {
            throw new DaemonUnreachableException($"The certificate in {directory} cannot be used: {e.Message}", e);
        }

        if (_own.NotAfter.ToUniversalTime() < Certificates.Now(LinuxClock.Shared).UtcDateTime)
        {
            throw new DaemonUnreachableException(
                $"The certificate in {directory} ended on {_own.NotAfter.ToUniversalTime():yyyy-MM-dd}; make a new "
                + "one on a node with 'myrmex cluster admin-cert NAME --out DIR'.",
                new AuthenticationException("expired"));
        }
    }

    public string Host { get; }

    public int Port { get; }

    /// <summary>For URLs.</summary>
    public Uri Root => new UriBuilder("https", Host, Port, "/v1/").Uri;

    public SocketsHttpHandler NewHandler() => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        ConnectTimeout = TimeSpan.FromMilliseconds(NodeLimits.JoinRequestMs),
        SslOptions = new SslClientAuthenticationOptions
        {
            ClientCertificateContext = SslStreamCertificateContext.Create(_own, null, offline: true),
            RemoteCertificateValidationCallback = (_, shown, _, _) => IsOfTheCluster(shown),
        },
    };

    /// <summary>What is said when there was no answer.</summary>
    public string Advice(HttpRequestException e) => _isStranger
        ? $"{Host}:{Port} is not a node of the cluster that the certificate in {_directory} is for."
        : e.InnerException is AuthenticationException or IOException
            ? $"{Host}:{Port} does not accept the connection: {e.InnerException.Message}"
            : $"Connection failed. {Host}:{Port} does not answer: {Reason(e)}\n"
                + "It is the node port of a daemon (--node-port there), 24008 by default.";

    /// <summary>What is said when the daemon does not know the certificate.</summary>
    public DaemonUnreachableException Refused(string detail) => new(
        $"{Host}:{Port} does not take the certificate in {_directory}: {detail}\n"
        + "It may be of another cluster, revoked, or replaced by a newer one.",
        new AuthenticationException(detail));

    private static string Reason(HttpRequestException e) =>
        e.InnerException is SocketException s ? s.Message : e.InnerException?.Message ?? e.Message;

    private bool IsOfTheCluster(X509Certificate? shown)
    {
        _isStranger = shown is not X509Certificate2 certificate
            || Certificates.Check(certificate, _authority, isServer: true, LinuxClock.Shared)
                is not { Kind: PrincipalKind.Node };
        return !_isStranger;
    }

    private static (string Host, int Port) Split(string address)
    {
        var colon = address.LastIndexOf(':');
        var isPlain = colon < 0 || (address.IndexOf(':') != colon && !address.StartsWith('['))
            || address.EndsWith(']');
        if (isPlain)
        {
            return (address.Trim('[', ']'), NodeLimits.NodePortDefault);
        }

        return int.TryParse(address[(colon + 1)..], out var port) && port is > 0 and < 65536 && colon > 0
            ? (address[..colon].Trim('[', ']'), port)
            : throw new CommandException(CommandFailure.Invalid, $"'{address}' is not HOST or HOST:PORT");
    }
}
