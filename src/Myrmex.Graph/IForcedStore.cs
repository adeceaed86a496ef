using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>
/// What replay of a journal needs of a store besides fops. A store that is replayed may hold any part of the effects of
/// the entries after the one being applied, so names stand where later entries have put them. The orphan pool takes
/// what is in the way: a hidden directory with the gfid <see cref="Pool"/> that ordinary entry fops can use as a parent
/// while it is open. Nobody but the replay sends fops meanwhile. Safe for all threads.
/// <para>
/// And files that live on without a name because somebody may have them open, here or at another replica: kept ones.
/// That a file is kept is on the disk with it, and survives restarts; its link count is that of its names, 0 for none.
/// </para>
/// </summary>
public interface IForcedStore
{
    /// <summary>Gfid of the pool: the text "myrmex", a zero word and "pool" with the number 1.</summary>
    public static Gfid Pool => new(0x6D79_726D_6578_0000UL, 0x706F_6F6C_0000_0001UL);

    /// <summary>
    /// Stands for the directory of kept files where an operation needs one: the same with "kept". No store has it.
    /// </summary>
    public static Gfid KeptFiles => new(0x6D79_726D_6578_0000UL, 0x6B65_7074_0000_0001UL);

    /// <summary>Makes a file, no directory, a kept one: Ok when it is already, ESTALE when there is none.</summary>
    Errno Keep(in Gfid gfid);

    /// <summary>
    /// It is not kept any more, and is gone if it has neither a name nor an fd. Ok when it was not kept.
    /// </summary>
    Errno LetGo(in Gfid gfid);

    bool IsKept(in Gfid gfid);

    int KeptCount { get; }

    /// <summary>All kept files.</summary>
    IReadOnlyList<Gfid> ListKept();

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
