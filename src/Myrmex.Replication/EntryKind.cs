namespace Myrmex.Replication;

/// <summary>What a journal entry is. The numbers are on disk and on the wire.</summary>
public enum EntryKind : byte
{
    /// <summary>The effect of a fop, with absolute values.</summary>
    Operation = 1,

    /// <summary>The first entry of a term; its commit covers everything before it.</summary>
    TermStart = 2,

    /// <summary>A change of members or quorums.</summary>
    Configuration = 3,

    /// <summary>A client session begins, is renewed or ends.</summary>
    Session = 4,

    /// <summary>A point at which all replicas can take the same snapshot.</summary>
    Barrier = 5,

    /// <summary>A byte range lock is granted, changed or given up; see LockRecord.</summary>
    Lock = 6,
}
