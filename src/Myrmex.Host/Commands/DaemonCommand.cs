using System;
using System.CommandLine;
using System.Diagnostics;
using System.IO;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Coordination.Etcd;
using Myrmex.Management;
using Myrmex.Management.CommandLine;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex daemon</c>: the management daemon. It goes to the background unless told not to, and returns when commands
/// are served. SIGTERM ends it; bricks go on.
/// </summary>
internal static class DaemonCommand
{
    private const int ReadyTimeoutMs = 30_000;
    private const int ReadyPeriodMs = 50;
    private const string Managed = "managed";

    private static readonly Option<string> WorkingDirectory = new("--working-directory")
    {
        Description = "directory for everything the daemon keeps",
        DefaultValueFactory = _ => HostPaths.WorkingDirectory,
    };

    private static readonly Option<string> Bind = new("--bind")
    {
        Description = "address that clients ask for volume files",
        DefaultValueFactory = _ => "0.0.0.0",
    };

    private static readonly Option<int> Port = new("--port")
    {
        Description = "port that clients ask for volume files",
        DefaultValueFactory = _ => 24007,
    };

    private static readonly Option<int> HttpPort = new("--http")
    {
        Description = "port of the REST service on localhost; 0 for none",
        DefaultValueFactory = _ => 24080,
    };

    private static readonly Option<bool> MetricsOpen = new("--metrics-open")
    {
        Description = "serve /metrics without the token",
    };

    private static readonly Option<int> BrickPort = new("--brick-port")
    {
        Description = "first port to try for the brick process",
        DefaultValueFactory = _ => 49152,
    };

    private static readonly Option<int> NodePort = new("--node-port")
    {
        Description = "port that the daemons of other nodes use",
        DefaultValueFactory = _ => 24008,
    };

    private static readonly Option<string?> JoinToken = new("--join-token-file")
    {
        Description = "file with the join token of the cluster that may take this node in; "
            + "WORKING-DIRECTORY/join-token by default",
    };

    private static readonly Option<bool> AcceptAnyProbe = new("--accept-any-probe")
    {
        Description = "join without a token; only where no stranger can reach the node port",
    };

    private static readonly Option<string?> Etcd = new("--etcd")
    {
        Description = "keep the cluster's state in etcd: addresses of its members, separated by commas, or "
            + "'managed' to have the daemons run it",
    };

    private static readonly Option<string> EtcdPrefix = new("--etcd-prefix")
    {
        Description = "what stands before every key in etcd; one for each cluster",
        DefaultValueFactory = _ => EtcdOptions.DefaultPrefix,
    };

    private static readonly Option<string?> EtcdCa = new("--etcd-ca")
    {
        Description = "certificates of the authority that signed etcd's, PEM",
    };

    private static readonly Option<string?> EtcdCert = new("--etcd-cert")
    {
        Description = "certificate to show to etcd, PEM",
    };

    private static readonly Option<string?> EtcdKey = new("--etcd-key") { Description = "its private key, PEM" };

    private static readonly Option<string?> EtcdUser = new("--etcd-user") { Description = "user to log in to etcd as" };

    private static readonly Option<string?> EtcdPasswordFile = new("--etcd-password-file")
    {
        Description = "file with the password of that user",
    };

    private static readonly Option<string?> LogFile = new("--log-file")
    {
        Description = "log; WORKING-DIRECTORY/log/daemon.log by default, standard error in the foreground",
    };

    private static readonly Option<LogLevel> Level =
        new("--log-level") { DefaultValueFactory = _ => LogLevel.Information };

    private static readonly Option<bool> Foreground =
        new("--foreground") { Description = "do not go to the background" };

    public static Command Entry { get; } = new("daemon", "manage volumes and serve volume files on this node", Run);

    private static int Run(string[] args)
    {
        var root = new RootCommand("Manages volumes, serves volume files and keeps the bricks of this node running.")
        {
            WorkingDirectory, Bind, Port, HttpPort, MetricsOpen, BrickPort, NodePort, JoinToken, AcceptAnyProbe,
            LogFile, Level, Foreground,
            Etcd, EtcdPrefix, EtcdCa, EtcdCert, EtcdKey, EtcdUser, EtcdPasswordFile,
        };
        root.SetAction(async (options, _) =>
            await CheckedAsync(() => options.GetValue(Foreground) ? ServeAsync(options) : StartAsync(options, args)));
        return root.Parse(args).Invoke(new InvocationConfiguration { ProcessTerminationTimeout = null });
    }

    /// <summary>Arguments that cannot be used are told here, not in the log of the background process.</summary>
    private static async Task<int> CheckedAsync(Func<Task<int>> run)
    {
        try
        {
            return await run();
        }
        catch (Exception e) when (e is FormatException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"myrmex daemon: {e.Message}");
            return 1;
        }
    }

    private static async Task<int> ServeAsync(ParseResult parsed)
    {
        using var log = HostLog.Open(parsed.GetValue(LogFile), parsed.GetValue(Level));
        using var runtime = new LinuxRuntime(new LinuxRuntimeOptions { Name = "daemon", Reactors = 1, Workers = 1 });
        using var stop = new CancellationTokenSource();
        using var terminate = OnSignal(PosixSignal.SIGTERM, stop);
        using var interrupt = OnSignal(PosixSignal.SIGINT, stop);
        var options = ToOptions(parsed);
        try
        {
            await new Daemon(options, runtime.Seams).RunAsync(() => { }, stop.Token);
            Log.Information("daemon", "stopped");
            return 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 0;
        }
        catch (Exception e) when (e is StateStoreException or IOException or UnauthorizedAccessException)
        {
            Log.Error("daemon", "cannot serve", ("reason", e.Message));
            await Console.Error.WriteLineAsync($"myrmex daemon: {e.Message}");
            return 1;
        }
    }

    /// <summary>Starts the same again in the background and waits until it serves.</summary>
    private static async Task<int> StartAsync(ParseResult parsed, string[] args)
    {
        var options = ToOptions(parsed);
        if (await AnswersAsync(options))
        {
            Console.WriteLine($"A daemon is running already for {options.WorkingDirectory}.");
            return 0;
        }

        Daemon.MakeDirectories(options);
        var log = parsed.GetValue(LogFile) ?? Path.Combine(options.LogDirectory, "daemon.log");
        using var process = StartInBackground(options, log, args);
        for (var waitedMs = 0; waitedMs < ReadyTimeoutMs && !process.HasExited; waitedMs += ReadyPeriodMs)
        {
            if (await AnswersAsync(options))
            {
                return 0;
            }

            await Task.Delay(ReadyPeriodMs);
        }

        await Console.Error.WriteLineAsync($"myrmex daemon: it did not start; see {log}");
        return 1;
    }

    private static Process StartInBackground(DaemonOptions options, string log, string[] args)
    {
        var start = new ProcessStartInfo("/bin/sh") { UseShellExecute = false };
        string[] head = ["-c", "log=\"$1\"; shift; exec setsid \"$@\" </dev/null >>\"$log\" 2>&1", "sh", log];
        string[] tail =
            ["--foreground", "--working-directory", options.WorkingDirectory, "--log-file", Path.GetFullPath(log)];
        foreach (var word in (string[])[.. head, .. options.Executable, "daemon", .. Without(args), .. tail])
        {
            start.ArgumentList.Add(word);
        }

        return Process.Start(start) ?? throw new IOException("the daemon was not started");
    }

    /// <summary>The arguments without those that the background process is given in absolute form.</summary>
    private static string[] Without(string[] args)
    {
        var kept = new System.Collections.Generic.List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "--working-directory" or "--log-file")
            {
                i++;
            }
            else if (!args[i].StartsWith("--working-directory=", StringComparison.Ordinal)
                && !args[i].StartsWith("--log-file=", StringComparison.Ordinal))
            {
                kept.Add(args[i]);
            }
        }

        return [.. kept];
    }

    private static async Task<bool> AnswersAsync(DaemonOptions options)
    {
        using var client = new ManagementClient(options.WorkingDirectory, TimeSpan.FromSeconds(2));
        try
        {
            await client.PeersAsync();
            return true;
        }
        catch (DaemonUnreachableException)
        {
            return false;
        }
    }

    private static DaemonOptions ToOptions(ParseResult parsed) => new()
    {
        WorkingDirectory = Path.TrimEndingDirectorySeparator(
            Path.GetFullPath(parsed.GetRequiredValue(WorkingDirectory))),
        Bind = parsed.GetRequiredValue(Bind),
        Port = parsed.GetValue(Port),
        HttpPort = parsed.GetValue(HttpPort),
        AreMetricsOpen = parsed.GetValue(MetricsOpen),
        BrickPortBase = parsed.GetValue(BrickPort),
        NodePort = parsed.GetValue(NodePort),
        JoinTokenFile = Absolute(parsed.GetValue(JoinToken)),
        AcceptAnyProbe = parsed.GetValue(AcceptAnyProbe),
        Executable = HostPaths.Executable,
        Etcd = parsed.GetValue(Etcd) is { } addresses and not Managed ? ToEtcdOptions(parsed, addresses) : null,
        EtcdPasswordFile = Absolute(parsed.GetValue(EtcdPasswordFile)),
        ManagesEtcd = parsed.GetValue(Etcd) == Managed,
    };

    private static EtcdOptions ToEtcdOptions(ParseResult parsed, string addresses)
    {
        var ca = parsed.GetValue(EtcdCa);
        var certificate = parsed.GetValue(EtcdCert);
        var passwordFile = parsed.GetValue(EtcdPasswordFile);
        return new EtcdOptions
        {
            Endpoints = EtcdOptions.ParseEndpoints(addresses, tls: (ca ?? certificate) is not null),
            Prefix = parsed.GetRequiredValue(EtcdPrefix),
            CaFile = Absolute(ca),
            CertificateFile = Absolute(certificate),
            KeyFile = Absolute(parsed.GetValue(EtcdKey)),
            User = parsed.GetValue(EtcdUser),
            Password = passwordFile is null ? null : File.ReadAllText(passwordFile).TrimEnd('\r', '\n'),
        };
    }

    private static string? Absolute(string? path) => path is null ? null : Path.GetFullPath(path);

    private static PosixSignalRegistration OnSignal(PosixSignal signal, CancellationTokenSource stop) =>
        PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            stop.Cancel();
        });
}
