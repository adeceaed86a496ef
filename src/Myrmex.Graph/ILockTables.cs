namespace Myrmex.Graph;

/// <summary>
/// A translator that keeps locks of clients. Those of a replica set are good for the term of the leader that granted
/// them: the next one begins without, and clients take theirs again.
/// </summary>
public interface ILockTables
{
    /// <summary>Drops all locks and ends the requests that wait with ENOTCONN. Any thread.</summary>
    void DropAllLocks();
}
