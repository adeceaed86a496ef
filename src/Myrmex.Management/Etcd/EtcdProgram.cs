using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Management.Etcd;

/// <summary>The program etcd on this machine and the words it is started with.</summary>
internal sealed class EtcdProgram
{
    private const string MoreDirectories = ":/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin";

    // Its name changes in 3.6; before 3.4 there is none.
    private static readonly string[] SanFlags =
        ["--experimental-peer-skip-client-san-verification", "--peer-skip-client-san-verification"];

    private readonly string _path;
    private readonly string? _sanFlag;

    private EtcdProgram(string path, string? sanFlag)
    {
        _path = path;
        _sanFlag = sanFlag;
    }

    /// <summary>Throws <see cref="IOException"/> when it is not there, with what to do about it.</summary>
    public static async Task<EtcdProgram> FindAsync(string program, CancellationToken cancellation)
    {
        var directories = (Environment.GetEnvironmentVariable("PATH") + MoreDirectories).Split(':');
        var path = program.Contains('/', StringComparison.Ordinal) ? program
            : directories.Where(d => d.Length > 0).Select(d => Path.Combine(d, program)).FirstOrDefault(File.Exists);
        if (path is null || !File.Exists(path))
        {
            throw new IOException(
                $"the program {program} is not on this node; install etcd-server, or give --etcd ADDRESS of one "
                + "that runs elsewhere");
        }

        var help = await HelpAsync(path, cancellation);
        return new EtcdProgram(path, SanFlags.FirstOrDefault(f => help.Contains(f, StringComparison.Ordinal)));
    }

    /// <summary>Program and arguments; without the environment, where etcd would find options too.</summary>
    public IReadOnlyList<string> Command(EtcdNodeOptions options, EtcdMemberSpec spec)
    {
        var certificates = options.Certificates;
        var peer = PeerOf(options, spec);
        List<string> words =
        [
            "/usr/bin/env", "-i", $"PATH={MoreDirectories[1..]}", _path,
            "--name", spec.Name, "--data-dir", DataOf(options, spec),
            "--listen-peer-urls", Listen(options, options.PeerPort), "--initial-advertise-peer-urls", Text(peer),
            "--listen-client-urls", Listen(options, options.ClientPort),
            "--advertise-client-urls", Text(ClientOf(options, peer)),
            "--initial-cluster", spec.InitialCluster, "--initial-cluster-state", spec.IsNew ? "new" : "existing",
            "--initial-cluster-token", "myrmex",
            "--trusted-ca-file", certificates.CaFile, "--cert-file", certificates.CertificateFile,
            "--key-file", certificates.KeyFile, "--client-cert-auth",
            "--peer-trusted-ca-file", certificates.CaFile, "--peer-cert-file", certificates.CertificateFile,
            "--peer-key-file", certificates.KeyFile, "--peer-client-cert-auth",
            "--heartbeat-interval", Text(EtcdLimits.HeartbeatMs), "--election-timeout", Text(EtcdLimits.ElectionMs),
            "--pre-vote=true", "--strict-reconfig-check=true",
            "--auto-compaction-mode", "periodic", "--auto-compaction-retention", "1h",
            "--quota-backend-bytes", Text(EtcdLimits.QuotaBytes),
            "--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn",
        ];
        if (_sanFlag is not null)
        {
            // A node with many addresses calls from any of them; its certificate is what counts.
            words.Add(_sanFlag + "=true");
        }

        return words;
    }

    public static string DataOf(EtcdNodeOptions options, EtcdMemberSpec spec) =>
        Path.Combine(options.DataDirectory, spec.Directory);

    /// <summary>As etcd wants it: without a path.</summary>
    public static string Text(Uri url) => url.GetLeftPart(UriPartial.Authority);

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>
    /// What the daemon listens on, too. A host name cannot be listened on: then everywhere. Never loopback besides:
    /// other daemons of the machine have other addresses and the same ports.
    /// </summary>
    private static string Listen(EtcdNodeOptions options, int port) => Text(ClusterNode.Url(
        IPAddress.TryParse(options.Bind ?? options.Address, out var address) ? address.ToString() : "0.0.0.0", port));

    /// <summary>Where the others have been told that this member is: etcd refuses to begin with another one.</summary>
    private static Uri PeerOf(EtcdNodeOptions options, EtcdMemberSpec spec)
    {
        var begin = spec.Name + "=";
        var own = spec.InitialCluster.Split(',').FirstOrDefault(m => m.StartsWith(begin, StringComparison.Ordinal));
        return own is not null && Uri.TryCreate(own[begin.Length..], UriKind.Absolute, out var url)
            ? url : options.Self.PeerUrl;
    }

    /// <summary>At the same address, if the node still has it.</summary>
    private static Uri ClientOf(EtcdNodeOptions options, Uri peer)
    {
        var host = peer.HostNameType == UriHostNameType.IPv6 ? peer.DnsSafeHost : peer.Host;
        var isOwn = !IPAddress.TryParse(host, out var address)
            || options.Addresses.Any(a => IPAddress.TryParse(a, out var own) && own.Equals(address));
        return isOwn ? ClusterNode.Url(host, options.ClientPort) : options.Self.ClientUrl;
    }

    private static async Task<string> HelpAsync(string path, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(path)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.ArgumentList.Add("--help");
        try
        {
            using var process = Process.Start(start) ?? throw new IOException("no process was started");
            var output = process.StandardOutput.ReadToEndAsync(cancellation);
            var error = process.StandardError.ReadToEndAsync(cancellation);
            return await output + await error;
        }
        catch (Win32Exception e)
        {
            throw new IOException($"{path} cannot be run: {e.Message}", e);
        }
    }
}
