using System;
using System.Collections.Generic;
using System.IO.Enumeration;
using System.Linq;
using Myrmex.Graph;

namespace Myrmex.Protocol;

/// <summary>
/// Decides at SETVOLUME who may attach. Reject lists win; a login with the volume's user name and password (the trusted volume file of
/// peers) gets in whatever its address; else address and, under TLS, certificate name must be allowed. Without any rule nobody is let in.
/// </summary>
internal static class ServerAuthentication
{
    /// <summary>True when the client may attach; <paramref name="trusted"/> when it logged in with the password.</summary>
    public static bool Allows(
        OptionValues options, string export, string address, string certificateName, IReadOnlyDictionary<string, string> request,
        out bool trusted)
    {
        trusted = false;
        var host = HostOf(address);
        if (Matches(options.Text($"auth.addr.{export}.reject"), host))
        {
            return false;
        }

        trusted = LoginIsGood(options, export, request);
        if (trusted)
        {
            return true;
        }

        var certificates = options.Text($"auth.login.{export}.ssl-allow");
        if (certificates.Length > 0 && certificateName.Length > 0 && !Matches(certificates, certificateName))
        {
            return false;
        }

        return Matches(options.Text($"auth.addr.{export}.allow"), host);
    }

    private static bool LoginIsGood(OptionValues options, string export, IReadOnlyDictionary<string, string> request)
    {
        if (!request.TryGetValue("username", out var user) || !request.TryGetValue("password", out var password) || user.Length == 0)
        {
            return false;
        }

        var expected = options.Text($"auth.login.{user}.password");
        return expected.Length > 0
            && Matches(options.Text($"auth.login.{export}.allow"), user)
            && System.Security.Cryptography.CryptographicOperations.FixedTimeEquals(
                System.Text.Encoding.UTF8.GetBytes(expected), System.Text.Encoding.UTF8.GetBytes(password));
    }

    private static bool Matches(string list, string value) =>
        list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Any(pattern => FileSystemName.MatchesSimpleExpression(pattern, value, ignoreCase: false));

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
