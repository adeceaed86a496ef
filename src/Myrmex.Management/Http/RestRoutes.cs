namespace Myrmex.Management.Http;

/// <summary>
/// The routes of one subject. They know nothing of how a request came: the same are served on the unix socket, on the
/// loopback port and to nodes and administrators elsewhere.
/// </summary>
internal abstract class RestRoutes
{
    public abstract void Map(RouteMap map);
}
