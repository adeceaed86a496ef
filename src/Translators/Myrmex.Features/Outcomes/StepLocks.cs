using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Features.Outcomes;

/// <summary>The locks that clustering translators take by gfid.</summary>
internal static class StepLocks
{
    public static bool Is<TFop>() => typeof(TFop) == typeof(InodelkFop) || typeof(TFop) == typeof(EntrylkFop);

    public static bool IsUnlock<TFop>(in TFop fop)
        where TFop : struct =>
        fop is InodelkFop { Type: LockType.Unlock } or EntrylkFop { Command: EntryLockCommand.Unlock };

    /// <summary>The fop that gives the lock back which a fop takes or gives back; its names are its own.</summary>
    public static object UnlockOf<TFop>(in TFop fop)
        where TFop : struct => fop switch
        {
            InodelkFop inode => new InodelkFop
            {
                Gfid = inode.Gfid,
                Command = LockCommand.SetLock,
                Type = LockType.Unlock,
                Flock = new Flock(LockType.Unlock, 0, inode.Flock.Start, inode.Flock.Length, 0, default),
                Domain = inode.Domain.ToOwned(),
            },
            EntrylkFop entry => new EntrylkFop
            {
                Gfid = entry.Gfid,
                Command = EntryLockCommand.Unlock,
                Type = LockType.Write,
                NameLength = (ulong)entry.Name.Length,
                Name = entry.Name.ToOwned(),
                Domain = entry.Domain.ToOwned(),
            },
            _ => throw new InvariantException($"{typeof(TFop).Name} is no lock of a step"),
        };

    /// <summary>Gives a lock back for its holder.</summary>
    public static async ValueTask GiveBackAsync(Translator next, StepLock held)
    {
        var call = Call.Internal();
        call.Client = held.Client;
        call.LockOwner = held.Owner;
        if (held.Unlock is InodelkFop inode)
        {
            (await next.Inodelk(in inode, call)).Release();
        }
        else
        {
            var entry = (EntrylkFop)held.Unlock;
            (await next.Entrylk(in entry, call)).Release();
        }

        call.Release();
    }
}
