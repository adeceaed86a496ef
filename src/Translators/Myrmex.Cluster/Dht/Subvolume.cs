using System;
using System.Text;
using System.Threading;
using Myrmex.Graph;

namespace Myrmex.Cluster.Dht;

/// <summary>One subvolume of a distribute volume and what is known of it.</summary>
internal sealed class Subvolume
{
    private const int Unheard = 0;
    private const int Up = 1;
    private const int Down = 2;

    private int _state;

    public Subvolume(int index, Translator translator)
    {
        Index = index;
        Translator = translator;
        var name = Encoding.UTF8.GetBytes(translator.Name);
        LinkTo = new byte[name.Length + 1];
        name.CopyTo(LinkTo, 0);
    }

    /// <summary>Position in the volfile; everything is indexed by it.</summary>
    public int Index { get; }

    public Translator Translator { get; }

    public string Name => Translator.Name;

    /// <summary>Value of a link file that points here: the translator's name with its NUL.</summary>
    public byte[] LinkTo { get; }

    /// <summary>Position in the order of translator names (strcmp), in which layouts are computed.</summary>
    public int Order { get; set; }

    /// <summary>
    /// Names it among the subvolumes of the volume for other clients: the hash of its name, or the next free number
    /// where two have the same; never 0.
    /// </summary>
    public uint Key { get; set; }

    /// <summary>Being emptied: gets no range and no new file.</summary>
    public bool IsDecommissioned { get; set; }

    /// <summary>It has said that it is up or that it is down.</summary>
    public bool HasReported => Volatile.Read(ref _state) != Unheard;

    /// <summary>True unless it has said that it is down.</summary>
    public bool MayBeUp => Volatile.Read(ref _state) != Down;

    public bool IsUp => Volatile.Read(ref _state) == Up;

    /// <summary>Notes a report; true when it was something else before.</summary>
    public bool Report(bool up) => Interlocked.Exchange(ref _state, up ? Up : Down) != (up ? Up : Down);

    /// <summary>True when a link file with this value points here; old writers leave the NUL out.</summary>
    public bool IsNamed(ReadOnlySpan<byte> linkTo) =>
        linkTo.SequenceEqual(LinkTo) || linkTo.SequenceEqual(LinkTo.AsSpan(0, LinkTo.Length - 1));
}
