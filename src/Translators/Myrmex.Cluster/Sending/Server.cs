using System.Threading;
using Myrmex.Graph;

namespace Myrmex.Cluster.Sending;

/// <summary>One of the servers of which one is asked at a time, and what is known of it.</summary>
internal sealed class Server(int index, int number, Translator translator)
{
    private const int Up = 1; // 0 when nothing was heard of it.
    private const int Down = 2;

    private int _state;
    private int _losses;

    /// <summary>Position among the subvolumes.</summary>
    public int Index => index;

    /// <summary>Its number, as hints name it.</summary>
    public int Number => number;

    public Translator Translator => translator;

    /// <summary>It is on this machine.</summary>
    public bool IsLocal => translator is IServerPlace { IsOnThisMachine: true };

    /// <summary>True unless it has said that it is down.</summary>
    public bool MayBeUp => Volatile.Read(ref _state) != Down;

    /// <summary>It has said that it is up, or that it is down.</summary>
    public bool IsHeard => Volatile.Read(ref _state) != 0;

    public bool IsUp => Volatile.Read(ref _state) == Up;

    /// <summary>How often it has gone down: what was held there before is gone.</summary>
    public int Losses => Volatile.Read(ref _losses);

    public string StateText => Volatile.Read(ref _state) switch { Up => "up", Down => "down", _ => "unheard" };

    /// <summary>The bit that stands for it in a set of servers.</summary>
    public uint Bit => 1u << index;

    /// <summary>Notes an event of the subvolume.</summary>
    public void Report(bool up)
    {
        var now = up ? Up : Down;
        if (Interlocked.Exchange(ref _state, now) != now && !up)
        {
            Interlocked.Increment(ref _losses);
        }
    }
}
