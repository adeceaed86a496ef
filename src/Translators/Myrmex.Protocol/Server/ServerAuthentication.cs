using System;
using System.Collections.Generic;
using System.IO.Enumeration;
using System.Linq;
using System.Net;
using Myrmex.Graph;

namespace Myrmex.Protocol;

/// <summary>Who asks to be let in, and where.</summary>
/// <param name="Export">Name of the export.</param>
/// <param name="Directory">The directory to mount: "/" or "/dir…".</param>
/// <param name="Address">Peer address with port, or path of a unix socket.</param>
/// <param name="CertificateName">Common name of the peer's certificate; empty without TLS.</param>
/// <param name="Values">The pairs of SETVOLUME.</param>
internal sealed record AuthenticationRequest(
    string Export, string Directory, string Address, string CertificateName, IReadOnlyDictionary<string, string> Values);

/// <summary>
/// Decides at SETVOLUME who may attach. Reject lists win; a login with the volume's user name and password (the trusted volume file of
/// peers) gets in whatever its address; else address and, under TLS, certificate name must be allowed. Without any rule nobody is let in.
/// </summary>
/// <remarks>
/// An address list is "ADDRESS,ADDRESS…", for every directory, or "/DIR(ADDRESS|ADDRESS…),/DIR…", for the directories it names and no
/// others. An address is exact, has wildcards (* and ?), or is a network ("10.0.0.0/8").
/// </remarks>
internal static class ServerAuthentication
{
    /// <summary>True when the client may attach; <paramref name="trusted"/> when it logged in with the password.</summary>
    public static bool Allows(OptionValues options, AuthenticationRequest request, out bool trusted)
    {
        trusted = false;
        var host = HostOf(request.Address);
        if (MatchesAddress(options.Text($"auth.addr.{request.Export}.reject"), request.Directory, host))
        {
            return false;
        }

        trusted = LoginIsGood(options, request.Export, request.Values);
        return trusted
            || (CertificateIsGood(options, request)
                && MatchesAddress(options.Text($"auth.addr.{request.Export}.allow"), request.Directory, host));
    }

    /// <summary>The list of names binds who shows a certificate, and everybody where certificates are demanded.</summary>
    private static bool CertificateIsGood(OptionValues options, AuthenticationRequest request)
    {
        var names = options.Text($"auth.login.{request.Export}.ssl-allow");
        var isBound = request.CertificateName.Length > 0 || options.Boolean(ServerOptions.SslEnabled);
        return names.Length == 0 || !isBound || names.Trim() == "*" || Matches(Split(names, ','), request.CertificateName);
    }

    private static bool LoginIsGood(OptionValues options, string export, IReadOnlyDictionary<string, string> request)
    {
        if (!request.TryGetValue("username", out var user) || !request.TryGetValue("password", out var password) || user.Length == 0)
        {
            return false;
        }

        var expected = options.Text($"auth.login.{user}.password");
        return expected.Length > 0
            && Matches(Split(options.Text($"auth.login.{export}.allow"), ','), user)
            && System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(
                System.Text.Encoding.UTF8.GetBytes(expected), System.Text.Encoding.UTF8.GetBytes(password));
    }

    private static bool MatchesAddress(string list, string directory, string host)
    {
        if (!list.TrimStart().StartsWith('/'))
        {
            return MatchesHost(Split(list, ','), host);
        }

        foreach (var entry in Split(list, ','))
        {
            var open = entry.IndexOf('(');
            var name = "/" + (open < 0 ? entry : entry[..open]).Trim().Trim('/');
            if (name == directory && (open < 0 || MatchesHost(Split(entry[(open + 1)..].TrimEnd(')'), '|'), host)))
            {
                return true;
            }
        }

        return false;
    }

    private static bool MatchesHost(string[] patterns, string host) =>
        Matches(patterns, host)
        || (IPAddress.TryParse(host, out var ip) && patterns.Any(p => IPNetwork.TryParse(p, out var network) && network.Contains(ip)));

    private static bool Matches(string[] patterns, string value) =>
        patterns.Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, value, ignoreCase: false));

    private static string[] Split(string list, char separator) =>
        list.Split(separator, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static string HostOf(string address)
    {
        if (address.StartsWith('/') || address.Length == 0)
        {
            return "127.0.0.1"; // A unix socket is this machine.
        }

        var colon = address.LastIndexOf(':');
        var host = colon < 0 ? address : address[..colon];
        host = host.Trim('[', ']');
        return host.StartsWith("::ffff:", StringComparison.Ordinal) ? host[7..] : host;
    }
}
