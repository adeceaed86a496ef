using System.Threading;
using Myrmex.Base;

namespace Myrmex.Fuse;

/// <summary>
/// An fd of one graph with its count of users: the file that holds it, and every fop under way on it. The last one to
/// leave
/// lets the graph release it, so that a fop never runs on a released fd, not even when the file has moved to another
/// graph.
/// </summary>
internal sealed class OpenFd
{
    private readonly FuseSession _session;
    private int _references = 1;

    /// <summary>Takes an fd that the graph has opened; the graph is kept running until it is released.</summary>
    public OpenFd(FuseSession session, IHostedGraph graph, Fd fd)
    {
        _session = session;
        Graph = graph;
        Fd = fd;
        graph.AddUser();
    }

    public IHostedGraph Graph { get; }

    public Fd Fd { get; }

    public void Retain() => Interlocked.Increment(ref _references);

    public void Drop()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Check(left >= 0);
        if (left == 0)
        {
            _session.ReleaseFd(this);
        }
    }
}
