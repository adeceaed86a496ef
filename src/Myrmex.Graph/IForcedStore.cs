using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// What replay of a journal needs of a store besides fops. A store that is replayed may hold any part of the effects of
/// the entries after the one being applied, so names stand where later entries have put them. The orphan pool takes
/// what is in the way: a hidden directory with the gfid <see cref="Pool"/> that ordinary entry fops can use as a parent
/// while it is open. Nobody but the replay sends fops meanwhile. Safe for all threads.
/// </summary>
public interface IForcedStore
{
    /// <summary>Gfid of the pool: the text "myrmex", a zero word and "pool" with the number 1.</summary>
    public static Gfid Pool => new(0x6D79_726D_6578_0000UL, 0x706F_6F6C_0000_0001UL);

    /// <summary>
    /// Makes the pool if there is none, with what an interrupted replay has left in it, and opens it.
    /// </summary>
    Errno OpenPool();

    /// <summary>Removes the pool, which must be empty: ENOTEMPTY else. Ok when it is not open.</summary>
    Errno ClosePool();

    /// <summary>
    /// Parent and name of a directory as its handle tells them; the name may be wrong after a crash and must be looked
    /// up. ESTALE when there is no such directory or it is the root, ENOTDIR when it is none.
    /// </summary>
    Errno Locate(in Gfid directory, out Gfid parent, out Name name);

    /// <summary>Brings everything that was applied to the disk. Waits for it.</summary>
    Errno SyncAll();
}
