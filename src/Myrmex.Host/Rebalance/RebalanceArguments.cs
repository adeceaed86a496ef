using System;
using System.Globalization;
using Myrmex.Runtime;

namespace Myrmex.Host.Rebalance;

/// <summary>What a rebalance process was asked to do.</summary>
/// <param name="Server">Where the volume file comes from.</param>
/// <param name="Volume">Name of the volume; empty when there is a file.</param>
/// <param name="Volfile">Path of a client volume file; empty for none.</param>
/// <param name="Task">Identity of the task; may be empty.</param>
/// <param name="StatusFile">Where progress is written; null for nowhere.</param>
internal sealed record RebalanceArguments(
    LinkAddress Server, string Volume, string Volfile, string Task, string? StatusFile, RebalanceThrottle Throttle)
{
    /// <summary>HOST:PORT; an IPv6 host is in brackets.</summary>
    public static bool TryParseServer(string text, out LinkAddress server)
    {
        var colon = text.LastIndexOf(':');
        server = default;
        var digits = text.AsSpan(colon + 1);
        if (colon <= 0 || !int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            || port is 0 or > 65_535)
        {
            return false;
        }

        server = new LinkAddress(text[..colon].Trim('[', ']'), port);
        return true;
    }
}
