using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Wire;

namespace Myrmex.Protocol;

// A new process of the server goes on with the connection: held (nothing new is read), quiet (all fops have ended),
// captured; there restored and begun. Or let go again, when the other one fails.
public sealed partial class ServerConnection
{
    /// <summary>Files that are opened again at the same time.</summary>
    private const int RestoreWindow = 64;

    private readonly Lock _unansweredLock = new(); // Guards _unanswered; a leaf lock.
    private readonly List<byte[]> _unanswered = []; // Records of calls that were taken back.
    private volatile bool _isHeld;

    /// <summary>All fops have ended.</summary>
    public bool IsQuiet => Volatile.Read(ref _underWay) == 0;

    /// <summary>Calls that end with EINTR were taken back: they are made again elsewhere.</summary>
    internal bool IsHeld => _isHeld;

    /// <summary>Stops the reading at the end of a record; ends when nothing new comes any more.</summary>
    public Task HoldAsync() => OnLoopAsync(() =>
    {
        _isHeld = true;
        if (_gate is { } gate)
        {
            gate.Hold(true);
        }
        else
        {
            _connection.Link.PauseReading();
        }

        return true;
    });

    /// <summary>Requests that wait for a lock end, to be made again elsewhere.</summary>
    public void TakeBackWaits()
    {
        if (Attachment is { } attachment && !IsQuiet)
        {
            attachment.Export.Locks?.TakeBackWaits(attachment.Identity);
        }
    }

    /// <summary>
    /// The state of a held and quiet connection, and its socket; afterwards nothing is sent here. Null when it cannot
    /// be handed over: it speaks TLS, is just being let in, holds what goes with no file, or is closed.
    /// </summary>
    public async Task<(ConnectionState State, int Descriptor)?> CaptureAsync(long limitMs)
    {
        var attachment = Attachment;
        if (_connection.Link.IsEncrypted || (attachment is null && _isAttaching)
            || (attachment is not null && attachment.Export.Locks?.HoldsOthers(attachment.Identity) != false))
        {
            return null;
        }

        var fds = attachment is null ? [] : await CaptureFdsAsync(attachment);
        LinkRemains? remains = null;
        for (var waitedMs = 0;
            fds is not null && remains is null && waitedMs < limitMs && _connection.IsOpen;
            waitedMs++)
        {
            remains = await OnLoopAsync(() => _connection.IsBetweenRecords ? _connection.Link.Freeze() : null);
            if (remains is null)
            {
                await DelayAsync(1);
            }
        }

        if (remains is null)
        {
            return null;
        }

        var peer = _connection.Link.Peer;
        return (new ConnectionState
        {
            PeerHost = peer.Host,
            PeerPort = peer.Port,
            Input = [.. Unanswered().SelectMany(Frame), .. remains.Input],
            Output = remains.Output,
            Attachment = attachment is null ? null : StateOf(attachment),
            Fds = fds!, // Else there are no remains.
        }, remains.Descriptor);
    }

    /// <summary>Goes on as if nothing had been; after <see cref="CaptureAsync"/> or without it.</summary>
    public async Task LetGoAsync()
    {
        await RetakeLocksAsync();
        await OnLoopAsync(() =>
        {
            _isHeld = false;
            _connection.Link.Thaw();
            foreach (var record in TakeUnanswered())
            {
                var again = Payload.CopyOf(record);
                _connection.HandleAgain(again);
                again.Release();
            }

            if (_gate is { } gate)
            {
                gate.Hold(false);
            }
            else
            {
                _connection.Link.ResumeReading();
            }

            return true;
        });
    }

    /// <summary>
    /// Takes over what another process knew of the client: opens its files under their numbers, with their locks.
    /// Answers why that cannot be; empty when it could. Reading is paused all the while.
    /// </summary>
    public async Task<string> RestoreAsync(ConnectionState state)
    {
        if (state.Attachment is not { } attached)
        {
            return string.Empty;
        }

        if (_exports.Find(attached.Export) is not { } export)
        {
            return $"{attached.Export} is not served any more";
        }

        var request = new AuthenticationRequest(
            attached.Export, attached.Directory, _connection.Link.Peer.ToString(), string.Empty, attached.Values);
        if (!ServerAuthentication.Allows(export.Server.Settings.Options, request, out var trusted)
            || export.Server.Settings.Tls is not null)
        {
            return "it may not attach any more";
        }

        await export.WaitUpAsync();
        var identity = new ClientIdentity(attached.Uid, request.Address) { User = attached.User };
        var alias = attached.RootAlias is { } text && Gfid.TryParse(text, out var gfid) ? gfid : Gfid.Null;
        var attachment = new ServerAttachment(export, identity, alias, trusted, request);
        await OnLoopAsync(() =>
        {
            _isHeld = _isAttaching = true;
            OpenGate(export);
            _gate!.Hold(true); // Just made.
            AttachedWallNs = attached.AttachedWallNs;
            Volatile.Write(ref _attachment, attachment);
            return true;
        });
        if (!_exports.TryAttach(this))
        {
            return $"{attached.Export} is being stopped";
        }

        await RestoreFdsAsync(attachment, state.Fds);
        return string.Empty;
    }

    /// <summary>Begins to read.</summary>
    public Task BeginAsync() => OnLoopAsync(() =>
    {
        _isHeld = false;
        if (_gate is { } gate)
        {
            gate.Hold(false);
        }
        else
        {
            _connection.Link.ResumeReading();
        }

        return true;
    });

    /// <summary>The record of a call that was taken back.</summary>
    internal void KeepUnanswered(ReadOnlySpan<byte> record)
    {
        lock (_unansweredLock)
        {
            _unanswered.Add(record.ToArray());
        }
    }

    private byte[][] Unanswered()
    {
        lock (_unansweredLock)
        {
            return [.. _unanswered];
        }
    }

    private byte[][] TakeUnanswered()
    {
        var all = Unanswered();
        lock (_unansweredLock)
        {
            _unanswered.Clear();
        }

        return all;
    }

    /// <summary>As it comes from the wire.</summary>
    private static byte[] Frame(byte[] record)
    {
        var frame = new byte[RpcHeader.MarkSize + record.Length];
        record.CopyTo(frame, RpcHeader.MarkSize);
        RpcHeader.WriteMark(frame, record.Length);
        return frame;
    }

    /// <summary>The other process may have had them, and lost them when it ended.</summary>
    private async Task RetakeLocksAsync()
    {
        if (Attachment is not { Export.Locks: { } locks } attachment)
        {
            return;
        }

        foreach (var view in Fds.List(FdTable.CountMax))
        {
            foreach (var held in Fds.Find(view.Number) is { } fd ? locks.LocksOf(attachment.Identity, fd) : [])
            {
                if (await LockAsync(attachment, held.Fd, StateOf(held), info: null) is not Errno.Ok and var error)
                {
                    Log.Warning(
                        "server", "a lock of a client is lost",
                        ("client", attachment.Identity), ("gfid", held.Fd.Gfid), ("errno", error));
                }
            }
        }
    }

    private AttachmentState StateOf(ServerAttachment attachment) => new()
    {
        Export = attachment.Export.Name,
        Directory = attachment.Request.Directory,
        RootAlias = attachment.RootAlias.IsNull ? null : attachment.RootAlias.ToString(),
        Values = attachment.Request.Values,
        Uid = attachment.Identity.Uid,
        User = attachment.Identity.User,
        AttachedWallNs = AttachedWallNs,
    };

    /// <summary>Null when the locks of a file cannot be taken along.</summary>
    private async Task<List<FdState>?> CaptureFdsAsync(ServerAttachment attachment)
    {
        var fds = new List<FdState>();
        foreach (var view in Fds.List(FdTable.CountMax))
        {
            if (Fds.Find(view.Number) is not { } fd)
            {
                continue;
            }

            var held = attachment.Export.Locks!.LocksOf(attachment.Identity, fd); // The caller has looked.
            var info = held.Count > 0 ? await LockInfoAsync(attachment, fd) : null;
            if (held.Count > 0 && info is null)
            {
                return null;
            }

            fds.Add(new FdState
            {
                Number = view.Number,
                Gfid = fd.Gfid.ToString(),
                Flags = fd.Flags,
                IsDirectory = fd.IsDirectory,
                LockInfo = info,
                Locks = [.. held.Select(StateOf)],
            });
        }

        return fds;
    }

    private static LockState StateOf(HeldLock held)
    {
        var owner = new byte[LkOwner.LengthMax];
        held.Owner.CopyTo(owner);
        var xdata = held.Session.RentXData();
        var session = xdata is not null && xdata.TryGetBytes(LockSession.Key, out var bytes) ? bytes.ToArray() : null;
        xdata?.Release();
        return new LockState(
            owner[..held.Owner.Length], held.CallerPid, held.Pid, held.Type == LockType.Write, held.Start, held.End)
        {
            Session = session,
        };
    }

    private static async Task<byte[]?> LockInfoAsync(ServerAttachment attachment, Fd fd)
    {
        var call = Call.Internal();
        call.Client = attachment.Identity;
        var fop = new FgetxattrFop { Gfid = fd.Gfid, Fd = fd, Name = new Name(LockMove.InfoName.ToArray()) };
        var reply = await attachment.Export.Top.Fgetxattr(in fop, call);
        var info = reply.IsOk && reply.Values is { } values && values.TryGetBytes(LockMove.InfoName, out var bytes)
            ? bytes.ToArray() : null;
        reply.Release();
        call.Release();
        return info;
    }

    private async Task RestoreFdsAsync(ServerAttachment attachment, IReadOnlyList<FdState> states)
    {
        foreach (var window in states.Chunk(RestoreWindow))
        {
            await Task.WhenAll(window.Select(state => RestoreFdAsync(attachment, state)));
        }
    }

    /// <summary>
    /// A file that cannot be opened, or not with its locks, keeps its number without being open: whoever uses it hears
    /// EBADF, as after any other loss of it.
    /// </summary>
    private async Task RestoreFdAsync(ServerAttachment attachment, FdState state)
    {
        _ = Gfid.TryParse(state.Gfid, out var gfid); // The codec has looked.
        const uint once = OpenFlags.Create | OpenFlags.Exclusive | OpenFlags.Truncate;
        var fd = new Fd(gfid, state.Flags & ~once, state.IsDirectory, attachment.Export.Server.Slot)
        {
            Client = attachment.Identity,
        };
        var error = await OpenAsync(attachment, fd);
        for (var i = 0; error == Errno.Ok && i < state.Locks.Count; i++)
        {
            error = await LockAsync(attachment, fd, state.Locks[i], state.LockInfo);
        }

        if (error != Errno.Ok)
        {
            Log.Warning(
                "server", "a file of a client cannot be opened again, or not with its locks",
                ("client", attachment.Identity), ("gfid", gfid), ("errno", error));
            return;
        }

        Fds.Put(state.Number, fd);
    }

    private static async Task<Errno> OpenAsync(ServerAttachment attachment, Fd fd)
    {
        var call = Call.Internal();
        call.Client = attachment.Identity;
        Reply reply = fd.IsDirectory
            ? await attachment.Export.Top.Opendir(new OpendirFop { Gfid = fd.Gfid, Fd = fd }, call)
            : await attachment.Export.Top.Open(new OpenFop { Gfid = fd.Gfid, Flags = fd.Flags, Fd = fd }, call);
        var error = reply.Error;
        reply.Release();
        call.Release();
        return error;
    }

    private static async Task<Errno> LockAsync(ServerAttachment attachment, Fd fd, LockState state, byte[]? info)
    {
        var held = new HeldLock(
            fd, attachment.Identity, new LkOwner(state.Owner), state.CallerPid, state.Pid,
            state.IsWrite ? LockType.Write : LockType.Read, state.Start, state.End);
        var xdata = XData.Rent();
        xdata.SetBytes(LockMove.Key, info ?? []);
        if (state.Session is { } session)
        {
            xdata.SetBytes(LockSession.Key, session);
            xdata.SetInt(LockSession.HeldKey, 1);
        }

        var call = held.ToCall();
        call.Client = attachment.Identity;
        var reply = await attachment.Export.Top.Lk(held.ToFop(held.Type, xdata), call);
        var error = reply.Error;
        reply.Release();
        call.Release();
        xdata.Release();
        return error;
    }

    private Task DelayAsync(long ms)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _ = _connection.Link.Scheduler.Schedule(ms, () => done.TrySetResult());
        return done.Task;
    }

    private Task<T> OnLoopAsync<T>(Func<T> action)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        _connection.Link.Scheduler.Post(() =>
        {
            try
            {
                done.TrySetResult(action());
            }
            catch (Exception e) when (e is not InvariantException)
            {
                done.TrySetException(e);
            }
        });
        return done.Task;
    }
}
