using System.Threading;

namespace Myrmex.Base;

/// <summary>
/// An open file or directory inside one graph. Translators hang their own state on it under the slot the graph gave them.
/// Made by the top of the graph before OPEN, CREATE or OPENDIR goes down; dead after RELEASE or RELEASEDIR.
/// </summary>
public sealed class Fd
{
    private readonly Lock _lock = new(); // Guards changes of _contexts; a leaf lock.
    private object?[] _contexts;

    /// <param name="slotCount">Number of translators of the graph.</param>
    public Fd(Gfid gfid, uint flags, bool isDirectory, int slotCount)
    {
        Gfid = gfid;
        Flags = flags;
        IsDirectory = isDirectory;
        _contexts = slotCount == 0 ? [] : new object?[slotCount];
    }

    /// <summary>The file; for CREATE it is set when the reply comes.</summary>
    public Gfid Gfid { get; set; }

    /// <summary><see cref="OpenFlags"/> of the open.</summary>
    public uint Flags { get; set; }

    public bool IsDirectory { get; }

    /// <summary>Not opened by anybody: stands for "this file, just for this fop" (wire fd number -2).</summary>
    public bool IsAnonymous { get; private set; }

    /// <summary>The client that holds it, on a server.</summary>
    public ClientIdentity? Client { get; set; }

    /// <summary>Where graphs are switched above it: what the switch remembers of the graph it is open in.</summary>
    public object? Generation { get; set; }

    /// <summary>An anonymous fd of <paramref name="gfid"/>.</summary>
    public static Fd Anonymous(Gfid gfid, uint flags = OpenFlags.ReadWrite) =>
        new(gfid, flags, isDirectory: false, slotCount: 0) { IsAnonymous = true };

    /// <summary>Turns a reusable anonymous fd to another file.</summary>
    public void PointTo(Gfid gfid, uint flags)
    {
        Invariant.Check(IsAnonymous);
        Gfid = gfid;
        Flags = flags;
    }

    /// <summary>The file of a fop with this fd: the one it names, or else the one that the fd is of.</summary>
    public Gfid FileOf(in Gfid named) => named.IsNull ? Gfid : named;

    /// <summary>What translator <paramref name="slot"/> keeps here, or null.</summary>
    public object? Get(int slot)
    {
        var contexts = Volatile.Read(ref _contexts);
        return (uint)slot < (uint)contexts.Length ? Volatile.Read(ref contexts[slot]) : null;
    }

    /// <summary>Safe while other translators set theirs.</summary>
    public void Set(int slot, object? context)
    {
        Invariant.Check(!IsAnonymous);
        lock (_lock)
        {
            if ((uint)slot >= (uint)_contexts.Length)
            {
                var longer = new object?[slot + 1];
                _contexts.CopyTo(longer, 0);
                Volatile.Write(ref _contexts, longer);
            }

            Volatile.Write(ref _contexts[slot], context);
        }
    }

    /// <summary>Takes what translator <paramref name="slot"/> keeps here away; of several callers one gets it.</summary>
    public object? Take(int slot)
    {
        lock (_lock)
        {
            var context = Get(slot);
            if (context is not null)
            {
                _contexts[slot] = null;
            }

            return context;
        }
    }
}

/// <summary>Who is at the other end: one per attached client connection; locks and fds belong to it.</summary>
public sealed class ClientIdentity(string uid, string address)
{
    private static long _lastNumber;
    private bool _isGone;
    private object? _grant;

    /// <summary>Tells it from every other client that this process has had.</summary>
    public long Number { get; } = Interlocked.Increment(ref _lastNumber);

    /// <summary>The process-uuid of SETVOLUME.</summary>
    public string Uid { get; } = uid;

    /// <summary>Its connection has ended; what it still waits for is for nobody.</summary>
    public bool IsGone
    {
        get => Volatile.Read(ref _isGone);
        set => Volatile.Write(ref _isGone, value);
    }

    /// <summary>Peer address for messages.</summary>
    public string Address { get; } = address;

    /// <summary>The user name of the TLS certificate or of the login, empty when none.</summary>
    public string User { get; init; } = string.Empty;

    /// <summary>Of the door that it has come in by, which tells it things by this.</summary>
    public object? Connection { get; init; }

    /// <summary>What a translator that promises it something keeps of that.</summary>
    public object? Grant
    {
        get => Volatile.Read(ref _grant);
        set => Volatile.Write(ref _grant, value);
    }

    public override string ToString() => $"{Uid}@{Address}";
}
