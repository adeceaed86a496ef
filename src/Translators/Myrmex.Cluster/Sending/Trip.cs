using Myrmex.Base;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Sending;

/// <summary>
/// What is known of a fop on its way: how often it was sent, with which number, until when it may be again.
/// </summary>
internal struct Trip
{
    private long _deadlineNs; // 0 until it has to wait or is sent a second time.
    private long _pauseMs;

    /// <summary>The session of its number; null when it has none.</summary>
    public Session? Session { get; private set; }

    public ulong Number { get; private set; }

    /// <summary>It is a step of a change of a client further up, with the session and number of that.</summary>
    public bool IsStep { get; set; }

    /// <summary>What it has to do with locks of the session; null for nothing.</summary>
    public LockTrip? Lock { get; init; }

    /// <summary>The session of the step was begun at the server.</summary>
    public bool HasBegun { get; set; }

    /// <summary>It can be sent again without doing it twice.</summary>
    public readonly bool IsNumbered => IsStep || Session is not null;

    /// <summary>When it got its number, which is before it was sent first.</summary>
    public long NumberedNs { get; private set; }

    /// <summary>It may have taken effect without our knowing.</summary>
    public bool IsUnknown { get; set; }

    /// <summary>How often its fd was said to be unknown, and was opened again.</summary>
    public int Reopens { get; set; }

    /// <summary>It has waited for its turn to get a number.</summary>
    public bool HasWaited { get; set; }

    /// <summary>Its place in the order of the objects it touches; null while that does not matter.</summary>
    public Turn? Turn { get; set; }

    /// <summary>Where it is counted as under way.</summary>
    public Choice? Entered { get; set; }

    /// <summary>The dictionary it was sent with, if that is our own.</summary>
    public XData? Request { get; set; }

    public bool IsAdmitted { get; private set; }

    /// <summary>What it carries, as counted at its admission.</summary>
    public long Bytes { get; private set; }

    public OpenFd? KeptFor { get; private set; }

    public void Admit(long bytes, OpenFd? open)
    {
        IsAdmitted = true;
        Bytes = bytes;
        KeptFor = open;
        HasWaited = false;
    }

    /// <summary>It is not under way any more.</summary>
    public void Return()
    {
        Entered?.Leave();
        Entered = null;
        Request?.Release();
        Request = null;
    }

    public void SetNumber(Session session, ulong number, long nowNs)
    {
        Session = session;
        Number = number;
        NumberedNs = nowNs;
        HasWaited = false;
    }

    /// <summary>The number is void: the next sending needs another.</summary>
    public void DropNumber() => Session = null;

    /// <summary>What it waits for may take as long as it likes: its time begins anew.</summary>
    public void BeginAnew() => _deadlineNs = 0;

    /// <summary>Milliseconds that it may still wait; 0 when its time is over. The first call starts the time.</summary>
    public long LeftMs(IClock clock, long waitMs)
    {
        var nowNs = clock.MonotonicNs;
        _deadlineNs = _deadlineNs == 0 ? nowNs + (waitMs * 1_000_000) : _deadlineNs;
        return _deadlineNs > nowNs ? ((_deadlineNs - nowNs) / 1_000_000) + 1 : 0;
    }

    /// <summary>The pause before the next sending; none before the second one, unless the server is too busy.</summary>
    public long NextPauseMs(bool isBusy, SendingRules rules)
    {
        var pauseMs = _pauseMs;
        _pauseMs = pauseMs == 0 ? rules.PauseMsMin : System.Math.Min(pauseMs * 2, rules.PauseMsMax);
        return isBusy && pauseMs == 0 ? rules.PauseMsMin : pauseMs;
    }
}
