using System.Collections.Generic;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>The proxies of all volumes as people read them.</summary>
public static class ProxyListText
{
    /// <summary>A line each, as <c>volume status</c> shows processes.</summary>
    public static string Of(IReadOnlyList<ProxyStatusMessage> proxies) => CliText.Proxies(proxies);
}
