using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;

namespace Myrmex.Management.NodeApi;

/// <summary>
/// Connects to the first of several hosts that answers: in order, and a further one beside those that are slow, so that
/// addresses that lead nowhere cost little.
/// </summary>
internal static class NodeDialer
{
    /// <summary>
    /// The connection and the host that it leads to. Throws <see cref="IOException"/> with the reason of each when none
    /// answers, and when <paramref name="hosts"/> is empty.
    /// </summary>
    public static async Task<(Stream Stream, string Host)> ConnectAsync(
        IReadOnlyList<string> hosts, int port, Seams seams, CancellationToken cancellation)
    {
        using var others = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var attempts = new List<Task<(Stream Stream, string Host)>>();
        var reasons = new List<string>();
        var next = 0;
        try
        {
            while (next < hosts.Count || attempts.Count > 0)
            {
                Task? stagger = null;
                if (next < hosts.Count)
                {
                    attempts.Add(DialAsync(hosts[next++], port, seams, others.Token));
                    stagger = next < hosts.Count
                        ? Pauses.WaitAsync(seams.Scheduler, NodeLimits.ConnectStaggerMs, others.Token) : null;
                }

                while (attempts.Count > 0)
                {
                    Task first = stagger is null
                        ? await Task.WhenAny(attempts) : await Task.WhenAny([.. attempts, stagger]);
                    if (first == stagger)
                    {
                        await stagger;
                        break;
                    }

                    var attempt = (Task<(Stream Stream, string Host)>)first;
                    attempts.Remove(attempt);
                    try
                    {
                        return await attempt;
                    }
                    catch (Exception e) when (e is SocketException or IOException)
                    {
                        reasons.Add(e.Message);
                        break; // The next host at once.
                    }
                }
            }
        }
        finally
        {
            await others.CancelAsync();
            await Task.WhenAll(attempts.Select(ForgetAsync));
        }

        throw new IOException(reasons.Count == 0 ? "it has no address" : string.Join("; ", reasons));
    }

    private static async Task<(Stream Stream, string Host)> DialAsync(
        string host, int port, Seams seams, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = seams.Scheduler.Schedule(NodeLimits.ConnectMs, limit.Cancel);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, limit.Token);
            return (new NetworkStream(socket, ownsSocket: true), host);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            socket.Dispose();
            throw new IOException($"{host}:{port}: no answer within {NodeLimits.ConnectMs} ms");
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new IOException($"{host}:{port}: {e.Message}", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>An attempt that came too late is closed when it ends.</summary>
    private static async Task ForgetAsync(Task<(Stream Stream, string Host)> attempt)
    {
        try
        {
            var (stream, _) = await attempt;
            await stream.DisposeAsync();
        }
        catch (Exception e) when (e is SocketException or IOException or OperationCanceledException)
        {
            // Another one won.
        }
    }
}
