using Microsoft.AspNetCore.Http;
using Myrmex.Management.Nodes;

namespace Myrmex.Management.NodeApi;

/// <summary>Who makes a request on the node port.</summary>
internal static class NodeCaller
{
    private static readonly object Key = new();

    /// <summary>The bearer of the certificate; null for a request that needs none.</summary>
    public static Principal? Of(HttpContext context) => context.Items[Key] as Principal;

    internal static void Set(HttpContext context, Principal principal) => context.Items[Key] = principal;
}
