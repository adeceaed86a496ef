namespace Myrmex.Management.BrickAdmin;

/// <summary>
/// The RPC program by which a daemon asks its brick process, over a unix socket that only their user can open.
/// Procedure 0
/// does nothing; procedure 1 takes one opaque with a <see cref="BrickRequest"/> in JSON and answers one opaque with a
/// <see cref="BrickAnswer"/> in JSON. The number is from the range that RFC 5531 leaves to users.
/// </summary>
public static class BrickAdminProgram
{
    public const uint Number = 0x204D5942;

    public const uint Version = 1;

    public const uint Ask = 1;

    /// <summary>Bytes of a request record.</summary>
    public const int RequestBytesMax = 64 << 10;

    /// <summary>Bytes of an answer record; lists are cut long before.</summary>
    public const int AnswerBytesMax = 8 << 20;

    /// <summary>Files, inodes and calls named in one answer; the counts are of all.</summary>
    public const int ListMax = 1024;

    /// <summary>Milliseconds after which the process answers that it could not.</summary>
    public const int AnswerMs = 20_000;

    /// <summary>Requests under way at once; more are refused.</summary>
    public const int UnderWayMax = 8;

    /// <summary>
    /// The socket of the brick process of the daemon with this working directory: inside it, or under /run when
    /// that would be too long for a socket.
    /// </summary>
    public static string SocketOf(string workingDirectory) => SocketPath.Of(workingDirectory, "brick", "myrmex-brick");

    /// <summary>The same of its proxy, which answers the same questions.</summary>
    public static string ProxySocketOf(string workingDirectory) =>
        SocketPath.Of(workingDirectory, "proxy", "myrmex-proxy");

    /// <summary>Where the proxy waits for a new process that takes over.</summary>
    public static string ProxyHandOverSocketOf(string workingDirectory) =>
        SocketPath.Of(workingDirectory, "proxy-hand-over", "myrmex-proxy-hand-over");
}
