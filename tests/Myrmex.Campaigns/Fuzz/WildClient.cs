using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Globalization;
using System.Threading;
using Myrmex.Runtime.Simulation;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>
/// Connects, attaches, sends damaged records until it is thrown out or has enough, and begins anew: one life after the other. A life
/// has a seed of its own and can be repeated alone.
/// </summary>
internal sealed class WildClient(CampaignRun run, WildRecords records, string host, int port, int number)
{
    private const int BurstMax = 12;
    private const int BurstsMax = 40;

    /// <summary>How long a ping may go unanswered: behind half a record it never is.</summary>
    private const int PingWaitMs = 150;

    private const int CloseWaitMs = 60_000;
    private const uint PingMark = 0xFEED_0000;

    private static readonly byte[] NoBody = [];

    private long _sent;
    private uint _pings;
    private bool _isStuck;

    /// <summary>Records the server has surely looked at: answered pings say so, and a closed connection of the last one.</summary>
    public long Seen { get; private set; }

    public long Lives { get; private set; }

    public long ThrownOut { get; private set; }

    public long Handshakes { get; private set; }

    public string Now => string.Create(CultureInfo.InvariantCulture, $"--wild {number} --life {Lives}");

    /// <summary>Identities that were thrown out while attached: the server's log must say why.</summary>
    public ConcurrentBag<string> Expelled { get; } = [];

    /// <summary>Addresses that were thrown out before they were attached, or with an identity they had damaged themselves.</summary>
    public ConcurrentBag<string> ExpelledStrangers { get; } = [];

    /// <summary>Lives from the given one on until so many records were seen.</summary>
    public void Run(long firstLife, long livesMax, long recordsMax, CancellationToken stop)
    {
        for (Lives = firstLife; Lives < firstLife + livesMax && Seen < recordsMax && !stop.IsCancellationRequested; Lives++)
        {
            Live(run.Random(((ulong)number << 40) + (ulong)Lives + 1), $"wild-{number}-{Lives}");
        }
    }

    private void Live(SimRandom random, string identity)
    {
        using var socket = WireSocket.Connect(host, port);
        _isStuck = false;
        if (random.Chance(0.05))
        {
            Handshakes++;
            TryHandshake(random, socket);
            return;
        }

        if (!Attach(socket, identity))
        {
            run.Fail("a good attachment was not taken", Now);
            return;
        }

        for (var bursts = 1 + random.Below(BurstsMax); bursts > 0; bursts--)
        {
            if (!SendBurst(random, socket))
            {
                break;
            }
        }

        if (!_isStuck && socket.IsOpen && random.Chance(0.2))
        {
            SendWrong(random, socket);
        }

        if (!socket.IsOpen)
        {
            ThrownOut++;
            Expelled.Add(identity);
        }
    }

    private static bool Attach(WireSocket socket, string identity) =>
        socket.Send(WireSocket.Record(
            new RpcCall(1, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume), WildRecords.SetVolume("wild", identity)))
        && socket.TryRead(CloseWaitMs, out var record) && record.Length > RpcHeader.ReplySize + 4
        && BinaryPrimitives.ReadInt32BigEndian(record[RpcHeader.ReplySize..]) == 0;

    private void TryHandshake(SimRandom random, WireSocket socket)
    {
        var name = socket.LocalName;
        socket.Send(records.MakeHandshake(random, "wild"));
        // A fop on top, which is only good when the damaged attachment was taken.
        socket.Send(records.MakeRequest(random, 2));
        Ping(socket);
        Seen++;
        if (!socket.IsOpen)
        {
            ExpelledStrangers.Add(name);
        }
    }

    /// <summary>False when the life is over: thrown out, or half a record was sent and what follows would only fill it up.</summary>
    private bool SendBurst(SimRandom random, WireSocket socket)
    {
        var count = 1 + random.Below(BurstMax);
        for (var i = 0; i < count && socket.IsOpen; i++)
        {
            _sent++;
            socket.Send(records.MakeRequest(random, (uint)_sent & 0xFFFF));
        }

        if (Ping(socket))
        {
            Seen += count;
            return true;
        }

        // Of a burst that ended the connection, or hangs in half a record, only the first is sure to have been seen.
        Seen++;
        _isStuck = socket.IsOpen;
        return false;
    }

    /// <summary>Asks for a sign of life and reads all answers on the way; false when there is none.</summary>
    private bool Ping(WireSocket socket)
    {
        var xid = PingMark + (++_pings & 0xFFFF);
        socket.Send(WireSocket.Record(new RpcCall(xid, Programs.Dump, Programs.DumpVersion, Programs.DumpPing), NoBody, version3: false));
        while (socket.TryRead(PingWaitMs, out var record))
        {
            if (record.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(record) == xid)
            {
                return true;
            }
        }

        return false;
    }

    private void SendWrong(SimRandom random, WireSocket socket)
    {
        socket.Send(records.MakeWrong(random));
        Seen++;
        while (socket.TryRead(CloseWaitMs, out _))
        {
            // Answers to earlier records.
        }

        if (socket.IsOpen)
        {
            run.Fail("a wrong record did not cost its sender the connection", Now);
        }
    }
}
