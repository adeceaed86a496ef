namespace Myrmex.Features;

/// <summary>What a lock table says about a request.</summary>
public enum LockVerdict
{
    /// <summary>Done: the lock is held, or the unlock has happened.</summary>
    Granted,

    /// <summary>Somebody else is in the way and the request may not wait: EAGAIN.</summary>
    Conflict,

    /// <summary>Queued; its ticket is completed by a later step.</summary>
    Waiting,

    /// <summary>Waiting could never end: EDEADLK.</summary>
    Deadlock,

    /// <summary>The table is full for this file: ENOLCK.</summary>
    Full,

    /// <summary>An unlock of a lock that is not there: EINVAL.</summary>
    NotHeld,

    /// <summary>The session has gone on to another proxy since: ECANCELED.</summary>
    Late,
}
