using System.Collections.Generic;
using Myrmex.Graph;

namespace Myrmex.Protocol;

/// <summary>
/// Options of protocol/server. Keys with the export's name in them (auth.addr.NAME.allow, auth.addr.NAME.reject,
/// auth.login.NAME.allow, auth.login.NAME.ssl-allow, auth.login.USER.password) are read by <see cref="ServerAuthentication"/>.
/// </summary>
public static class ServerOptions
{
    public const string RootSquash = "root-squash";
    public const string AllSquash = "all-squash";
    public const string AnonUid = "anonuid";
    public const string AnonGid = "anongid";
    public const string OutstandingLimit = "rpc.outstanding-rpc-limit";
    public const string SslEnabled = "transport.socket.ssl-enabled";
    public const string SslOwnCert = "transport.socket.ssl-own-cert";
    public const string SslPrivateKey = "transport.socket.ssl-private-key";
    public const string SslCaList = "transport.socket.ssl-ca-list";
    public const string VolumeId = "volume-id";
    public const string DynamicAuth = "dynamic-auth";
    public const string ManageGids = "manage-gids";
    public const string GidTimeout = "gid-timeout";
    public const string ClientChanges = "client-changes";
    public const string Draining = "draining";

    public static IReadOnlyList<OptionDeclaration> Table { get; } =
    [
        new(RootSquash, OptionKind.Boolean, "off", "Turn uid and gid 0 of clients into anonuid and anongid.") { Live = true },
        new(AllSquash, OptionKind.Boolean, "off", "Turn every uid and gid of clients into anonuid and anongid.") { Live = true },
        new(AnonUid, OptionKind.Integer, "65534", "The uid for squashed clients.") { Minimum = 0, Maximum = uint.MaxValue, Live = true },
        new(AnonGid, OptionKind.Integer, "65534", "The gid for squashed clients.") { Minimum = 0, Maximum = uint.MaxValue, Live = true },
        new(OutstandingLimit, OptionKind.Integer, "64", "Calls of one client under way at once; more wait in its socket. 0 = no limit.")
            { Minimum = 0, Maximum = 65536, Live = true },
        new(SslEnabled, OptionKind.Boolean, "off", "Take only clients that speak TLS and show a certificate."),
        new(SslOwnCert, OptionKind.Text, "/usr/lib/ssl/glusterfs.pem", "Own certificate, PEM."),
        new(SslPrivateKey, OptionKind.Text, "/usr/lib/ssl/glusterfs.key", "Own key, PEM."),
        new(SslCaList, OptionKind.Text, "/usr/lib/ssl/glusterfs.ca", "Certificates that may sign a client's, PEM."),
        new(DynamicAuth, OptionKind.Boolean, "on", "Disconnect clients that changed lists do not allow any more.") { Live = true },
        new(ManageGids, OptionKind.Boolean, "off", "Take the groups of a user from this server's user database, not from the client.")
            { Live = true },
        new(GidTimeout, OptionKind.Time, "300", "Seconds for which the groups of a user are remembered.")
            { Minimum = 0, Maximum = 3600, Live = true },
        new(ClientChanges, OptionKind.Boolean, "off",
            "Take the identity of changes (myrmex.session) from clients and hand it down with the call; for proxies."),
        new(Draining, OptionKind.Boolean, "off",
            "Ask clients that can go elsewhere (follows-drain) to do so; all others are served on; for proxies.")
            { Live = true },
        new(VolumeId, OptionKind.Text, null, "Told to clients when they attach."),
    ];
}
