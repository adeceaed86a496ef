using System;
using System.IO;
using System.Security.Cryptography;
using System.Text;

namespace Myrmex.Management;

/// <summary>Where the unix sockets of a daemon and its brick process are.</summary>
internal static class SocketPath
{
    /// <summary>Longest path a unix socket can have, less the terminating zero.</summary>
    private const int BytesMax = 107;

    /// <summary>
    /// NAME.sock in the working directory, or under /run, with a hash of that directory in its name, when that would be
    /// too long for a socket.
    /// </summary>
    /// <param name="prefix">What the name under /run begins with.</param>
    public static string Of(string workingDirectory, string name, string prefix)
    {
        var path = Path.Combine(workingDirectory, name + ".sock");
        if (Encoding.UTF8.GetByteCount(path) <= BytesMax)
        {
            return path;
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(workingDirectory));
        return $"/run/{prefix}-{Convert.ToHexStringLower(hash[..8])}.sock";
    }
}
