using System;
using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Features;

/// <summary>A lease by its file and its id.</summary>
internal readonly record struct LeaseOf(Gfid Gfid, Gfid Id);

/// <summary>A lease of a client.</summary>
internal readonly record struct ClientLease(ClientIdentity Client, LockSession Name, LeaseOf Lease, uint Type);

/// <summary>
/// By which names the bricks know the clients of a proxy that have to do with leases, and what those have. Safe for all
/// threads.
/// </summary>
internal sealed class ClientLeaseBook
{
    /// <summary>Most leases of one client; bricks have the same bound for one.</summary>
    public const int HeldMax = 16_384;

    private readonly Lock _lock = new(); // Guards the tables and what is in them; a leaf lock.
    private readonly Dictionary<ClientIdentity, Entry> _clients = [];
    private readonly Dictionary<UInt128, ClientIdentity> _byName = [];

    /// <summary>
    /// The name of a client: its own if the request says one, else one that is made for it. None when it has left.
    /// </summary>
    public LockSession NameOf(ClientIdentity client, XData? xdata, Seams seams)
    {
        var own = LockSession.Of(xdata);
        lock (_lock)
        {
            if (client.IsGone)
            {
                return default;
            }

            if (!_clients.TryGetValue(client, out var entry))
            {
                _clients.Add(client, entry = new Entry());
            }

            if (!own.IsNone)
            {
                own = own with { Owner = default };
                Rename(client, entry, own);
                return own;
            }

            if (entry.Name.IsNone)
            {
                var made = seams.NewGfid();
                Rename(client, entry, new LockSession(new UInt128(made.High, made.Low), Epoch: 0, default));
            }

            return entry.Name;
        }
    }

    /// <summary>
    /// Under the lock. What comes late over a former connection does not take the name back from the one that the
    /// client has now.
    /// </summary>
    private void Rename(ClientIdentity client, Entry entry, LockSession name)
    {
        if (entry.Name.Id != name.Id)
        {
            Forget(client, entry);
        }
        else if (name.Epoch < entry.Name.Epoch)
        {
            return;
        }

        entry.Name = name;
        var isLate = _byName.TryGetValue(name.Id, out var now) && EntryOf(now) is { } other
            && other.Name.Id == name.Id && other.Name.Epoch > name.Epoch;
        if (!isLate)
        {
            _byName[name.Id] = client;
        }
    }

    private void Forget(ClientIdentity client, Entry entry)
    {
        if (ReferenceEquals(_byName.GetValueOrDefault(entry.Name.Id), client))
        {
            _byName.Remove(entry.Name.Id); // Else it is back, over another connection.
        }
    }

    /// <summary>The client of a name; null when it is not here any more.</summary>
    public ClientIdentity? ClientOf(UInt128 name)
    {
        lock (_lock)
        {
            return _byName.GetValueOrDefault(name);
        }
    }

    /// <summary>It has a lease by the name that it has here, or has had one.</summary>
    public bool HasHeld(ClientIdentity client)
    {
        lock (_lock)
        {
            return EntryOf(client) is { HasHeld: true };
        }
    }

    public List<ClientLease> All()
    {
        var all = new List<ClientLease>();
        lock (_lock)
        {
            foreach (var (client, entry) in _clients)
            {
                foreach (var (lease, held) in entry.Leases)
                {
                    if (held.Type != LeaseType.None)
                    {
                        all.Add(new ClientLease(client, entry.Name, lease, held.Type));
                    }
                }
            }
        }

        return all;
    }

    public bool Has(ClientIdentity client, LeaseOf lease)
    {
        lock (_lock)
        {
            return EntryOf(client)?.Leases.GetValueOrDefault(lease).Type > LeaseType.None;
        }
    }

    /// <summary>A file was opened by a lease id.</summary>
    public void Open(ClientIdentity client, LeaseOf lease) =>
        Change(client, lease, static use => use with { Opens = use.Opens + 1 });

    /// <summary>
    /// It is closed. The name of its client when that had a lease of it, which ends; none for no lease.
    /// </summary>
    public LockSession Close(ClientIdentity client, LeaseOf lease)
    {
        var hadLease = false;
        var name = Change(client, lease, use =>
        {
            use = use with { Opens = use.Opens - 1 };
            hadLease = use is { Opens: 0, Type: not LeaseType.None };
            return hadLease ? default : use;
        });
        return hadLease ? name : default;
    }

    /// <summary>
    /// A lease was granted; false when nobody would give it up: the client has left, or has too many.
    /// </summary>
    public bool TryHold(ClientIdentity client, LeaseOf lease, uint type)
    {
        lock (_lock)
        {
            if (client.IsGone || EntryOf(client) is not { } entry
                || (entry.Leases.Count >= HeldMax && !entry.Leases.ContainsKey(lease)))
            {
                return false;
            }

            entry.HasHeld = true;
        }

        Change(client, lease, use => use.With(type, 1));
        return true;
    }

    /// <summary>It was given back once, or however often it was set.</summary>
    public void Unhold(ClientIdentity client, LeaseOf lease, uint type, bool isAll) =>
        Change(client, lease, use => isAll ? use with { Reads = 0, Writes = 0 } : use.With(type, -1));

    /// <summary>It is lost.</summary>
    public void Lose(ClientIdentity client, LeaseOf lease) =>
        Change(client, lease, static use => use with { Reads = 0, Writes = 0 });

    /// <summary>A client has left: its name, and what it had; told once.</summary>
    public (LockSession Name, List<LeaseOf> Held) Left(ClientIdentity client)
    {
        var held = new List<LeaseOf>();
        lock (_lock)
        {
            if (!_clients.Remove(client, out var entry))
            {
                return (default, held);
            }

            Forget(client, entry);
            foreach (var (lease, use) in entry.Leases)
            {
                if (use.Type != LeaseType.None)
                {
                    held.Add(lease);
                }
            }

            return (entry.Name, held);
        }
    }

    private Entry? EntryOf(ClientIdentity client) => _clients.GetValueOrDefault(client);

    private LockSession Change(ClientIdentity client, LeaseOf lease, Func<LeaseUse, LeaseUse> change)
    {
        lock (_lock)
        {
            if (EntryOf(client) is not { } entry)
            {
                return default;
            }

            var use = change(entry.Leases.GetValueOrDefault(lease));
            if (use == default)
            {
                entry.Leases.Remove(lease);
            }
            else
            {
                entry.Leases[lease] = use;
            }

            return entry.Name;
        }
    }

    /// <summary>Open files by a lease id, and how often each type was set.</summary>
    private readonly record struct LeaseUse(int Opens, int Reads, int Writes)
    {
        public uint Type => Writes > 0 ? LeaseType.ReadWrite : Reads > 0 ? LeaseType.Read : LeaseType.None;

        public LeaseUse With(uint type, int by) => type == LeaseType.ReadWrite
            ? this with { Writes = Math.Max(0, Writes + by) } : this with { Reads = Math.Max(0, Reads + by) };
    }

    private sealed class Entry
    {
        public LockSession Name { get; set; }

        public bool HasHeld { get; set; }

        public Dictionary<LeaseOf, LeaseUse> Leases { get; } = [];
    }
}
