namespace Myrmex.Graph;

/// <summary>
/// A translator that keeps locks of clients. In a replica set these are the inode and entry locks, good for the term of
/// the leader that granted them: the next one begins without.
/// </summary>
public interface ILockTables
{
    /// <summary>Drops all locks and ends the requests that wait with ENOTCONN. Any thread.</summary>
    void DropAllLocks();
}
