namespace Myrmex.Graph;

/// <summary>A translator that speaks to a server, and can find out whether that is there.</summary>
public interface IServerCheck
{
    /// <summary>
    /// Has the connection tried, if there is one: it ends, as one on which nothing is answered, when the server is
    /// gone. A server answers that by itself, without asking anybody. Any thread; does not block.
    /// </summary>
    void Check();
}
