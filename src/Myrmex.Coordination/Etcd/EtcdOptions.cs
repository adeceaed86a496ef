using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;

namespace Myrmex.Coordination.Etcd;

/// <summary>Where an etcd cluster is and how to talk to it.</summary>
public sealed record EtcdOptions
{
    public const string DefaultPrefix = "/myrmex/";
    public const int DefaultPort = 2379;

    /// <summary>Addresses of members, as <c>http://HOST:PORT</c> or <c>https://HOST:PORT</c>; at least one.</summary>
    public required IReadOnlyList<Uri> Endpoints { get; init; }

    /// <summary>Stands before every key, so that clusters and other users can share one etcd.</summary>
    public string Prefix { get; init; } = DefaultPrefix;

    /// <summary>File of certificates that sign etcd's; null for those that the machine trusts.</summary>
    public string? CaFile { get; init; }

    /// <summary>Files with the certificate and private key shown to etcd, PEM; both or none.</summary>
    public string? CertificateFile { get; init; }

    public string? KeyFile { get; init; }

    /// <summary>User of etcd's role-based access control; null for none.</summary>
    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>How long one command may take with all its attempts.</summary>
    public TimeSpan RequestTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the answer to a change is waited for; then its outcome is unknown. Longer than an election takes would
    /// be of no use: a change that a leader took with it is not answered.
    /// </summary>
    public TimeSpan ChangeTimeout { get; init; } = TimeSpan.FromMilliseconds(1_200);

    /// <summary>
    /// How long one attempt of a command that may be repeated waits before another member is asked; also how long a
    /// member may take to begin a watch.
    /// </summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(2);

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// A connection that is silent this long is asked for a sign of life. Source: etcd closes connections that ask more
    /// often than <c>--grpc-keepalive-min-time</c>, 5 s.
    /// </summary>
    public TimeSpan PingAfter { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary>And is given up when none comes within this time.</summary>
    public TimeSpan PingTimeout { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>
    /// Addresses as <c>HOST[:PORT]</c> or a URL, separated by commas. Without a scheme it is https when
    /// <paramref name="tls"/>, else http. Throws <see cref="FormatException"/>.
    /// </summary>
    public static IReadOnlyList<Uri> ParseEndpoints(string text, bool tls)
    {
        var endpoints = new List<Uri>();
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var url = word.Contains("://", StringComparison.Ordinal) ? word : (tls ? "https://" : "http://") + word;
            if (!Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https")
                || uri.Host.Length == 0 || uri.PathAndQuery != "/" || uri.UserInfo.Length > 0)
            {
                throw new FormatException($"'{word}' is no address of etcd; write HOST:PORT or https://HOST:PORT");
            }

            endpoints.Add(HasPort(url, uri) ? uri : new UriBuilder(uri) { Port = DefaultPort }.Uri);
        }

        return endpoints.Count > 0 ? endpoints : throw new FormatException("no address of etcd is given");
    }

    /// <summary>Throws <see cref="StateStoreException"/> for options that cannot work.</summary>
    internal void Check()
    {
        if (Endpoints.Count == 0)
        {
            throw new StateStoreException("no address of etcd is given");
        }

        if ((CertificateFile is null) != (KeyFile is null))
        {
            throw new StateStoreException("a client certificate needs both its certificate file and its key file");
        }

        if ((User is null) != (Password is null))
        {
            throw new StateStoreException("etcd's user needs both a name and a password");
        }

        if (Prefix.Length is 0 or > Limits.PrefixLengthMax || Prefix.AsSpan().IndexOfAnyExceptInRange('!', '~') >= 0
            || Prefix[^1] != '/')
        {
            throw new StateStoreException(
                $"'{Prefix}' cannot be a prefix of keys: 1 to {Limits.PrefixLengthMax} characters, the last one /");
        }

        foreach (var file in (string?[])[CaFile, CertificateFile, KeyFile])
        {
            if (file is not null && !File.Exists(file))
            {
                throw new StateStoreException($"{file} does not exist");
            }
        }
    }

    /// <summary>The addresses as text, for messages.</summary>
    internal string EndpointsText() => string.Join(", ", Endpoints);

    // Uri drops the port when it is the scheme's default one.
    private static bool HasPort(string url, Uri uri) =>
        !uri.IsDefaultPort || url.TrimEnd('/').EndsWith(
            ":" + uri.Port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
}
