using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Protocol;
using Myrmex.Rpc;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Host;

/// <summary>
/// A process of a proxy gives its clients to a new one without their noticing more than a pause. It stops reading at
/// the end of a record, ends all fops, and hands over sockets and what it knows of each client
/// (<see cref="ConnectionState"/>); the new one opens and locks everything by its own connections, and says so; then
/// this one ends. Up to that moment it can go on as if nothing had been.
/// </summary>
internal sealed class HandOver : IDisposable
{
    /// <summary>Milliseconds that fops have to end.</summary>
    private const int QuietMs = 10_000;

    /// <summary>Milliseconds between two tries to take back waits for locks.</summary>
    private const int TakeBackMs = 100;

    private const int LookMs = 2;

    /// <summary>Milliseconds that one step of the other process may take.</summary>
    private const int StepMs = 30_000;

    private const int UpMs = 20_000;

    private readonly string _name;
    private readonly RpcServer _server;
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private LinkAddress _address;

    private HandOver(string name, RpcServer server, LinkAddress address)
    {
        _name = name;
        _server = server;
        _address = address;
    }

    /// <summary>Waits at a socket for a process to hand over to. Data is served also when that cannot be.</summary>
    /// <param name="address">Where clients are listened for.</param>
    public static HandOver Offer(string name, RpcServer server, LinkAddress address, string path)
    {
        var offer = new HandOver(name, server, address);
        try
        {
            File.Delete(path); // Of a process that has ended: one list is served by one process.
            offer._listener.Bind(new UnixDomainSocketEndPoint(path));
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            offer._listener.Listen(1);
            new Thread(offer.Accept) { IsBackground = true, Name = $"{name}-hand-over" }.Start();
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            Log.Error(name, "cannot be upgraded in place", ("socket", path), ("reason", e.Message));
        }

        return offer;
    }

    public void Dispose() => _listener.Dispose();

    /// <summary>
    /// Takes everything over from the process that offers it at a socket; answers where clients are listened for.
    /// Throws <see cref="IOException"/> when that fails: the other one goes on, and this one has to end.
    /// </summary>
    public static async Task<LinkAddress> TakeAsync(
        string name, RpcServer server, LinuxNetwork network, LinkOptions options, ExportTable exports, string path)
    {
        for (var waitedMs = 0; !exports.AreUp; waitedMs += LookMs)
        {
            if (waitedMs > UpMs)
            {
                throw new IOException("what is to be served is not up here");
            }

            await Task.Delay(LookMs);
        }

        using var channel = HandOverChannel.Connect(path, StepMs);
        channel.Send(HandOverMessage.Hello, []);
        var address = ParseAddress(channel.Receive(
            HandOverMessage.Listener, HandOverMessage.Listener, out _, out var listening));
        var clients = await RestoreAllAsync(server, network, options, channel);
        channel.Send(HandOverMessage.Ready, []);
        try
        {
            channel.Receive(HandOverMessage.Commit);
        }
        catch (IOException e)
        {
            // It has had all it needs to be gone: nobody but this process can go on.
            Log.Warning(name, "the former process did not say good-bye", ("reason", e.Message));
        }

        server.Listen(accept => network.ListenOn(listening, address, options, accept));
        foreach (var client in clients)
        {
            if (client.Problem.Length > 0)
            {
                client.Rpc.Close(Errno.ECANCELED, client.Problem);
            }

            await client.Connection.BeginAsync();
        }

        Log.Information(name, "took over from another process", ("clients", clients.Count));
        channel.AwaitEnd();
        return address;
    }

    private static async Task<List<Client>> RestoreAllAsync(
        RpcServer server, LinuxNetwork network, LinkOptions options, HandOverChannel channel)
    {
        var restored = new List<Task<Client>>();
        while (true)
        {
            var bytes = channel.Receive(
                HandOverMessage.Connection, HandOverMessage.End, out var kind, out var descriptor);
            if (kind == HandOverMessage.End)
            {
                return [.. await Task.WhenAll(restored)];
            }

            if (descriptor < 0 || !ConnectionStateCodec.TryRead(bytes, out var state, out var problem))
            {
                throw new IOException("the state of a client is not valid");
            }

            restored.Add(RestoreAsync(server, network, options, state, descriptor));
        }
    }

    private static async Task<Client> RestoreAsync(
        RpcServer server, LinuxNetwork network, LinkOptions options, ConnectionState state, int descriptor)
    {
        var made = new TaskCompletionSource<RpcConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        network.Resume(
            new LinkRemains(descriptor, state.Input, state.Output), new LinkAddress(state.PeerHost, state.PeerPort),
            options, link =>
            {
                var handler = server.Accept(link);
                link.Scheduler.Post(() => made.TrySetResult((RpcConnection)handler)); // When it is open.
                return handler;
            });
        var rpc = await made.Task;
        var connection = (ServerConnection)rpc.State!; // Its maker has set it.
        return new Client(rpc, connection, await connection.RestoreAsync(state));
    }

    private void Accept()
    {
        while (true)
        {
            try
            {
                using var channel = new HandOverChannel(_listener.Accept(), StepMs);
#pragma warning disable VSTHRD002 // The thread has nothing else to do.
                GiveAsync(channel).GetAwaiter().GetResult();
#pragma warning restore VSTHRD002
            }
            catch (IOException e)
            {
                Log.Error(_name, "was not handed over, goes on", ("reason", e.Message));
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                return; // The offer has ended.
            }
        }
    }

    /// <summary>Ends the process when the other one has everything.</summary>
    private async Task GiveAsync(HandOverChannel channel)
    {
        channel.Receive(HandOverMessage.Hello);
        Log.Information(_name, "handing over to a new process");
        var began = System.Diagnostics.Stopwatch.StartNew();
        var connections = new List<ServerConnection>();
        try
        {
            var listening = _server.Pause();
            channel.Send(HandOverMessage.Listener, Encoding.UTF8.GetBytes(TextOf(_address)), listening[0]);
            connections.AddRange(_server.Connections().Select(c => c.State).OfType<ServerConnection>());
            await AwaitQuietAsync(connections);
            foreach (var connection in connections)
            {
                if (await connection.CaptureAsync(StepMs / 10) is var (state, descriptor))
                {
                    channel.Send(HandOverMessage.Connection, ConnectionStateCodec.Write(state), descriptor);
                }
            }

            channel.Send(HandOverMessage.End, []);
            channel.Receive(HandOverMessage.Ready);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            _server.Resume();
            await Task.WhenAll(connections.Select(c => c.LetGoAsync()));
            throw e as IOException ?? new IOException(e.Message, e);
        }

        Log.Information(
            _name, "handed over, ending", ("clients", connections.Count), ("ms", began.ElapsedMilliseconds));
        channel.Send(HandOverMessage.Commit, []);
        Environment.Exit(0); // Nothing is to be given back or said: whoever is served is the other process'.
    }

    private static async Task AwaitQuietAsync(List<ServerConnection> connections)
    {
        await Task.WhenAll(connections.Select(c => c.HoldAsync()));
        for (var waitedMs = 0; connections.Exists(c => !c.IsQuiet); waitedMs += LookMs)
        {
            if (waitedMs > QuietMs)
            {
                throw new IOException($"fops are under way that do not end within {QuietMs / 1000} s");
            }

            if (waitedMs % TakeBackMs == 0)
            {
                connections.ForEach(c => c.TakeBackWaits());
            }

            await Task.Delay(LookMs);
        }
    }

    private static string TextOf(LinkAddress address) =>
        string.Create(CultureInfo.InvariantCulture, $"{address.Host}\n{address.Port}");

    private static LinkAddress ParseAddress(byte[] bytes) =>
        Encoding.UTF8.GetString(bytes).Split('\n') is [var host, var port]
        && int.TryParse(port, CultureInfo.InvariantCulture, out var number)
            ? new LinkAddress(host, number) : throw new IOException("the address of the listener is not valid");

    private sealed record Client(RpcConnection Rpc, ServerConnection Connection, string Problem);
}
