using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// Stands between a client and a server and understands RPC records: at a wish the answer to the n-th call of some
/// procedures is dropped and both connections are cut. The call has had its effect then, and nobody has heard of it.
/// </summary>
internal sealed class ReplyRelay : IDisposable
{
    public const uint FopProgram = 1298437;
    public const uint ExtensionProgram = 0x204D5958;

    /// <summary>Added to the procedures of the extension in a <see cref="ReplyWish"/>.</summary>
    public const uint Extension = 1000;

    private const uint LastFragment = 1U << 31;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<TcpClient> _connections = [];
    private readonly string _host;
    private readonly int _port;
    private readonly ReplyWish _wish;

    /// <param name="host">Of the server.</param>
    /// <param name="port">Of the server.</param>
    /// <param name="wish">What is to be dropped; may be shared by several relays.</param>
    public ReplyRelay(string host, int port, ReplyWish wish)
    {
        (_host, _port, _wish) = (host, port, wish);
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Calls that have passed, by program and procedure.</summary>
    public ConcurrentDictionary<(uint Program, uint Procedure), int> Calls { get; } = [];

    /// <summary>Sees the records of fops from the client, on any thread.</summary>
    public Action<byte[]>? OnFop { get; set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }

        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The end of the test.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        var server = new TcpClient();
        _connections.Add(client);
        _connections.Add(server);
        try
        {
            await server.ConnectAsync(_host, _port, _stop.Token);
            var procedures = new ConcurrentDictionary<uint, uint>();
            var ways = new[]
            {
                PumpAsync(client.GetStream(), server.GetStream(), record => NoteCall(record, procedures)),
                PumpAsync(server.GetStream(), client.GetStream(), record => IsPassed(record, procedures)),
            };
            await Task.WhenAny(ways);
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
        {
            // One of them is gone.
        }

        client.Dispose();
        server.Dispose();
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Func<byte[], bool> passes)
    {
        try
        {
            var mark = new byte[4];
            while (true)
            {
                await from.ReadExactlyAsync(mark, _stop.Token);
                var length = (int)(BinaryPrimitives.ReadUInt32BigEndian(mark) & ~LastFragment);
                var record = new byte[4 + length];
                mark.CopyTo(record, 0);
                await from.ReadExactlyAsync(record.AsMemory(4), _stop.Token);
                if (!passes(record))
                {
                    return;
                }

                await to.WriteAsync(record, _stop.Token);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // One of them is gone.
        }
    }

    private bool NoteCall(byte[] record, ConcurrentDictionary<uint, uint> procedures)
    {
        // Mark, xid, 0 for a call, RPC version, program, version, procedure.
        if (record.Length < 28 || Word(record, 2) != 0)
        {
            return true;
        }

        var (program, procedure) = (Word(record, 4), Word(record, 6));
        Calls.AddOrUpdate((program, procedure), 1, (_, count) => count + 1);
        if (program is FopProgram or ExtensionProgram)
        {
            procedures[Word(record, 1)] = procedure + (program == ExtensionProgram ? Extension : 0);
        }

        if (program == FopProgram)
        {
            OnFop?.Invoke(record);
        }

        return true;
    }

    private bool IsPassed(byte[] record, ConcurrentDictionary<uint, uint> procedures) =>
        record.Length < 12 || Word(record, 2) != 1 || !procedures.TryRemove(Word(record, 1), out var procedure)
        || !_wish.TakesAway(procedure);

    private static uint Word(byte[] record, int index) => BinaryPrimitives.ReadUInt32BigEndian(record.AsSpan(index * 4));
}

/// <summary>Which answer is to be lost.</summary>
internal sealed class ReplyWish
{
    private readonly Lock _lock = new();
    private HashSet<uint> _procedures = [];
    private int _left;

    /// <summary>Answers that were taken away.</summary>
    public int Taken { get; private set; }

    /// <summary>The next answer to one of these procedures, each time the client asks again, so many times.</summary>
    public void Arm(int times, params uint[] procedures)
    {
        lock (_lock)
        {
            (_procedures, _left, Taken) = ([.. procedures], times, 0);
        }
    }

    public bool TakesAway(uint procedure)
    {
        lock (_lock)
        {
            if (_left == 0 || !_procedures.Contains(procedure))
            {
                return false;
            }

            _left--;
            Taken++;
            return true;
        }
    }
}
