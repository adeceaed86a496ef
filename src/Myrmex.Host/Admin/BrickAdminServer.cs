using System;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Management.BrickAdmin;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Host;

/// <summary>
/// The door for the daemon of this node: a unix socket of mode 0600 that speaks <see cref="BrickAdminProgram"/>. The
/// reactor only takes the request and gives the time limit; the answer is made on a thread of the pool.
/// </summary>
internal sealed class BrickAdminServer : IDisposable
{
    private readonly BrickAdminService _service;
    private readonly RpcServer _server;
    private int _underWay;

    public BrickAdminServer(Seams seams, BrickAdminService service)
    {
        _service = service;
        _server = new RpcServer(seams, _ => new Session(this));
    }

    /// <summary>Throws IOException when the socket cannot be made, also when another process listens there.</summary>
    public void Listen(string path) => _server.Listen(
        LinkAddress.Unix(path), RpcConnection.LinkOptions(frameBytesMax: BrickAdminProgram.RequestBytesMax));

    public void Dispose() => _server.Dispose();

    private void Start(RpcConnection connection, uint xid, byte[] request)
    {
        var exchange = new Exchange(connection, xid);
        if (Interlocked.Increment(ref _underWay) > BrickAdminProgram.UnderWayMax)
        {
            Interlocked.Decrement(ref _underWay);
            exchange.Answer(new BrickAnswer { Problem = "the brick process has too many questions at once" });
            return;
        }

        exchange.Timer = connection.Link.Scheduler.Schedule(
            BrickAdminProgram.AnswerMs,
            () => exchange.Answer(new BrickAnswer { Problem = "the brick process did not find the answer in time" }));
        ThreadPool.UnsafeQueueUserWorkItem(_ => _ = AnswerAsync(exchange, request), null);
    }

    private async Task AnswerAsync(Exchange exchange, byte[] request)
    {
        try
        {
            exchange.Answer(await AnswerAsync(request));
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private async Task<BrickAnswer> AnswerAsync(byte[] request)
    {
        try
        {
            var parsed = JsonSerializer.Deserialize(request, BrickAdminJson.Default.BrickRequest);
            return parsed is null ? Malformed() : await _service.AnswerAsync(parsed);
        }
        catch (BrickAdminException e)
        {
            return new BrickAnswer { Problem = e.Message };
        }
        catch (JsonException)
        {
            return Malformed();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("admin", "a question failed unexpectedly", ("exception", e));
            return new BrickAnswer { Problem = "the brick process failed to answer, see its log" };
        }
    }

    private static BrickAnswer Malformed() => new() { Problem = "the request is malformed" };

    /// <summary>One question; answered once, by whoever is first.</summary>
    private sealed class Exchange(RpcConnection connection, uint xid)
    {
        private int _answered;

        public IDisposable? Timer { get; set; }

        public void Answer(BrickAnswer answer)
        {
            if (Interlocked.Exchange(ref _answered, 1) != 0)
            {
                return;
            }

            Timer?.Dispose();
            var json = JsonSerializer.SerializeToUtf8Bytes(answer, BrickAdminJson.Default.BrickAnswer);
            if (json.Length > BrickAdminProgram.AnswerBytesMax - 1024)
            {
                json = JsonSerializer.SerializeToUtf8Bytes(
                    new BrickAnswer { Problem = "the answer is too long" }, BrickAdminJson.Default.BrickAnswer);
            }

            var bytes = new byte[json.Length + 8];
            var writer = new XdrWriter(bytes);
            writer.WriteOpaque(json);
            connection.Reply(xid, new RawBody(bytes.AsMemory(0, writer.Position)));
        }
    }

    private sealed class Session(BrickAdminServer owner) : IRpcHandler
    {
        public void OnOpen(RpcConnection connection)
        {
        }

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position)
        {
            call.Release();
            if (head.Program != BrickAdminProgram.Number)
            {
                connection.Refuse(head.Xid, AcceptStatus.ProgramUnavailable);
            }
            else if (head.Version != BrickAdminProgram.Version)
            {
                connection.Refuse(head.Xid, AcceptStatus.ProgramMismatch);
            }
            else if (head.Procedure == 0)
            {
                connection.Reply(head.Xid, default(EmptyBody));
            }
            else if (head.Procedure != BrickAdminProgram.Ask)
            {
                connection.Refuse(head.Xid, AcceptStatus.ProcedureUnavailable);
            }
            else
            {
                Take(connection, head.Xid, record, position);
            }
        }

        public void OnClosed(RpcConnection connection, Errno error, string reason)
        {
        }

        private void Take(RpcConnection connection, uint xid, Payload record, int position)
        {
            var reader = new XdrReader(record, position);
            var request = reader.ReadOpaque().ToArray();
            if (reader.Failed)
            {
                connection.Refuse(xid, AcceptStatus.GarbageArguments);
                return;
            }

            owner.Start(connection, xid, request);
        }
    }
}
