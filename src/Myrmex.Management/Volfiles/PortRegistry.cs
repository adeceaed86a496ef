using System;
using System.Collections.Generic;
using System.Threading;

namespace Myrmex.Management.Volfiles;

/// <summary>
/// Ports that other programs of this node have signed in. Source: GlusterFS Portmap, program 34123456, SIGNIN and
/// SIGNOUT.
/// </summary>
internal sealed class PortRegistry
{
    /// <summary>Most names at once; a sign-in beyond it is refused.</summary>
    public const int NamesMax = 65_536;

    private readonly Lock _lock = new(); // Guards _ports; a leaf lock.
    private readonly Dictionary<string, int> _ports = new(StringComparer.Ordinal);

    public bool SignIn(string name, int port)
    {
        lock (_lock)
        {
            if (port is <= 0 or > 65_535 || (_ports.Count >= NamesMax && !_ports.ContainsKey(name)))
            {
                return false;
            }

            _ports[name] = port;
            return true;
        }
    }

    /// <summary>False when the name is not signed in with this port.</summary>
    public bool SignOut(string name, int port)
    {
        lock (_lock)
        {
            return _ports.TryGetValue(name, out var known) && known == port && _ports.Remove(name);
        }
    }

    /// <summary>0 for an unknown name.</summary>
    public int PortOf(string name)
    {
        lock (_lock)
        {
            return _ports.GetValueOrDefault(name);
        }
    }
}
