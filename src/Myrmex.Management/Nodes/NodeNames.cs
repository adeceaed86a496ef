using System.Net;

namespace Myrmex.Management.Nodes;

/// <summary>What can be the name of a machine.</summary>
internal static class NodeNames
{
    private const int PartLengthMax = 63;

    /// <summary>
    /// True for an address and for a name of letters, digits, hyphens and dots. Source: RFC 1123, 2.1.
    /// </summary>
    public static bool IsValid(string host)
    {
        if (IPAddress.TryParse(host, out _))
        {
            return true;
        }

        if (host.Length is 0 or > NodeLimits.NameLengthMax)
        {
            return false;
        }

        foreach (var part in host.Split('.'))
        {
            if (part.Length is 0 or > PartLengthMax || part[0] == '-' || part[^1] == '-')
            {
                return false;
            }

            foreach (var c in part)
            {
                if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_'))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>True for the name that every machine has.</summary>
    public static bool IsLoopbackName(string host) => host == "localhost";
}
