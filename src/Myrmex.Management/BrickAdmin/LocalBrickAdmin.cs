using System;
using System.Text.Json;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Management.BrickAdmin;

/// <summary>Asks the brick process of this node over its socket; one connection a question.</summary>
/// <param name="socket">See <see cref="BrickAdminProgram.SocketOf"/>.</param>
public sealed class LocalBrickAdmin(Seams seams, string socket) : IBrickAdmin
{
    /// <summary>Milliseconds beyond the time limit of the process: it is left then.</summary>
    private const int GraceMs = 5_000;

    public async Task<BrickAnswer> AskAsync(BrickRequest request, CancellationToken cancellation)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(request, BrickAdminJson.Default.BrickRequest);
        if (json.Length > BrickAdminProgram.RequestBytesMax / 2)
        {
            throw new BrickAdminException("the request is too long");
        }

        var body = await CallAsync(json, cancellation);
        var answer = Decode(body);
        return answer.Problem is { } problem ? throw new BrickAdminException(problem) : answer;
    }

    private async Task<byte[]> CallAsync(byte[] json, CancellationToken cancellation)
    {
        var attempt = new Attempt(json);
        var connection = new RpcConnection(seams, attempt);
        var options = RpcConnection.LinkOptions(frameBytesMax: BrickAdminProgram.AnswerBytesMax) with
        {
            ConnectTimeoutMs = GraceMs,
        };
        var link = seams.Network.Connect(LinkAddress.Unix(socket), options, connection);
        using var timer = seams.Scheduler.Schedule(
            BrickAdminProgram.AnswerMs + GraceMs, () => attempt.Fail("the brick process does not answer"));
        try
        {
            return await attempt.Result.Task.WaitAsync(cancellation);
        }
        finally
        {
            link.Close(Errno.ECANCELED, "the question is answered");
        }
    }

    private static BrickAnswer Decode(byte[] body)
    {
        var record = Payload.CopyOf(body);
        try
        {
            var reader = new XdrReader(record);
            var answer = JsonSerializer.Deserialize(reader.ReadOpaque(), BrickAdminJson.Default.BrickAnswer);
            return reader.Failed || answer is null ? throw Malformed() : answer;
        }
        catch (JsonException)
        {
            throw Malformed();
        }
        finally
        {
            record.Release();
        }
    }

    private static BrickAdminException Malformed() => new("the answer of the brick process is malformed");

    private sealed class Attempt(byte[] json) : IRpcHandler
    {
        public TaskCompletionSource<byte[]> Result { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Fail(string problem) => Result.TrySetException(new BrickAdminException(problem, unreachable: true));

        public void OnOpen(RpcConnection connection) => _ = AskAsync(connection);

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position) =>
            call.Release();

        public void OnClosed(RpcConnection connection, Errno error, string reason) =>
            Fail($"the brick process cannot be asked: {reason}");

        private async Task AskAsync(RpcConnection connection)
        {
            var bytes = new byte[json.Length + 8];
            var length = Encode(bytes);
            var head = new RpcCall(0, BrickAdminProgram.Number, BrickAdminProgram.Version, BrickAdminProgram.Ask);
            var answer = await AwaitableCall.Send(connection, head, new RawBody(bytes.AsMemory(0, length)));
            if (answer.Error == Errno.Ok)
            {
                Result.TrySetResult(answer.Body);
            }
            else
            {
                Fail($"the brick process cannot be asked: {answer.Error}");
            }
        }

        private int Encode(byte[] bytes)
        {
            var writer = new XdrWriter(bytes);
            writer.WriteOpaque(json);
            return writer.Position;
        }
    }
}
