using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Volumes;
using Myrmex.Wire;

namespace Myrmex.Management.Bricks;

internal enum ProbeResult
{
    /// <summary>Nobody listens, or no answer came in time.</summary>
    Unreachable,

    /// <summary>The process answers, but clients cannot attach to the brick.</summary>
    NotServing,

    Serving,
}

/// <summary>Whether clients can use what a process of this node serves.</summary>
internal interface IBrickProbe
{
    /// <param name="export">What to attach to.</param>
    Task<ProbeResult> ProbeAsync(int port, Volume volume, string export, CancellationToken cancellation);
}

/// <summary>
/// Attaches to a brick like a client and leaves at once. Source: program 14398633 procedure 1 (SETVOLUME).
/// </summary>
internal sealed class BrickProbe(Seams seams) : IBrickProbe
{
    public async Task<ProbeResult> ProbeAsync(
        int port, Volume volume, string export, CancellationToken cancellation)
    {
        var attempt = new Attempt(Request(volume, export));
        var connection = new RpcConnection(seams, attempt);
        var options = RpcConnection.LinkOptions(TlsOf(volume)) with { ConnectTimeoutMs = Limits.ProbeTimeoutMs };
        var link = seams.Network.Connect(new LinkAddress("127.0.0.1", port), options, connection);
        using var timer = seams.Scheduler.Schedule(
            Limits.ProbeTimeoutMs, () => attempt.Result.TrySetResult(ProbeResult.Unreachable));
        try
        {
            return await attempt.Result.Task.WaitAsync(cancellation);
        }
        finally
        {
            link.Close(Errno.ECANCELED, "the probe is done");
        }
    }

    /// <summary>A brick that takes only TLS is asked under TLS, with the files of its own side.</summary>
    private static TlsOptions? TlsOf(Volume volume) => VolumeOptions.IsOn(volume, VolumeOptions.ServerSsl)
        ? new TlsOptions(
            VolumeOptions.Effective(volume, VolumeOptions.SslOwnCert),
            VolumeOptions.Effective(volume, VolumeOptions.SslPrivateKey),
            VolumeOptions.Effective(volume, VolumeOptions.SslCaList))
        : null;

    private static byte[] Request(Volume volume, string export) => HandshakeCodec.SetVolumeRequest(
        new Dictionary<string, string>
        {
            ["remote-subvolume"] = export,
            ["process-uuid"] = $"CTX_ID:{volume.Id}-GRAPH_ID:0-PID:{System.Environment.ProcessId}-HOST:localhost"
                + "-PC_NAME:probe-RECON_NO:-0",
            ["process-name"] = "probe",
            ["fops-version"] = "1298437",
            ["client-version"] = "10.3",
            ["opversion"] = "100000",
            ["clnt-lk-version"] = "1",
            ["username"] = volume.Username,
            ["password"] = volume.Password,
        });

    private sealed class Attempt(byte[] request) : IRpcHandler
    {
        public TaskCompletionSource<ProbeResult> Result { get; } = new(
            TaskCreationOptions.RunContinuationsAsynchronously);

        public void OnOpen(RpcConnection connection) => _ = AskAsync(connection);

        public void OnCall(RpcConnection connection, RpcCall head, Call call, Payload record, int position) =>
            call.Release();

        public void OnClosed(RpcConnection connection, Errno error, string reason) =>
            Result.TrySetResult(ProbeResult.Unreachable);

        private async Task AskAsync(RpcConnection connection)
        {
            var head = new RpcCall(0, Programs.Handshake, Programs.HandshakeVersion, Programs.SetVolume);
            var answer = await AwaitableCall.Send(connection, head, new RawBody(request), version3: true);
            var attached = answer.Error == Errno.Ok
                && HandshakeCodec.ReadSetVolumeReply(answer.Body) is { OpRet: >= 0 };
            Result.TrySetResult(
                attached ? ProbeResult.Serving
                : answer.Error == Errno.Ok ? ProbeResult.NotServing : ProbeResult.Unreachable);
        }
    }
}
