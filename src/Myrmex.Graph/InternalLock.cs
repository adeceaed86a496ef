using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Graph;

/// <summary>An INODELK or ENTRYLK lock: what has to be equal in the unlock that belongs to it.</summary>
/// <param name="Gfid">The file or directory.</param>
/// <param name="Domain">The domain.</param>
/// <param name="Entry">The name of an entry lock; null for an inode lock.</param>
/// <param name="Start">First byte of an inode lock.</param>
/// <param name="Length">Bytes of an inode lock, 0 to the end.</param>
public readonly record struct InternalLock(Gfid Gfid, Name Domain, Name? Entry, long Start, long Length)
{
    /// <summary>
    /// The lock that an INODELK, ENTRYLK or one of their kind asks for or gives up; borrows its names.
    /// </summary>
    public static InternalLock Of<TFop>(in TFop fop, out bool unlocks)
        where TFop : struct
    {
        if (typeof(TFop) == typeof(InodelkFop))
        {
            ref readonly var f = ref As<TFop, InodelkFop>(in fop);
            unlocks = f.Type == LockType.Unlock;
            return new InternalLock(f.Gfid, f.Domain, null, f.Flock.Start, f.Flock.Length);
        }

        if (typeof(TFop) == typeof(FinodelkFop))
        {
            ref readonly var f = ref As<TFop, FinodelkFop>(in fop);
            unlocks = f.Type == LockType.Unlock;
            return new InternalLock(f.Fd.Gfid, f.Domain, null, f.Flock.Start, f.Flock.Length);
        }

        if (typeof(TFop) == typeof(EntrylkFop))
        {
            ref readonly var f = ref As<TFop, EntrylkFop>(in fop);
            unlocks = f.Command == EntryLockCommand.Unlock;
            return new InternalLock(f.Gfid, f.Domain, f.Name, 0, 0);
        }

        Invariant.Check(typeof(TFop) == typeof(FentrylkFop));
        ref readonly var last = ref As<TFop, FentrylkFop>(in fop);
        unlocks = last.Command == EntryLockCommand.Unlock;
        return new InternalLock(last.Fd.Gfid, last.Domain, last.Name, 0, 0);
    }

    /// <summary>The same with names of its own, to be kept.</summary>
    public InternalLock ToOwned() => this with { Domain = Domain.ToOwned(), Entry = Entry?.ToOwned() };

    /// <summary>Gives up an entry lock.</summary>
    public EntrylkFop ToEntryUnlock() => new()
    {
        Gfid = Gfid,
        Command = EntryLockCommand.Unlock,
        Type = LockType.Write,
        NameLength = (ulong)(Entry?.Length ?? 0),
        Name = Entry ?? default,
        Domain = Domain,
    };

    /// <summary>Gives up an inode lock.</summary>
    public InodelkFop ToInodeUnlock(LkOwner owner) => new()
    {
        Gfid = Gfid,
        Command = LockCommand.SetLock,
        Type = LockType.Unlock,
        Flock = new Flock(LockType.Unlock, 0, Start, Length, 0, owner),
        Domain = Domain,
    };

    /// <summary>Gives it up for its holder.</summary>
    /// <param name="next">Where it is held.</param>
    /// <param name="client">Whose client holds it; null for the process itself.</param>
    public async Task GiveUpAsync(Translator next, LkOwner owner, ClientIdentity? client)
    {
        var call = Call.Internal();
        call.Client = client;
        call.LockOwner = owner;
        Reply reply = Entry is not null
            ? await next.Entrylk(ToEntryUnlock(), call)
            : await next.Inodelk(ToInodeUnlock(owner), call);
        reply.Release();
        call.Release();
    }

    private static ref readonly TWanted As<TFop, TWanted>(in TFop fop)
        where TFop : struct
        where TWanted : struct => ref Unsafe.As<TFop, TWanted>(ref Unsafe.AsRef(in fop));
}
