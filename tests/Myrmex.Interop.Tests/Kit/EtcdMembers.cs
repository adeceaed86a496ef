using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.Json;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// An etcd cluster of the test's own: each member has its own loopback address, free ports and a data directory below the test's.
/// </summary>
internal sealed class EtcdMembers : IDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly TestDirectory _directory;
    private readonly EtcdCertificates? _certificates;
    private readonly List<Member> _members = [];

    /// <param name="addresses">Of the members, when certificates name them; new ones else.</param>
    public EtcdMembers(
        TestDirectory directory, int count, EtcdCertificates? certificates = null, IReadOnlyList<string>? addresses = null)
    {
        _directory = directory;
        _certificates = certificates;
        for (var i = 0; i < count; i++)
        {
            var address = addresses?[i] ?? Addresses.NextLoopback();
            _members.Add(new Member($"etcd-{i}", address, Addresses.FreePort(address), Addresses.FreePort(address)));
        }

        for (var i = 0; i < count; i++)
        {
            Launch(i);
        }

        WaitHealthy();
    }

    public int Count => _members.Count;

    /// <summary>Addresses for clients, separated by commas.</summary>
    public string Endpoints => string.Join(',', _members.Select(Client));

    /// <summary>Arguments of etcdctl that say who calls; set when authentication is on.</summary>
    public string[] Credentials { get; set; } = [];

    /// <summary>Where the certificates are.</summary>
    public string TlsDirectory => _certificates?.Path ?? throw new HarnessException("without TLS");

    private string Scheme => _certificates is null ? "http" : "https";

    public string Endpoint(int member) => Client(_members[member]);

    public Child Process(int member) => _members[member].Process ?? throw new HarnessException("not started");

    /// <summary>Starts a member again with the data it has.</summary>
    public void Start(int member, bool wait = true)
    {
        Launch(member);
        if (wait)
        {
            WaitHealthy();
        }
    }

    public void Kill(int member) => Process(member).Kill();

    public void Pause(int member) => Process(member).Signal("STOP");

    public void Resume(int member) => Process(member).Signal("CONT");

    /// <summary>The member that leads, by what the members say.</summary>
    public int Leader()
    {
        var leader = -1;
        Wait.Until("etcd has a leader", StartLimit, () => (leader = FindLeader()) >= 0, Tails);
        return leader;
    }

    public string Ctl(params string[] arguments) => Shell.Check("/", "env", [.. CtlWords(Endpoints), .. arguments]);

    public CommandResult TryCtl(string endpoints, params string[] arguments) =>
        Shell.Run("/", TimeSpan.FromSeconds(20), "env", [.. CtlWords(endpoints), .. arguments]);

    public string Tails() => string.Join('\n', _members.Select(m => m.Process?.LogTail(15)));

    public void WaitHealthy() => Wait.Until(
        "etcd is healthy", StartLimit,
        () => _members.Where(m => m.Process is { Running: true }).All(m => TryCtl(Client(m), "endpoint", "health").ExitCode == 0),
        Tails);

    public void Dispose()
    {
        foreach (var member in _members)
        {
            if (member.Process is { Running: true } process)
            {
                process.Signal("CONT");
                process.Kill();
            }

            member.Process?.Dispose();
        }
    }

    private string Client(Member member) => $"{Scheme}://{member.Address}:{member.ClientPort}";

    private int FindLeader()
    {
        for (var i = 0; i < _members.Count; i++)
        {
            if (_members[i].Process is not { Running: true })
            {
                continue;
            }

            var status = TryCtl(Endpoint(i), "endpoint", "status", "-w", "json");
            if (status.ExitCode != 0)
            {
                continue;
            }

            var root = JsonDocument.Parse(status.Output).RootElement[0].GetProperty("Status");
            if (root.GetProperty("leader").GetUInt64() == root.GetProperty("header").GetProperty("member_id").GetUInt64())
            {
                return i;
            }
        }

        return -1;
    }

    private string[] CtlWords(string endpoints) =>
        ["ETCDCTL_API=3", "etcdctl", $"--endpoints={endpoints}", "--command-timeout=5s", .. _certificates?.Ctl ?? [], .. Credentials];

    private void Launch(int index)
    {
        var member = _members[index];
        var client = Client(member);
        string[] arguments =
        [
            "--name", member.Name, "--data-dir", _directory[member.Name],
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", Peer(member), "--initial-advertise-peer-urls", Peer(member),
            "--initial-cluster", string.Join(',', _members.Select(m => $"{m.Name}={Peer(m)}")),
            "--initial-cluster-state", "new", "--logger", "zap", "--log-level", "warn",
            .. _certificates?.Server ?? [],
        ];
        member.Process = Child.Start(member.Name, _directory.Logs, Machine.Find("etcd")!, arguments);
    }

    private static string Peer(Member member) => $"http://{member.Address}:{member.PeerPort}";

    private sealed class Member(string name, string address, int clientPort, int peerPort)
    {
        public string Name => name;

        public string Address => address;

        public int ClientPort => clientPort;

        public int PeerPort => peerPort;

        public Child? Process { get; set; }
    }
}

/// <summary>A certificate authority of the test, and certificates for etcd and for its clients.</summary>
internal sealed class EtcdCertificates
{
    public EtcdCertificates(TestDirectory directory, IEnumerable<string> addresses)
    {
        Path = directory.Make("tls");
        var names = string.Join(',', addresses.Select(a => $"IP:{a}"));
        Shell.CheckBash(Path, $"""
            set -e
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=test authority' -keyout ca.key -out ca.crt 2>/dev/null
            sign() {"{"}
                openssl req -newkey rsa:2048 -nodes -subj "/CN=$2" -keyout $1.key -out $1.csr 2>/dev/null
                openssl x509 -req -in $1.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile <(echo "$3") -out $1.crt 2>/dev/null
            {"}"}
            sign server etcd "subjectAltName={names}"
            sign client myrmex "extendedKeyUsage=clientAuth"
            openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=another authority' -keyout other.key -out other.crt 2>/dev/null
            """);
    }

    public string Path { get; }

    public string[] Server =>
    [
        "--cert-file", $"{Path}/server.crt", "--key-file", $"{Path}/server.key",
        "--trusted-ca-file", $"{Path}/ca.crt", "--client-cert-auth",
    ];

    public string[] Ctl => [$"--cacert={Path}/ca.crt", $"--cert={Path}/client.crt", $"--key={Path}/client.key"];
}
