using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Management.Nodes;

/// <summary>
/// Someone in the middle: takes a connection with a certificate of its own, opens another with the same, and passes on
/// every byte in clear.
/// </summary>
internal sealed class TlsRelay : IAsyncDisposable
{
    private readonly PeerAddress _target;
    private readonly NodeMaterial _own;
    private readonly TcpListener _listener = new(IPAddress.Parse("127.77.1.200"), 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;
    private int _connections;

    public TlsRelay(string target, Seams seams)
    {
        _target = PeerAddress.Parse(target);
        _own = TestIdentities.Stranger(seams);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Target => $"127.77.1.200:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var relays = new List<Task>();
        try
        {
            while (true)
            {
                relays.Add(RelayAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(relays);
        }
    }

    private async Task RelayAsync(TcpClient accepted)
    {
        try
        {
            using var caller = accepted;
            await using var callerTls = new SslStream(caller.GetStream(), leaveInnerStreamOpen: false);
            await callerTls.AuthenticateAsServerAsync(
                new SslServerAuthenticationOptions
                {
                    ServerCertificateContext = _own.Context,
                    ClientCertificateRequired = true,
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                _stop.Token);
            using var callee = new TcpClient();
            await callee.ConnectAsync(_target.Host, _target.Port, _stop.Token);
            await using var calleeTls = new SslStream(callee.GetStream(), leaveInnerStreamOpen: false);
            await calleeTls.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = "node",
                    ClientCertificateContext = _own.Context,
                    RemoteCertificateValidationCallback = (_, _, _, _) => true,
                },
                _stop.Token);
            Interlocked.Increment(ref _connections);
            await Task.WhenAny(callerTls.CopyToAsync(calleeTls, _stop.Token), calleeTls.CopyToAsync(callerTls, _stop.Token));
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException
            or ObjectDisposedException)
        {
            // One side has gone.
        }
    }
}
