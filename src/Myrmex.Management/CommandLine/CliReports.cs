using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>
/// The text and XML of what bricks and long work report. Each is in a file of its own that implements the partial
/// method; without one the report is shown as JSON.
/// </summary>
internal static partial class CliReports
{
    public static string? Text(ProfileMessage message, bool isXml)
    {
        string? text = null;
        Profile(message, isXml, ref text);
        return text;
    }

    public static string? Text(TopMessage message, bool isXml)
    {
        string? text = null;
        Top(message, isXml, ref text);
        return text;
    }

    /// <param name="isList">client-list: by kinds of clients.</param>
    public static string? Text(VolumeClientsMessage message, bool isList, bool isXml)
    {
        string? text = null;
        Clients(message, isList, isXml, ref text);
        return text;
    }

    public static string? Text(VolumeInternalsMessage message, bool isXml)
    {
        string? text = null;
        Internals(message, isXml, ref text);
        return text;
    }

    public static string? Text(RebalanceMessage message, string action, bool isXml)
    {
        string? text = null;
        Rebalance(message, action, isXml, ref text);
        return text;
    }

    static partial void Profile(ProfileMessage message, bool isXml, ref string? text);

    static partial void Top(TopMessage message, bool isXml, ref string? text);

    static partial void Clients(VolumeClientsMessage message, bool isList, bool isXml, ref string? text);

    static partial void Internals(VolumeInternalsMessage message, bool isXml, ref string? text);

    /// <param name="action">status or stop.</param>
    static partial void Rebalance(RebalanceMessage message, string action, bool isXml, ref string? text);
}
