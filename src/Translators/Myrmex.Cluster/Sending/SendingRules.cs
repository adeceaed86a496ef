using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Sending;

/// <summary>In what the kinds of servers differ, and the kinds of clients of them.</summary>
internal abstract class SendingRules
{
    /// <summary>Milliseconds that stand for "as long as it takes": a hundred years.</summary>
    public const long NeverMs = 100L * 365 * 24 * 3600 * 1000;

    private long _waitMs;
    private long _lockGraceMs;

    /// <summary>Who speaks in the log.</summary>
    public abstract string Name { get; }

    /// <summary>How long a fop may wait for an answer, from its first trouble on.</summary>
    public long WaitMs
    {
        get => Volatile.Read(ref _waitMs);
        set => Volatile.Write(ref _waitMs, value);
    }

    /// <summary>
    /// ENOTCONN from a server that is attached is its own word about what is behind it: it is asked again later.
    /// Otherwise it is left.
    /// </summary>
    public virtual bool StaysWithoutConnection => false;

    /// <summary>
    /// At a change of server nothing is sent before everything has come back from the former one; what is sent again
    /// goes first, in its order for each object; and locks are taken again before all that.
    /// </summary>
    public virtual bool IsOrderly => false;

    /// <summary>
    /// A change that is sent again says how old it is: a server that has begun to remember outcomes before that, and
    /// does not know it, is sure that it never took effect.
    /// </summary>
    public virtual bool TellsAge => false;

    /// <summary>
    /// Of a change that was given up after it may have taken effect, the next FSYNC or FLUSH of each fd of the file
    /// says EIO, once.
    /// </summary>
    public virtual bool TellsLostChanges => false;

    /// <summary>
    /// POSIX locks are asked for in the name of this client, so that lock services know them at every server.
    /// </summary>
    public virtual bool NamesLocks => false;

    /// <summary>
    /// What has been answered is on the disks of as many servers as it takes: FSYNC has nothing to add.
    /// </summary>
    public virtual bool AnswersAreDurable => false;

    /// <summary>
    /// Changes may be answered before they are on a disk. <see cref="AnswersAreDurable"/> is false then.
    /// </summary>
    public virtual bool MayAnswerFromMemory => false;

    /// <summary>
    /// The servers keep record locks for our session, whichever of them leads: taking and giving up are numbered
    /// changes, and at a change of server it is only looked whether they are still held.
    /// </summary>
    public virtual bool KeepsLocks => false;

    /// <summary>
    /// The servers keep files that are open when they lose their last name: whoever leads has to hear early what is
    /// open, so fds are opened again there at once, and not when they are used.
    /// </summary>
    public virtual bool TellsOpens => false;

    /// <summary>For how long they are to keep them when our connection has gone, in milliseconds.</summary>
    public long LockGraceMs
    {
        get => Volatile.Read(ref _lockGraceMs);
        set => Volatile.Write(ref _lockGraceMs, value);
    }

    /// <summary>Bounds what is kept; null when those who ask bound themselves.</summary>
    public virtual Admission? Admission => null;

    public virtual long PauseMsMin => SendingLimits.PauseMsMin;

    public virtual long PauseMsMax => SendingLimits.PauseMsMax;

    /// <summary>The pause before a lock that is not free is asked for again.</summary>
    public virtual long LockPauseMs(int tries) => SendingLimits.LockPauseMs;

    /// <summary>The error of a fop whose time is over.</summary>
    /// <param name="isUnknown">It is a change that may have taken effect.</param>
    public virtual Errno Expired(bool isUnknown) => Errno.ENOTCONN;
}
