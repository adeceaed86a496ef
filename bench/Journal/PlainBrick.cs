using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Storage;

namespace Myrmex.Bench;

/// <summary>A brick without a journal and a client of it: what the same fop costs without replication.</summary>
internal sealed class PlainBrick : IDisposable
{
    private readonly LinuxRuntime _brickRuntime = new(new LinuxRuntimeOptions { Name = "brick", Reactors = 1, Workers = 4 });
    private readonly LinuxRuntime _clientRuntime = new(new LinuxRuntimeOptions { Name = "client", Reactors = 1 });
    private readonly string _directory = Directory.CreateTempSubdirectory("myrmex-plain-").FullName;
    private readonly RpcServer _server;
    private readonly TranslatorGraph _brick;
    private readonly TranslatorGraph _client;

    public PlainBrick(string host, int port)
    {
        var exports = new ExportTable();
        _server = new RpcServer(_brickRuntime.Seams, connection => new ServerConnection(connection, exports));
        _server.Listen(new LinkAddress(host, port), RpcConnection.LinkOptions());
        var brick = new VolfileDocument();
        Add(brick, "/brick", "storage/posix", [new("directory", _directory)], []);
        Add(brick, "server", "protocol/server", [new("auth.addr./brick.allow", "*")], ["/brick"]);
        _brick = TranslatorGraph.Build(
            brick, [PosixTranslator.Registration, ServerTranslator.Registration(exports)], _brickRuntime.Seams,
            new GraphOrigin { ProcessName = "brick", VolfileKey = "plain" });
        _brick.Start();
        var client = new VolfileDocument();
        Add(
            client, "link", "protocol/client",
            [
                new("remote-host", host), new("remote-port", port.ToString(CultureInfo.InvariantCulture)),
                new("remote-subvolume", "/brick"),
            ],
            []);
        _client = TranslatorGraph.Build(
            client, [ClientTranslator.Registration], _clientRuntime.Seams,
            new GraphOrigin { ProcessName = "bench", ProcessId = "plain" });
        _client.Start();
    }

    public Translator Top => _client.Top;

    public void Dispose()
    {
        _client.Stop();
        _server.Dispose();
        _brick.Stop();
        _clientRuntime.Dispose();
        _brickRuntime.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private static void Add(
        VolfileDocument file, string name, string type, List<KeyValuePair<string, string>> options,
        IReadOnlyList<string> subvolumes) => file.Add(name, type).Over(subvolumes).Options.AddRange(options);
}
