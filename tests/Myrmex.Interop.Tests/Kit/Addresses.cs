using System;
using System.Globalization;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// Addresses of this machine for servers whose port is fixed (stock clients ask 24007 and nothing else): each server gets an address of
/// its own instead of a port.
/// </summary>
internal static class Addresses
{
    private static int _next;

    /// <summary>An address in 127.0.0.0/8: the machine answers on all of them without any set-up.</summary>
    public static string NextLoopback()
    {
        var number = Interlocked.Increment(ref _next);
        return $"127.{88 + (Environment.ProcessId >> 8 & 31)}.{Environment.ProcessId & 255}.{number}";
    }

    /// <summary>An address outside 127.0.0.0/8, which the stock glusterd refuses for bricks; it is put on lo until the run ends.</summary>
    public static string NextRouted()
    {
        var number = Interlocked.Increment(ref _next);
        var address = $"10.{88 + (Environment.ProcessId >> 8 & 31)}.{Environment.ProcessId & 255}.{number}";
        Shell.Check("/", "ip", "addr", "add", $"{address}/32", "dev", "lo");
        Ledger.AddAddress(address);
        return address;
    }

    /// <summary>A TCP port that was free a moment ago.</summary>
    public static int FreePort(string address)
    {
        using var listener = new TcpListener(IPAddress.Parse(address), 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public static bool Answers(string address, int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Parse(address), port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The number as text, for command lines.</summary>
    public static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>Name that glusterd gives to files for a path: dashes for slashes.</summary>
    public static string Dashed(string path) => string.Join('-', path.Split('/').Where(p => p.Length > 0));
}
