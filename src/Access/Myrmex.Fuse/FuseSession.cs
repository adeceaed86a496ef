using System;
using System.Collections.Generic;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Fuse;

/// <summary>
/// A mounted volume: the kernel on one side, a graph on the other. Speaks the FUSE protocol directly, from loops that
/// are
/// guests of reactors. Lifetime: construct, <see cref="Mount"/>, serve until <see cref="Ended"/>, <see
/// cref="Dispose"/>.
/// </summary>
public sealed partial class FuseSession : IDisposable
{
    private const string Room = "fuse";
    private const int InitWaitMs = 30_000;

    private readonly IGraphSource _graphs;
    private readonly List<DeviceTransport> _transports = [];
    private readonly Notifier _notifier;
    private readonly ManualResetEventSlim _initialized = new();
    private readonly ManualResetEventSlim _ended = new();
    private IHostedGraph _graph;
    private long _background;
    private int _endReported;
    private bool _isMounted;

    public FuseSession(FuseOptions options, IGraphSource graphs, Seams seams)
    {
        Options = options;
        Seams = seams;
        _graphs = graphs;
        _graph = graphs.Current;
        _notifier = new Notifier(this);
        Inodes = new InodeTable(options.AttributeTimeoutNs);
        Groups = options.ResolveGroups ? new GroupCache(seams.Clock, options.GroupTimeoutNs) : null;
        graphs.Switched += OnSwitched;
        graphs.Event += OnGraphEvent;
    }

    /// <summary>Raised once, on a loop, when the kernel has let the mount go; with the reason.</summary>
    public event Action<Errno>? Ended;

    public FuseOptions Options { get; }

    internal Seams Seams { get; }

    internal InodeTable Inodes { get; }

    internal FileTable Files { get; } = new();

    internal LockBook Locks { get; } = new();

    internal WaitingLocks Waiting { get; } = new();

    internal GroupCache? Groups { get; }

    internal IHostedGraph Graph => Volatile.Read(ref _graph);

    /// <summary>SETXATTR requests have sixteen bytes of structure, not eight.</summary>
    internal bool HasExtendedSetxattr { get; private set; }

    /// <summary>The kernel leaves the umask to us.</summary>
    internal bool UmaskIsOurs { get; private set; }

    /// <summary>The kernel maps files that bypass its cache.</summary>
    internal bool MapsDirectFiles { get; private set; }

    internal DeviceTransport? FirstTransport => _transports.Count > 0 ? _transports[0] : null;

    /// <summary>
    /// Mounts, and returns when the kernel and the session have agreed: the mount answers from here on. Throws
    /// <see cref="FuseException"/> with nothing left behind.
    /// </summary>
    /// <param name="reactors">
    /// Hosts of the loops; loop n goes to reactor n modulo their number. They stay the caller's.
    /// </param>
    public void Mount(IReadOnlyList<Reactor> reactors)
    {
        var loops = Math.Clamp(Options.Loops, 1, FuseLimits.LoopsMax);
        var device = FuseMount.Mount(Options);
        _isMounted = true;
        try
        {
            AddLoop(reactors[0], device, isShared: loops > 1);
            if (!_initialized.Wait(InitWaitMs))
            {
                throw new FuseException($"the kernel did not start the mount {Options.MountPoint} within 30 s");
            }

            for (var i = 1; i < loops; i++)
            {
                var clone = Sys.FuseCloneDevice(device);
                if (clone < 0)
                {
                    Log.Warning(Room, "fewer loops than asked for", ("loops", i), ("errno", Sys.ErrorOf(clone)));
                    break;
                }

                AddLoop(reactors[i % reactors.Count], clone, isShared: true);
            }
        }
        catch
        {
            Dispose();
            throw;
        }

        FuseMount.SetReadAhead(Options.MountPoint, Options.ReadAheadKb);
    }

    /// <summary>Takes the mount away, also while it is in use: those who use it go on until they close.</summary>
    public void Unmount()
    {
        if (_isMounted)
        {
            _isMounted = false;
            FuseMount.Unmount(Options.MountPoint);
        }
    }

    /// <summary>Blocks until the kernel has let the mount go.</summary>
    public void WaitForEnd() => _ended.Wait();

    /// <summary>
    /// Unmounts if need be, waits a moment for fops under way, releases what is open, closes the device.
    /// </summary>
    public void Dispose()
    {
        _graphs.Switched -= OnSwitched;
        _graphs.Event -= OnGraphEvent;
        Unmount();
        foreach (var transport in _transports)
        {
            transport.Stop();
        }

        Waiting.InterruptAll();
        var drained = WaitUntil(() => _transports.TrueForAll(transport => transport.InFlight == 0));
        foreach (var file in Files.Snapshot())
        {
            CloseFile(file.Handle);
        }

        WaitUntil(() => Volatile.Read(ref _background) == 0, FuseLimits.CloseMsMax);
        if (!drained)
        {
            // Their replies would go to whoever gets the descriptor's number next: leave it open.
            Log.Warning(Room, "fops were still under way at the end of the mount", ("mount", Options.MountPoint));
            return;
        }

        foreach (var transport in _transports)
        {
            transport.Close();
        }
    }

    /// <summary>Writes counters and tables for people.</summary>
    public void DumpState(StateDump dump)
    {
        dump.Section("fuse", Options.MountPoint);
        dump.Put("source", Options.Source);
        dump.Put("graph.up", Graph.IsUp);
        dump.Put("loops", _transports.Count);
        for (var i = 0; i < _transports.Count; i++)
        {
            dump.Put(string.Create(CultureInfo.InvariantCulture, $"loop.{i}.requests"), _transports[i].Started);
            dump.Put(string.Create(CultureInfo.InvariantCulture, $"loop.{i}.in-flight"), _transports[i].InFlight);
        }

        dump.Put("background-fops", Volatile.Read(ref _background));
        dump.Put("open-files", Files.Count);
        dump.Put("locks", Locks.Count);
        dump.Put("locks-waiting", Waiting.Count);
        dump.Put("notifications-sent", _notifier.Sent);
        dump.Put("notifications-dropped", _notifier.Dropped);
        Inodes.DumpState(dump);
        DumpCounters(dump);
    }

    /// <summary>Answers INIT. Source: the kernel's abilities that design and measurements ask for.</summary>
    internal Errno Negotiate(in FuseInitIn argument, out FuseInitOut answer)
    {
        const uint major = 7;
        const uint minor = 45;
        answer = new FuseInitOut { Major = major, Minor = minor };
        if (argument.Major < major)
        {
            return Errno.EPROTO;
        }

        if (argument.Major > major)
        {
            // The kernel asks again with our version.
            return Errno.Ok;
        }

        var offered = (FuseInitFlags)argument.Flags;
        if ((offered & FuseInitFlags.InitExtended) != 0)
        {
            offered |= (FuseInitFlags)((ulong)argument.Flags2 << 32);
        }

        var granted = offered & Wanted();
        HasExtendedSetxattr = (granted & FuseInitFlags.SetxattrExtended) != 0;
        UmaskIsOurs = (granted & FuseInitFlags.DontMask) != 0;
        MapsDirectFiles = (granted & FuseInitFlags.DirectIOAllowMmap) != 0;
        answer.MaxReadahead = Math.Max(argument.MaxReadahead, (uint)Options.ReadAheadKb << 10);
        answer.Flags = (uint)granted;
        answer.Flags2 = (uint)((ulong)granted >> 32);
        answer.MaxBackground = (ushort)Math.Clamp(Options.MaxBackground, 1, ushort.MaxValue);
        answer.CongestionThreshold = (ushort)Math.Max(1, answer.MaxBackground * 3 / 4);
        answer.MaxWrite = (granted & FuseInitFlags.MaxPages) != 0 ? (uint)FuseLimits.IOBytesMax : 128u << 10;
        answer.TimeGranularity = 1;
        answer.MaxPages = FuseLimits.PagesMax;
        Log.Information(
            Room,
            "mounted",
            ("mount", Options.MountPoint),
            ("kernel", $"{argument.Major}.{argument.Minor}"),
            ("flags", granted));
        return Errno.Ok;
    }

    internal void OnInitialized() => _initialized.Set();

    internal void OnDeviceEnded(Errno reason)
    {
        if (Interlocked.Exchange(ref _endReported, 1) == 0)
        {
            _isMounted = false;
            Log.Information(Room, "the mount has ended", ("mount", Options.MountPoint), ("errno", reason));
            _initialized.Set();
            _ended.Set();
            Ended?.Invoke(reason);
        }
    }

    internal void BeginBackground() => Interlocked.Increment(ref _background);

    internal void EndBackground() => Interlocked.Decrement(ref _background);

    /// <summary>Takes a handle out of use; its fd is released when the last fop on it has ended.</summary>
    internal void CloseFile(ulong handle)
    {
        var file = Files.Remove(handle);
        file?.KeepChunk(null);
        file?.Exchange(null)?.Drop();
    }

    /// <summary>Makes the kernel forget what it has cached of a file.</summary>
    internal void InvalidateData(ulong node) => _notifier.Invalidate(node, data: true);

    /// <summary>Lets the graph release an fd that nobody uses any more.</summary>
    internal void ReleaseFd(OpenFd open)
    {
        var call = Call.Internal(pid: 0);
        var fd = open.Fd;
        var graph = open.Graph;
        if (fd.IsDirectory)
        {
            var fop = new ReleasedirFop { Gfid = fd.Gfid, Fd = fd };
            BackgroundFop<ReleasedirReply>.Watch(
                this, graph.Top.Releasedir(in fop, call), call, _ => graph.RemoveUser());
        }
        else
        {
            var fop = new ReleaseFop { Gfid = fd.Gfid, Fd = fd };
            BackgroundFop<ReleaseReply>.Watch(this, graph.Top.Release(in fop, call), call, _ => graph.RemoveUser());
        }
    }

    /// <summary>
    /// Opens a file on the graph that has replaced its own, takes its locks there and lets the old fd go. A file that
    /// has no
    /// name any more cannot be opened again: it stays where it is, and its old graph with it.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    internal async ValueTask<Errno> MoveAsync(FuseFile file, IHostedGraph graph)
    {
        if (file.BeginMove() is { } underWay)
        {
            return await underWay;
        }

        var error = Errno.EIO;
        try
        {
            error = await MoveAloneAsync(file, graph);
        }
        finally
        {
            file.EndMove(error);
        }

        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> MoveAloneAsync(FuseFile file, IHostedGraph graph)
    {
        var old = file.Acquire();
        if (old is null || ReferenceEquals(old.Graph, graph))
        {
            old?.Drop();
            return Errno.Ok;
        }

        var call = Call.Internal(pid: 0);
        var fd = new Fd(file.Gfid, file.Flags, file.IsDirectory, graph.SlotCount);
        var error = await OpenAgainAsync(file, graph, fd, call);
        if (error == Errno.Ok)
        {
            var moved = new OpenFd(this, graph, fd);
            await LockAgainAsync(file, old, moved, call);
            (file.TryReplace(old, moved) ? old : moved).Drop();
            file.KeepChunk(null);
        }
        else
        {
            Log.Warning(
                Room, "a file stays on the replaced graph", ("gfid", file.Gfid), ("errno", error));
            file.Refused = graph;
        }

        call.Release();
        old.Drop();
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<Errno> OpenAgainAsync(FuseFile file, IHostedGraph graph, Fd fd, Call call)
    {
        Errno error;
        if (file.IsDirectory)
        {
            var fop = new OpendirFop { Gfid = file.Gfid, Fd = fd };
            var reply = await graph.Top.Opendir(in fop, call);
            error = reply.Error;
            reply.Release();
        }
        else
        {
            // With xdata, though an empty one, no translator answers it ahead of time: whether the file can be opened
            // at all
            // decides if it moves.
            var xdata = XData.Rent();
            var fop = new OpenFop { Gfid = file.Gfid, Flags = file.Flags, Fd = fd, XData = xdata };
            var reply = await graph.Top.Open(in fop, call);
            error = reply.Error;
            reply.Release();
            xdata.Release();
        }

        return error;
    }

    /// <summary>
    /// Bricks take the two graphs for two clients, so a lock must be given up on the old one before the new one can
    /// have it: for that moment it is free.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> LockAgainAsync(FuseFile file, OpenFd old, OpenFd moved, Call call)
    {
        foreach (var held in Locks.OfHandle(file.Node, file.Handle))
        {
            call.LockOwner = LkOwner.From(held.Owner);
            await LockOnAsync(old, held with { Type = LockType.Unlock }, call);
            var error = await LockOnAsync(moved, held, call);
            if (error != Errno.Ok)
            {
                Log.Warning(
                    Room, "a lock was lost on the way to a new graph", ("gfid", file.Gfid), ("errno", error));
            }
        }

        return Errno.Ok;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<Errno> LockOnAsync(OpenFd open, HeldLock held, Call call)
    {
        var fop = new LkFop
        {
            Gfid = open.Fd.Gfid,
            Fd = open.Fd,
            Command = LockCommand.SetLock,
            Type = held.Type,
            Flock = held.ToFlock(),
        };
        var reply = await open.Graph.Top.Lk(in fop, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private FuseInitFlags Wanted()
    {
        const FuseInitFlags always = FuseInitFlags.AsyncRead | FuseInitFlags.AtomicTruncate | FuseInitFlags.BigWrites
            | FuseInitFlags.AsyncDirectIO | FuseInitFlags.ParallelDirectoryOperations | FuseInitFlags.MaxPages
            | FuseInitFlags.CacheSymlinks | FuseInitFlags.HandleKillPrivilegesV2 | FuseInitFlags.SetxattrExtended
            | FuseInitFlags.InitExtended | FuseInitFlags.AbortError | FuseInitFlags.HasExpireOnly
            | FuseInitFlags.DirectIOAllowMmap | FuseInitFlags.Readdirplus | FuseInitFlags.ReaddirplusAuto
            | FuseInitFlags.PosixLocks | FuseInitFlags.FlockLocks | FuseInitFlags.AutoInvalidateData;
        return Options.Acl ? always | FuseInitFlags.PosixAcl | FuseInitFlags.DontMask : always;
    }

    private void AddLoop(Reactor reactor, int device, bool isShared)
    {
        var transport = new DeviceTransport(this, reactor, device);
        _transports.Add(transport);
        transport.Start(isShared);
    }

    private void OnSwitched() => Volatile.Write(ref _graph, _graphs.Current);

    // Sizes and times of a file say that its data has changed; a directory has no data of ours.
    private void OnGraphEvent(GraphEvent graphEvent)
    {
        const uint sizeOrTimes = 8 | 0x10;
        if (graphEvent.Kind == GraphEventKind.Invalidate)
        {
            var node = Inodes.Invalidate(graphEvent.Gfid);
            if (node != 0)
            {
                _notifier.Invalidate(node, data: (graphEvent.Flags & sizeOrTimes) != 0);
            }
        }
    }

    private static bool WaitUntil(Func<bool> isTrue, int msMax = FuseLimits.DrainMsMax)
    {
        const int stepMs = 5;
        using var never = new ManualResetEventSlim();
        for (var waited = 0; waited < msMax && !isTrue(); waited += stepMs)
        {
            never.Wait(stepMs);
        }

        return isTrue();
    }
}
