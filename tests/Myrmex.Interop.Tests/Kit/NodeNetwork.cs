using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json.Nodes;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// Machines as the network sees them: a network namespace each, joined by a bridge in one more namespace. Nothing of it is on the
/// host's own interfaces, so the addresses may be any; processes see the same files and process numbers as everyone.
/// </summary>
internal sealed class NodeNetwork : IDisposable
{
    private const int PrefixLength = 24;

    private static int _count;

    private readonly string _prefix = $"mx{Environment.ProcessId}{(char)('a' + (Interlocked.Increment(ref _count) % 26))}";
    private readonly List<string> _namespaces = [];
    private int _hosts;

    public NodeNetwork()
    {
        Make("hub");
        Ip("hub", "link", "add", "br0", "type", "bridge");
        Ip("hub", "link", "set", "br0", "up");
    }

    /// <summary>Adds a machine that is connected to all others.</summary>
    /// <returns>Its address.</returns>
    public string Add(string name)
    {
        var address = $"10.77.0.{++_hosts}";
        Make(name);
        Ip("hub", "link", "add", PortOf(name), "type", "veth", "peer", "name", "eth0", "netns", NamespaceOf(name));
        Ip("hub", "link", "set", PortOf(name), "master", "br0");
        Ip("hub", "link", "set", PortOf(name), "up");
        Ip(name, "addr", "add", $"{address}/{PrefixLength}", "dev", "eth0");
        Ip(name, "link", "set", "eth0", "up");
        return address;
    }

    /// <summary>Pulls the cable: packets to and from the machine get lost without a word.</summary>
    public void Cut(string name) => Ip("hub", "link", "set", PortOf(name), "down");

    public void Reconnect(string name) => Ip("hub", "link", "set", PortOf(name), "up");

    /// <summary>Bytes that have come to the machine over the cable, headers included.</summary>
    public long ReceivedBytes(string name)
    {
        // What the machine receives is what the port of the bridge has sent.
        var text = Shell.Check("/", "ip", "-n", NamespaceOf("hub"), "-s", "-j", "link", "show", "dev", PortOf(name));
        return JsonNode.Parse(text)![0]!["stats64"]!["tx"]!["bytes"]!.GetValue<long>();
    }

    /// <summary>
    /// Words after <c>nsenter</c> that run a program on the machine. It keeps the process number, and its mounts are seen by all.
    /// </summary>
    public string[] On(string name, params string[] words) => [$"--net=/run/netns/{NamespaceOf(name)}", .. words];

    public void Dispose()
    {
        foreach (var name in _namespaces)
        {
            Shell.Run("/", Shell.DefaultLimit, "ip", "netns", "del", name);
        }

        _namespaces.Clear();
    }

    private void Make(string name)
    {
        var space = NamespaceOf(name);
        if (File.Exists($"/run/netns/{space}"))
        {
            Shell.Check("/", "ip", "netns", "del", space); // Of a killed run with this process number.
        }

        Shell.Check("/", "ip", "netns", "add", space);
        Ledger.AddNamespace(space);
        _namespaces.Add(space);
        Ip(name, "link", "set", "lo", "up");
    }

    private void Ip(string name, params string[] words) => Shell.Check("/", "ip", ["-n", NamespaceOf(name), .. words]);

    private string NamespaceOf(string name) => $"{_prefix}-{name}";

    private static string PortOf(string name) => $"to-{name}";
}
