using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Protocol;

/// <summary>Options of protocol/client; names and meanings are GlusterFS'.</summary>
public static class ClientOptions
{
    public const string RemoteHost = "remote-host";
    public const string RemotePort = "remote-port";
    public const string RemoteSubvolume = "remote-subvolume";
    public const string PingTimeout = "ping-timeout";
    public const string FrameTimeout = "frame-timeout";
    public const string UserName = "username";
    public const string Password = "password";
    public const string TransportType = "transport-type";
    public const string ConnectPath = "transport.socket.connect-path";
    public const string SslEnabled = "transport.socket.ssl-enabled";
    public const string SslOwnCert = "transport.socket.ssl-own-cert";
    public const string SslPrivateKey = "transport.socket.ssl-private-key";
    public const string SslCaList = "transport.socket.ssl-ca-list";
    public const string SendGids = "send-gids";
    public const string StrictLocks = "strict-locks";

    /// <summary>The server reads it too: all options that are given are told with SETVOLUME.</summary>
    public const string FollowsDrain = "follows-drain";

    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new(RemoteHost, OptionKind.Text, null, "Host of the brick or proxy; the server of the volume file when left out."),
        new(RemotePort, OptionKind.Integer, "24007", "Port; a port that lists the portmap program is asked for the brick's own.")
            { Minimum = 1, Maximum = 65535 },
        new(RemoteSubvolume, OptionKind.Text, null, "What to attach to: the brick's path or the proxy's name."),
        new(PingTimeout, OptionKind.Time, "42", "Seconds of silence, with calls outstanding, until the server is taken for dead.")
            { Minimum = 0, Maximum = 1013, Live = true },
        new(FrameTimeout, OptionKind.Time, "1800", "Seconds until a single call is given up.") { Minimum = 0, Maximum = 86400 },
        new(UserName, OptionKind.Text, null, "Login of trusted clients."),
        new(Password, OptionKind.Text, null, "Password of trusted clients."),
        new(TransportType, OptionKind.Text, "tcp", "tcp, or unix together with transport.socket.connect-path."),
        new(ConnectPath, OptionKind.Text, null, "Path of the server's unix socket."),
        new(SslEnabled, OptionKind.Boolean, "off", "Speak TLS."),
        new(SslOwnCert, OptionKind.Text, "/usr/lib/ssl/glusterfs.pem", "Own certificate, PEM."),
        new(SslPrivateKey, OptionKind.Text, "/usr/lib/ssl/glusterfs.key", "Own key, PEM."),
        new(SslCaList, OptionKind.Text, "/usr/lib/ssl/glusterfs.ca", "Certificates that may sign the peer's, PEM."),
        new(
            StrictLocks, OptionKind.Boolean, "off",
            "After a reconnect do not take POSIX locks again; files with locks are then bad.") { Live = true },
        new(
            FollowsDrain, OptionKind.Boolean, "off",
            "What is above goes to another server when this one says that its child is down: it may ask for that."),
        new(SendGids, OptionKind.Boolean, "on", "Send supplementary groups; off when the server resolves them."),
    ];
}
