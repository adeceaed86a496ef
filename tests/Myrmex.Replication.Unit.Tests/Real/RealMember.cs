using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Replication.Journal;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Storage;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Real;

/// <summary>One member with everything real: threads, sockets, journal and store on the disk.</summary>
internal sealed class RealMember : IDisposable
{
    private readonly RealSet _set;
    private LinuxRuntime? _runtime;
    private RpcServer? _server;
    private TranslatorGraph? _graph;

    public RealMember(RealSet set, byte number)
    {
        (_set, Number) = (set, number);
        Brick = Path.Combine(set.Directory, "b" + number.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(Brick);
        var state = new SuperblockState { Incarnation = 100u + number };
        Assert.Equal(Errno.Ok, ReplicaJournal.Format(LinuxDisk.Shared, Options, state));
    }

    public byte Number { get; }

    public string Brick { get; }

    public int Port => 49300 + Number;

    public bool IsRunning => _graph is not null;

    public JournalBrick Top => (JournalBrick)_graph!.Top.Subvolumes[0];

    public Translator Store => _graph!.Translators[0];

    private JournalOptions Options => new() { Path = Path.Combine(_set.Directory, "j" + Number), SegmentBytes = 8 << 20 };

    public string Dump() => _graph!.Dump();

    public void Start()
    {
        var exports = new ExportTable();
        _runtime = new LinuxRuntime(new LinuxRuntimeOptions { Name = "m" + Number, Reactors = 1, Workers = 4 });
        _server = new RpcServer(_runtime.Seams, connection => new ServerConnection(connection, exports));
        _server.Listen(new LinkAddress(RealSet.Host, Port), RpcConnection.LinkOptions());
        _graph = TranslatorGraph.Build(
            Document(),
            [
                PosixTranslator.Registration, ClientTranslator.Registration, ServerTranslator.Registration(exports),
                JournalBrick.Registration(() => _set.State), Cluster.JournalClient.JournalClient.Registration,
            ],
            _runtime.Seams,
            new GraphOrigin { ProcessName = "brick", VolfileKey = "m" + Number });
        _graph.Start();
    }

    public void Stop()
    {
        _server?.Dispose();
        _graph?.Stop();
        _runtime?.Dispose();
        (_server, _graph, _runtime) = (null, null, null);
    }

    public void Dispose() => Stop();

    private VolfileDocument Document()
    {
        var file = new VolfileDocument();
        var isWitness = _set.Witness == Number;
        if (!isWitness)
        {
            Add(file, "posix", "storage/posix", [new("directory", Brick)], []);
        }

        var peers = _set.Numbers.Where(n => n != Number).ToList();
        foreach (var peer in peers)
        {
            Add(file, $"peer{peer}", "protocol/client", RealSet.ClientOptions(peer), []);
        }

        Add(
            file, "/member", "cluster/journal",
            [
                new("replica-set", RealSet.Id.ToString()),
                new("store-prefix", RealSet.Prefix),
                new("member", Number.ToString(CultureInfo.InvariantCulture)),
                new("peers", string.Join(',', peers)),
                new("journal-directory", Options.Path),
                new("read-mode", _set.ReadMode),
                new("witness", isWitness ? "on" : "off"),
            ],
            [.. isWitness ? (string[])[] : ["posix"], .. peers.Select(p => $"peer{p}")]);
        List<KeyValuePair<string, string>> server =
        [
            new("auth.addr./member.allow", "*"), new("auth.login./member.allow", "user"),
            new("auth.login.user.password", "secret"),
        ];
        if (!isWitness)
        {
            Add(file, "server", "protocol/server", server, ["/member"]);
            return file;
        }

        // As on a brick: what clients of GlusterFS come to.
        Add(
            file, RealSet.Door, "cluster/journal-client", [new("members", string.Join(',', [Number, .. peers]))],
            ["/member", .. peers.Select(p => $"peer{p}")]);
        server.AddRange([new($"auth.addr.{RealSet.Door}.allow", "*"), new($"auth.login.{RealSet.Door}.allow", "user")]);
        Add(file, "server", "protocol/server", server, ["/member", RealSet.Door]);
        return file;
    }

    private static void Add(
        VolfileDocument file, string name, string type, List<KeyValuePair<string, string>> options,
        IReadOnlyList<string> subvolumes) => file.Add(name, type).Over(subvolumes).Options.AddRange(options);
}
