using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Graph;
using Myrmex.Protocol;
using Myrmex.Replication.Engine;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Real;

/// <summary>A replica set with everything real in one process, and a client that follows the leader.</summary>
internal sealed class RealSet : IAsyncDisposable
{
    public const string Prefix = "rs/real/0/";

    private static readonly TimeSpan AnswerWait = TimeSpan.FromSeconds(60);

    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Name = "client", Reactors = 1 });
    private readonly List<TranslatorGraph> _links = [];
    private readonly List<TranslatorGraph> _doors = [];
    private readonly UInt128 _session = new(7, (ulong)Stopwatch.GetTimestamp());
    private readonly SortedSet<ulong> _underWay = []; // Guards itself and _sequence.
    private ulong _sequence;
    private int _leader;

    /// <param name="witness">The member that has no store; null for none.</param>
    public RealSet(int count, string readMode = "lease", byte? witness = null)
    {
        ReadMode = readMode;
        Witness = witness;
        Directory = System.IO.Directory.CreateTempSubdirectory("myrmex-set-").FullName;
        State = new MemoryStore(LinuxClock.Shared);
        Members = [.. Enumerable.Range(0, count).Select(n => new RealMember(this, (byte)n))];
        var configuration = ReplicaConfiguration.Majority(
            [
                .. Members.Select(m => new ReplicaMember(new MemberId(m.Number), 100ul + m.Number, Host)
                {
                    IsWitness = m.Number == witness,
                }),
            ]);
        State.CommitAsync(
            StateTransaction.Always(Operation.PutValue(Prefix + StoreState.ConfigurationKey, configuration.Encode())),
            CancellationToken.None).GetAwaiter().GetResult();
        foreach (var member in Members)
        {
            member.Start();
            _links.Add(Link(member.Number));
        }
    }

    /// <summary>Where the members listen; one for each process that has a set.</summary>
    public static string Host { get; set; } = "127.77.85.1";

    public static Gfid Id { get; } = new(0x1122334455667788, 0x99AABBCCDDEEFF00);

    public string Directory { get; }

    public string ReadMode { get; }

    public byte? Witness { get; }

    public IStateStore State { get; }

    public IReadOnlyList<RealMember> Members { get; }

    public IEnumerable<byte> Numbers => Members.Select(m => m.Number);

    /// <summary>The member that answered last.</summary>
    public RealMember Leader => Members[_leader];

    /// <summary>The link to the member that answered last.</summary>
    public Translator Top => _links[Volatile.Read(ref _leader)].Top;

    public int Retries { get; private set; }

    /// <summary>What the witness exports besides the member.</summary>
    public const string Door = "/door";

    public static List<KeyValuePair<string, string>> ClientOptions(byte number, string export = "/member") =>
    [
        new("remote-host", Host), new("remote-port", (49300 + number).ToString(CultureInfo.InvariantCulture)),
        new("remote-subvolume", export), new("username", "user"), new("password", "secret"),
    ];

    /// <summary>Begins the session; ends when the set serves.</summary>
    public async Task BeginAsync()
    {
        var id = new byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(id, _session);
        await UntilAsync(async (top, _) =>
        {
            var xdata = XData.Rent();
            xdata.SetBytes("myrmex.session"u8, id);
            var call = Call.Internal();
            var reply = await top.Ipc(new IpcFop { Operation = 0x4D59, XData = xdata }, call);
            xdata.Release();
            call.Release();
            return Outcome(reply);
        });
    }

    /// <summary>An operation that takes effect once, whoever leads.</summary>
    public async Task<Errno> DoAsync(Func<Translator, Call, XData, Task<Reply>> fop)
    {
        ulong sequence;
        lock (_underWay)
        {
            sequence = ++_sequence;
            _underWay.Add(sequence);
        }

        var error = await UntilAsync(async (top, isRetry) =>
        {
            var record = new byte[32];
            BinaryPrimitives.WriteUInt128BigEndian(record, _session);
            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(16), sequence | (isRetry ? 1UL << 63 : 0));
            BinaryPrimitives.WriteUInt64LittleEndian(record.AsSpan(24), Acknowledged());
            var xdata = XData.Rent();
            xdata.SetBytes("myrmex.session"u8, record);
            var call = Call.Internal();
            var reply = await fop(top, call, xdata);
            xdata.Release();
            call.Release();
            return Outcome(reply);
        });
        lock (_underWay)
        {
            _underWay.Remove(sequence);
        }

        return error;
    }

    private string DumpAll() => string.Join('\n', Members.Where(m => m.IsRunning).Select(m => m.Dump()));

    private ulong Acknowledged()
    {
        lock (_underWay)
        {
            return _underWay.Min - 1; // The caller's own is in it.
        }
    }

    /// <summary>
    /// On a thread that is none of its own: a test often goes on where an answer came in, and that thread cannot wait
    /// for its own end.
    /// </summary>
    public ValueTask DisposeAsync() => new(Task.Run(Close));

    private void Close()
    {
        foreach (var link in _links.Concat(_doors))
        {
            link.Stop();
        }

        foreach (var member in Members)
        {
            member.Dispose();
        }

        _runtime.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static (Errno Error, int Leader) Outcome(Reply reply)
    {
        long leader = -1;
        reply.XData?.TryGetInt("myrmex.leader"u8, out leader);
        var error = reply.Error;
        reply.Release();
        return (error, (int)leader);
    }

    private async Task<Errno> UntilAsync(Func<Translator, bool, Task<(Errno Error, int Leader)>> attempt)
    {
        var mayBeKnown = false;
        var started = Stopwatch.StartNew();
        while (true)
        {
            if (started.Elapsed.TotalSeconds > 60)
            {
                Assert.Fail("nobody answered for a minute\n" + DumpAll());
            }

            var at = Volatile.Read(ref _leader);
            var answer = attempt(_links[at].Top, mayBeKnown);
            if (await Task.WhenAny(answer, Task.Delay(AnswerWait)) != answer)
            {
                Assert.Fail($"member {at} has not answered\n{DumpAll()}\n{_links[at].Dump()}");
            }

            var (error, hint) = await answer;
            switch (error)
            {
                case Errno.EREMOTE or Errno.ENOTCONN:
                    mayBeKnown |= error == Errno.ENOTCONN;
                    Retries++;
                    Interlocked.CompareExchange(ref _leader, hint >= 0 && hint != at ? hint : (at + 1) % _links.Count, at);
                    await Task.Delay(20);
                    break;
                case Errno.EAGAIN:
                    await Task.Delay(20);
                    break;
                default:
                    return error;
            }
        }
    }

    /// <summary>A link to an export of a member. The set ends it.</summary>
    public Translator LinkTo(byte number, string export)
    {
        var link = Link(number, export);
        _doors.Add(link);
        return link.Top;
    }

    private TranslatorGraph Link(byte number, string export = "/member")
    {
        var file = new VolfileDocument();
        file.Add($"link{number}", "protocol/client").Options.AddRange(ClientOptions(number, export));
        var graph = TranslatorGraph.Build(
            file, [ClientTranslator.Registration], _runtime.Seams, new GraphOrigin { ProcessName = "test", ProcessId = "t" + number });
        graph.Start();
        return graph;
    }
}
