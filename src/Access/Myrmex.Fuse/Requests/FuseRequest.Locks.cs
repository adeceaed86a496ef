using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>
/// GETLK, SETLK, SETLKW for POSIX, flock and OFD locks. They differ only in the owner and in how they end: POSIX locks
/// by the
/// FLUSH of their owner, flock by RELEASE, OFD locks by RELEASE too, but of them the kernel says nothing, so the
/// session
/// keeps a book of all locks. A blocking flock unlock arrives as SETLKW.
/// </summary>
internal sealed partial class FuseRequest
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> LockAsync()
    {
        if (!TryTake(out FuseLkIn argument)
            || argument.Lock.Start > HeldLock.EndOfFile || argument.Lock.End < argument.Lock.Start)
        {
            return Errno.EINVAL;
        }

        if (!TryGetType(argument.Lock.Type, out var type))
        {
            return Errno.EINVAL;
        }

        if (!UseFile(argument.Handle, out var error))
        {
            return error;
        }

        var asked = new HeldLock(
            argument.Handle, argument.Owner, argument.Lock.Pid, type, argument.Lock.Start,
            ulong.Min(argument.Lock.End, HeldLock.EndOfFile));
        BeginCall(withGroups: false).LockOwner = LkOwner.From(argument.Owner);
        if (Opcode == FuseOpcode.Getlk)
        {
            return await TestLockAsync(asked);
        }

        _session.Locks.Ask(_file!.Node);
        if (Opcode == FuseOpcode.Setlkw && type != LockType.Unlock)
        {
            return await WaitForLockAsync(asked);
        }

        error = await SetLockAsync(asked, Opcode == FuseOpcode.Setlkw ? LockCommand.SetLockWait : LockCommand.SetLock);
        if (error == Errno.Ok)
        {
            _session.Locks.Apply(_file!.Node, in asked);
        }

        return error;
    }

    private static bool TryGetType(uint kernel, out LockType type)
    {
        type = kernel switch
        {
            FuseBits.LockRead => LockType.Read,
            FuseBits.LockWrite => LockType.Write,
            FuseBits.LockUnlock => LockType.Unlock,
            _ => LockType.EndOfList,
        };
        return type != LockType.EndOfList;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> SetLockAsync(HeldLock asked, LockCommand command)
    {
        var fop = LockFopOf(asked, command);
        var reply = await _fd!.Graph.Top.Lk(in fop, Call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private LkFop LockFopOf(in HeldLock asked, LockCommand command) => new()
    {
        Gfid = _file!.Gfid,
        Fd = _fd!.Fd,
        Command = command,
        Type = asked.Type,
        Flock = asked.ToFlock(),
    };

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> TestLockAsync(HeldLock asked)
    {
        var fop = LockFopOf(asked, LockCommand.GetLock);
        var reply = await _fd!.Graph.Top.Lk(in fop, Call);
        var error = reply.Error;
        if (error == Errno.Ok)
        {
            var found = reply.Flock;
            PutLock(new FuseFileLock
            {
                Start = (ulong)found.Start,
                End = found.Length == 0 ? HeldLock.EndOfFile : (ulong)(found.Start + found.Length - 1),
                Type = found.Type switch
                {
                    LockType.Read => FuseBits.LockRead,
                    LockType.Write => FuseBits.LockWrite,
                    _ => FuseBits.LockUnlock,
                },
                Pid = found.Pid,
            });
        }

        reply.Release();
        return error;
    }

    /// <summary>
    /// SETLKW: may take for ever, and may be interrupted. The interrupt answers EINTR at once and gives the lock back;
    /// what
    /// remains here is to put things right when the fop has ended too.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> WaitForLockAsync(HeldLock asked)
    {
        var node = _file!.Node;
        var waiting = new WaitingLock(_session, _transport, Unique, _file, _fd!, in asked);
        if (!_session.Waiting.TryAdd(waiting))
        {
            waiting.Done();
            return Errno.EINTR;
        }

        var error = await SetLockAsync(asked, LockCommand.SetLockWait);
        if (_session.Waiting.Remove(waiting))
        {
            waiting.Done();
            if (error == Errno.Ok)
            {
                _session.Locks.Apply(node, in asked);
            }

            return error;
        }

        waiting.FopEnded(isGranted: error == Errno.Ok);
        Recycle();
        return AlreadyReplied;
    }

    /// <summary>Gives back what was locked through a handle, and the flock that its RELEASE names.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> UnlockHandleAsync(FuseFile file, ulong flockOwner)
    {
        var held = _session.Locks.OfHandle(file.Node, file.Handle);
        var fd = file.Acquire();
        if (fd is null)
        {
            return Errno.EBADF;
        }

        _file = file;
        _fd = fd;
        BeginCall(withGroups: false);
        foreach (var one in held)
        {
            Call.LockOwner = LkOwner.From(one.Owner);
            await SetLockAsync(one with { Type = LockType.Unlock }, LockCommand.SetLock);
        }

        _session.Locks.RemoveHandle(file.Node, file.Handle);
        if (flockOwner != 0 && _session.Locks.Holds(file.Node, flockOwner))
        {
            // Taken through another handle of the same open file: cannot happen with this kernel, but costs nothing.
            var all = new HeldLock(file.Handle, flockOwner, 0, LockType.Unlock, 0, HeldLock.EndOfFile);
            Call.LockOwner = LkOwner.From(flockOwner);
            await SetLockAsync(all, LockCommand.SetLock);
            _session.Locks.RemoveOwner(file.Node, flockOwner);
        }

        return Errno.Ok;
    }
}
