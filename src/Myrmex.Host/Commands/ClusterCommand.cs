using System;
using System.CommandLine;
using System.IO;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;

namespace Myrmex.Host;

/// <summary>
/// <c>myrmex cluster</c>: what GlusterFS has no command for: the join token, joining from outside, certificates of
/// administrators, and the audit.
/// </summary>
internal static class ClusterCommand
{
    private const int Success = 0;
    private const int Failed = 1;

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(120);

    private static readonly Option<string?> WorkingDirectory = new("--working-directory")
    {
        Description = "working directory of the daemon; MYRMEX_WORKDIR by default",
        Recursive = true,
    };

    private static readonly Option<string?> RemoteHost = new("--remote-host")
    {
        Description = "a daemon elsewhere, HOST or HOST:PORT of its node port; needs an administrator's certificate",
        Recursive = true,
    };

    private static readonly Option<string?> Certificate = new("--certificate")
    {
        Description = "directory with admin.key, admin.pem and ca.pem; MYRMEX_CERTIFICATE by default",
        Recursive = true,
    };

    public static Command Entry { get; } = new(
        "cluster", "join nodes, audit, certificates of administrators", Run);

    private static int Run(string[] args)
    {
        var root = new RootCommand("What concerns the cluster as a whole.")
        {
            WorkingDirectory, RemoteHost, Certificate,
        };
        root.Add(Token());
        root.Add(Join());
        root.Add(AdminCert());
        root.Add(Audit());
        root.Add(Store());
        root.Add(MoveStore());
        return root.Parse(args).Invoke();
    }

    private static System.CommandLine.Command Token()
    {
        var rotate = new Option<bool>("--rotate") { Description = "make a new one; the former no longer works" };
        var command = new System.CommandLine.Command("token", "Shows the token with which nodes join.") { rotate };
        return Acting(command, async (client, parsed) =>
        {
            Console.WriteLine(await client.TokenAsync(parsed.GetValue(rotate)));
            return Success;
        });
    }

    private static System.CommandLine.Command Join()
    {
        var host = new Argument<string>("HOST") { Description = "a member, HOST or HOST:PORT" };
        var file = new Option<string?>("--token-file")
        {
            Description = "file with the join token, - for standard input; that of the daemon by default",
        };
        var command = new System.CommandLine.Command("join", "Asks a member to take this node in.") { host, file };
        return Acting(command, async (client, parsed) =>
        {
            var token = parsed.GetValue(file) switch
            {
                null => null,
                "-" => (await Console.In.ReadToEndAsync()).Trim(),
                var path => (await File.ReadAllTextAsync(path)).Trim(),
            };
            await client.JoinAsync(parsed.GetRequiredValue(host), token);
            Console.WriteLine("This node joins the cluster.");
            return Success;
        });
    }

    private static System.CommandLine.Command AdminCert()
    {
        var name = new Argument<string?>("NAME")
        {
            Description = "whose certificate; without it all are listed",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var output = new Option<string?>("--out") { Description = "directory for admin.key, admin.pem and ca.pem" };
        var revoke = new Option<bool>("--revoke") { Description = "the certificate is nobody's from now on" };
        var command = new System.CommandLine.Command(
            "admin-cert", "Gives a certificate for commands from elsewhere over the node port.")
        {
            name, output, revoke,
        };
        return Acting(command, async (client, parsed) =>
        {
            if (parsed.GetValue(name) is not { } who)
            {
                return await ListAsync(client);
            }

            if (parsed.GetValue(revoke))
            {
                await client.RevokeAsync(who);
                return Success;
            }

            var directory = parsed.GetValue(output) ?? throw new IOException("--out names the directory to write to");
            await AdministratorFiles.MakeAsync(client, who, Path.GetFullPath(directory));
            return Success;
        });
    }

    private static async Task<int> ListAsync(ManagementClient client)
    {
        foreach (var one in await client.AdministratorsAsync())
        {
            var ends = DateTimeOffset.FromUnixTimeMilliseconds(one.EndsUnixMs);
            Console.WriteLine($"{one.Name}\t{one.Fingerprint}\tuntil {ends:yyyy-MM-dd}");
        }

        return Success;
    }

    private static System.CommandLine.Command Audit() => Acting(
        new System.CommandLine.Command("audit", "Whether store, brick directories and processes of all nodes agree."),
        async (client, _) =>
        {
            var audit = await client.AuditAsync();
            foreach (var node in audit.Nodes)
            {
                var outcome = node.Findings.Count == 0 ? "in agreement" : "not in agreement";
                Console.WriteLine($"{node.HostName}: {node.Problem ?? outcome}");
                foreach (var finding in node.Findings)
                {
                    Console.WriteLine($"  {finding}");
                }
            }

            return audit.Nodes.All(n => n.Problem is null && n.Findings.Count == 0) ? Success : Failed;
        });

    private static System.CommandLine.Command Store() => Acting(
        new System.CommandLine.Command("store", "Where the state of the cluster is."),
        async (client, _) => Print(await client.StoreAsync()));

    private static System.CommandLine.Command MoveStore()
    {
        var target = new Argument<string>("TARGET")
        {
            Description = "managed: an etcd that the daemons run; or addresses of members of an etcd, "
                + "separated by commas",
        };
        var prefix = new Option<string?>("--etcd-prefix") { Description = "what stands before every key" };
        var ca = new Option<string?>("--etcd-ca") { Description = "certificates of etcd's authority, on every node" };
        var cert = new Option<string?>("--etcd-cert") { Description = "certificate to show to etcd, on every node" };
        var key = new Option<string?>("--etcd-key") { Description = "its private key, on every node" };
        var user = new Option<string?>("--etcd-user") { Description = "user to log in to etcd as" };
        var password = new Option<string?>("--etcd-password-file")
        {
            Description = "file with the password of that user, on every node",
        };
        var command = new System.CommandLine.Command(
            "move-store", "Moves the state of the cluster to another store.")
        {
            target, prefix, ca, cert, key, user, password,
        };
        return Acting(command, async (client, parsed) =>
        {
            var where = parsed.GetRequiredValue(target);
            return Print(await client.MoveStoreAsync(where == "managed" ? new MoveStoreMessage("managed")
                : new MoveStoreMessage("external")
                {
                    Endpoints = where,
                    Prefix = parsed.GetValue(prefix),
                    CaFile = parsed.GetValue(ca),
                    CertificateFile = parsed.GetValue(cert),
                    KeyFile = parsed.GetValue(key),
                    User = parsed.GetValue(user),
                    PasswordFile = parsed.GetValue(password),
                }));
        });
    }

    private static int Print(StoreMessage store)
    {
        Console.WriteLine(store.Kind + string.Concat(store.Endpoints.Select(e => $"\n  {e}")));
        Console.Write(store.Member is null ? string.Empty : $"member on this node: {store.Member}\n");
        return Success;
    }

    private static ManagementClient Connect(ParseResult parsed)
    {
        if (parsed.GetValue(RemoteHost) is { } host)
        {
            return new ManagementClient(host, HostPaths.CertificateOf(parsed.GetValue(Certificate)), Timeout);
        }

        var directory = parsed.GetValue(WorkingDirectory) is { } given
            ? Path.TrimEndingDirectorySeparator(Path.GetFullPath(given)) : HostPaths.WorkingDirectory;
        return new ManagementClient(directory, Timeout);
    }

    /// <summary>A root command that asks the daemon of this node, or one elsewhere.</summary>
    internal static System.CommandLine.Command Asking(
        RootCommand root, Func<ManagementClient, ParseResult, Task<int>> act)
    {
        root.Add(RemoteHost);
        root.Add(Certificate);
        return AskingHere(root, act);
    }

    /// <summary>A root command that asks the daemon of this node.</summary>
    internal static System.CommandLine.Command AskingHere(
        RootCommand root, Func<ManagementClient, ParseResult, Task<int>> act)
    {
        root.Add(WorkingDirectory);
        return Acting(root, act);
    }

    private static System.CommandLine.Command Acting(
        System.CommandLine.Command command, Func<ManagementClient, ParseResult, Task<int>> act)
    {
        command.SetAction(async (parsed, _) =>
        {
            try
            {
                using var client = Connect(parsed);
                return await act(client, parsed);
            }
            catch (CommandException e)
            {
                await Console.Error.WriteLineAsync(e.Advice is null ? e.Message : $"{e.Message}\n{e.Advice}");
            }
            catch (Exception e) when (e is DaemonUnreachableException or IOException or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync(e.Message);
            }

            return Failed;
        });
        return command;
    }
}
