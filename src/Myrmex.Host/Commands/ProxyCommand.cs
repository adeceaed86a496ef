namespace Myrmex.Host;

/// <summary>
/// <c>myrmex proxy</c>: serves volumes to thin clients, all volumes of a node on one port. Source: gfproxyd.
/// </summary>
internal static class ProxyCommand
{
    public static Command Entry { get; } = new(
        "proxy", "serve volumes to thin clients (started by the daemon)",
        args => new ServingCommand("proxy", "--volumes", ServedVolume.Start).Run(args));
}
