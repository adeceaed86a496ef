using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management;

/// <summary>This node: its identity and the names and addresses it answers to.</summary>
internal sealed class LocalNode(NodeId id, IClock clock)
{
    private const long AddressesKeptNs = 5_000_000_000;

    private readonly Lock _lock = new(); // Guards the two fields below; a leaf lock.
    private HashSet<IPAddress> _addresses = [];
    private long _readAtNs = long.MinValue / 2;

    public NodeId Id => id;

    /// <summary>True for an address that an interface of this machine has, and for every loopback address.</summary>
    public bool IsLocal(IPAddress address)
    {
        address = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return IPAddress.IsLoopback(address) || Addresses().Contains(address);
    }

    /// <summary>True when the name or address leads to this machine.</summary>
    public async Task<bool> IsLocalAsync(string host, CancellationToken cancellation)
    {
        if (host == "localhost" || string.Equals(host, Dns.GetHostName(), StringComparison.OrdinalIgnoreCase))
        {
            return true;
        }

        try
        {
            var addresses = await Dns.GetHostAddressesAsync(host, cancellation);
            return addresses.Length > 0 && addresses.All(IsLocal);
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return false;
        }
    }

    private HashSet<IPAddress> Addresses()
    {
        lock (_lock)
        {
            if (clock.MonotonicNs - _readAtNs < AddressesKeptNs)
            {
                return _addresses;
            }
        }

        var addresses = NetworkInterface.GetAllNetworkInterfaces()
            .SelectMany(i => i.GetIPProperties().UnicastAddresses).Select(a => a.Address).ToHashSet();
        lock (_lock)
        {
            _addresses = addresses;
            _readAtNs = clock.MonotonicNs;
            return addresses;
        }
    }
}
