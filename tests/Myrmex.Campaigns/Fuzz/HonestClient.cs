using System;
using System.Buffers.Binary;
using System.Diagnostics;
using System.Threading;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Campaigns;

/// <summary>Attached to the brick that the wild ones attack: looks up its root over and over, and every answer must be good.</summary>
internal sealed class HonestClient(CampaignRun run, string host, int port)
{
    private const int AnswerMs = 60_000;
    private const int PauseMs = 20;

    public long Answers { get; private set; }

    public double SlowestMs { get; private set; }

    public void Run(CancellationToken stop)
    {
        using var socket = WireSocket.Connect(host, port);
        socket.Send(WireSocket.Record(
            new RpcCall(1, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume), WildRecords.SetVolume("wild", "honest")));
        if (!socket.TryRead(AnswerMs, out _))
        {
            run.Fail("the honest client cannot attach");
            return;
        }

        var body = Lookup();
        for (uint xid = 2; !stop.IsCancellationRequested; xid++)
        {
            var clock = Stopwatch.StartNew();
            socket.Send(WireSocket.Record(new RpcCall(xid, Programs.Fop, Programs.FopVersion, (uint)FopCode.Lookup), body));
            if (!IsAnswered(socket, xid))
            {
                return;
            }

            SlowestMs = Math.Max(SlowestMs, clock.Elapsed.TotalMilliseconds);
            Answers++;
            Thread.Sleep(PauseMs);
        }
    }

    private bool IsAnswered(WireSocket socket, uint xid)
    {
        while (socket.TryRead(AnswerMs, out var record))
        {
            if (BinaryPrimitives.ReadUInt32BigEndian(record[4..]) != 1)
            {
                continue; // A callback: the wild ones ask for locks and leases.
            }

            var result = BinaryPrimitives.ReadInt32BigEndian(record[RpcHeader.ReplySize..]);
            if (BinaryPrimitives.ReadUInt32BigEndian(record) == xid && result == 0)
            {
                return true;
            }

            run.Fail($"the honest client's lookup of the root answers {result}");
            return false;
        }

        run.Fail(socket.IsOpen ? "the honest client gets no answer" : "the honest client was thrown out");
        return false;
    }

    private static byte[] Lookup()
    {
        var bytes = new byte[256];
        var writer = new XdrWriter(bytes);
        LookupCodec.EncodeRequest(ref writer, new LookupFop { Gfid = Gfid.Root }, fd: 0, secondFd: 0);
        return bytes[..writer.Position];
    }
}
