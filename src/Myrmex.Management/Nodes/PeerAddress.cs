using System;
using System.Globalization;
using System.Net;

namespace Myrmex.Management.Nodes;

/// <summary>
/// A node as an administrator writes it: <c>HOST</c> or <c>HOST:PORT</c>, where PORT is the node port; an IPv6 address
/// with a port is in brackets.
/// </summary>
/// <param name="Port">0 when none was written.</param>
internal sealed record PeerAddress(string Host, int Port)
{
    /// <summary>Throws <see cref="CommandException"/> in GlusterFS' words.</summary>
    public static PeerAddress Parse(string text)
    {
        if (IPAddress.TryParse(text, out var address) && !text.StartsWith('['))
        {
            return new PeerAddress(address.ToString(), Port: 0);
        }

        var colon = text.LastIndexOf(':');
        var host = colon < 0 ? text : text[..colon];
        var port = 0;
        if (colon >= 0 && (!int.TryParse(
            text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port) || port is 0 or > 65535))
        {
            throw Invalid(text);
        }

        host = host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;
        return NodeNames.IsValid(host) ? new PeerAddress(host, port) : throw Invalid(text);
    }

    private static CommandException Invalid(string text) =>
        new(CommandFailure.Invalid, $"{text} is an invalid address");
}
