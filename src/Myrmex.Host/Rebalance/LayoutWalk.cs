using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;

namespace Myrmex.Host.Rebalance;

/// <summary>
/// Walks a whole volume through a client graph and gives each directory a layout over all its subvolumes. Breadth
/// first, several directories at a time; when very many are waiting, the latest found first, which bounds memory.
/// Invariant: the layout of a directory is fixed only after all directories in it have been looked up, which makes them
/// on subvolumes that lack them; else they could be missing from listings of clients that know the new layout.
/// What is removed or renamed meanwhile is no failure. Doing it again does no harm.
/// </summary>
internal sealed class LayoutWalk
{
    /// <summary>Pid by which bricks know internal clients that rebalance. Source: GlusterFS.</summary>
    public const int Pid = -3;

    private const int AttemptsMax = 10;
    private const long PauseMs = 1000;
    private const int ListingSize = 128 * 1024;
    private const int WaitingMax = 1 << 20;

    private readonly Translator _top;
    private readonly int _fdSlots;
    private readonly Seams _seams;
    private readonly Queue<Found> _waiting = new();
    private readonly Stack<Found> _overflow = new();
    private readonly Lock _lock = new(); // Guards the two lists of directories; a leaf lock.
    private readonly HashSet<Gfid> _seen = [];
    private long _directories;
    private long _files;
    private long _failures;
    private long _retries;
    private string _lastError = string.Empty;

    /// <param name="top">Top of a client graph; borrowed.</param>
    /// <param name="fdSlots">Translators of that graph.</param>
    public LayoutWalk(Translator top, int fdSlots, Seams seams)
    {
        _top = top;
        _fdSlots = fdSlots;
        _seams = seams;
    }

    public long Directories => Volatile.Read(ref _directories);

    public long Files => Volatile.Read(ref _files);

    public long Failures => Volatile.Read(ref _failures);

    /// <summary>Visits that had to be tried again, as somebody was in the way or a subvolume away.</summary>
    public long Retries => Volatile.Read(ref _retries);

    public string LastError => Volatile.Read(ref _lastError);

    public long Waiting
    {
        get
        {
            lock (_lock)
            {
                return _waiting.Count + _overflow.Count;
            }
        }
    }

    /// <summary>
    /// Ends when every directory was visited; with <see cref="OperationCanceledException"/> after the visits under way
    /// when it was cancelled. Failures are counted, not thrown.
    /// </summary>
    /// <param name="parallel">Most directories visited at the same time.</param>
    /// <param name="pauseMs">Rest between the visits of one lane, to leave the bricks to others.</param>
    public async Task RunAsync(int parallel, long pauseMs, CancellationToken cancellation)
    {
        _waiting.Enqueue(new Found(Gfid.Root, Gfid.Null, []));
        _seen.Add(Gfid.Root);
        var visits = new List<Task>();
        while (true)
        {
            while (visits.Count < parallel && !cancellation.IsCancellationRequested && TryTake(out var directory))
            {
                visits.Add(VisitAsync(directory, pauseMs, cancellation));
            }

            if (visits.Count == 0)
            {
                cancellation.ThrowIfCancellationRequested();
                return;
            }

            var ended = await Task.WhenAny(visits);
            visits.Remove(ended);
            await ended;
        }
    }

    private bool TryTake(out Found directory)
    {
        lock (_lock)
        {
            return _overflow.TryPop(out directory) || _waiting.TryDequeue(out directory);
        }
    }

    private void Add(Found directory)
    {
        lock (_lock)
        {
            if (!_seen.Add(directory.Gfid))
            {
                return; // A rename has moved it in front of the walk.
            }

            if (_waiting.Count < WaitingMax)
            {
                _waiting.Enqueue(directory);
            }
            else
            {
                _overflow.Push(directory);
            }
        }
    }

    private async Task VisitAsync(Found directory, long pauseMs, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var error = await FixAsync(directory);
            if (error == Errno.Ok)
            {
                Interlocked.Increment(ref _directories);
                break;
            }

            if (IsGone(error) && (directory.Gfid.IsRoot || !await ExistsAsync(directory)))
            {
                break;
            }

            if (attempt == AttemptsMax || cancellation.IsCancellationRequested)
            {
                Fail(directory, error);
                break;
            }

            Log.Debug("rebalance", "directory is tried again", ("gfid", directory.Gfid), ("errno", error));
            Interlocked.Increment(ref _retries);
            await Pauses.WaitAsync(_seams.Scheduler, PauseMs);
        }

        if (pauseMs > 0)
        {
            await Pauses.WaitAsync(_seams.Scheduler, pauseMs);
        }
    }

    private static bool IsGone(Errno error) => error is Errno.ENOENT or Errno.ESTALE;

    private void Fail(Found directory, Errno error)
    {
        Interlocked.Increment(ref _failures);
        Volatile.Write(ref _lastError, $"the layout of directory {directory.Gfid} could not be fixed: {error}");
        Log.Error("rebalance", "layout not fixed", ("gfid", directory.Gfid), ("errno", error));
    }

    /// <summary>One visit of a directory: look up, list, look all directories in it up, fix.</summary>
    private async Task<Errno> FixAsync(Found directory)
    {
        var (error, iatt) = await LookupAsync(directory.Parent, directory.Name, directory.Gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        if (!iatt.IsDirectory || iatt.Gfid != directory.Gfid)
        {
            return Errno.ENOENT; // Another thing has the name by now.
        }

        (error, var files, var children) = await ListAsync(directory.Gfid);
        for (var i = 0; i < children.Count && error == Errno.Ok; i++)
        {
            (error, var child) = await LookupAsync(directory.Gfid, children[i], Gfid.Null);
            error = IsGone(error) ? Errno.Ok : error;
            if (error == Errno.Ok && child.IsDirectory)
            {
                Add(new Found(child.Gfid, directory.Gfid, children[i]));
            }
        }

        error = error == Errno.Ok ? await FixLayoutAsync(directory.Gfid) : error;
        if (error == Errno.Ok)
        {
            Interlocked.Add(ref _files, files);
        }

        return error;
    }

    /// <summary>By its name it is still the same directory.</summary>
    private async Task<bool> ExistsAsync(Found directory)
    {
        var (error, iatt) = await LookupAsync(directory.Parent, directory.Name, Gfid.Null);
        return !IsGone(error) && (error != Errno.Ok || iatt.Gfid == directory.Gfid);
    }

    private async Task<(Errno Error, Iatt Iatt)> LookupAsync(Gfid parent, byte[] name, Gfid known)
    {
        var call = Call.Internal(Pid);
        var fop = name.Length == 0
            ? new LookupFop { Gfid = known }
            : new LookupFop { Parent = parent, Name = new Name(name), Gfid = known };
        var reply = await _top.Lookup(in fop, call);
        var result = (reply.Error, reply.Iatt);
        reply.Release();
        call.Release();
        return result;
    }

    private async Task<Errno> FixLayoutAsync(Gfid directory)
    {
        var call = Call.Internal(Pid);
        var values = XData.Rent();
        values.SetString("distribute.fix.layout"u8, "yes"u8);
        var fop = new SetxattrFop { Gfid = directory, Values = values };
        var reply = await _top.Setxattr(in fop, call);
        var error = reply.Error;
        reply.Release();
        values.Release();
        call.Release();
        return error;
    }

    /// <summary>Counts the files of a directory and collects the names of the directories in it.</summary>
    private async Task<(Errno Error, long Files, List<byte[]> Directories)> ListAsync(Gfid directory)
    {
        var call = Call.Internal(Pid);
        var fd = new Fd(directory, OpenFlags.ReadOnly, isDirectory: true, _fdSlots);
        var files = 0L;
        var directories = new List<byte[]>();
        var opened = await _top.Opendir(new OpendirFop { Gfid = directory, Fd = fd }, call);
        var error = opened.Error;
        opened.Release();
        if (error != Errno.Ok)
        {
            call.Release();
            return (error, 0, directories);
        }

        var offset = 0L;
        for (var more = true; more && error == Errno.Ok;)
        {
            var ask = new ReaddirpFop { Gfid = directory, Fd = fd, Offset = offset, Size = ListingSize };
            var reply = await _top.Readdirp(in ask, call);
            error = reply.Error;
            more = reply.IsOk && reply.Entries.Count > 0;
            if (more)
            {
                offset = (long)reply.Entries[reply.Entries.Count - 1].Offset;
                files += Sort(reply.Entries, directories);
            }

            reply.Release();
        }

        (await _top.Releasedir(new ReleasedirFop { Gfid = directory, Fd = fd }, call)).Release();
        call.Release();
        return (error, files, directories);
    }

    private static long Sort(DirEntries entries, List<byte[]> directories)
    {
        const uint DirectoryType = 4; // DT_DIR
        var files = 0L;
        for (var i = 0; i < entries.Count; i++)
        {
            ref var entry = ref entries[i];
            var name = entries.NameOf(i);
            if (name.IsDotOrDotDot)
            {
                continue;
            }

            if (entry.Type == DirectoryType || entry.Iatt.IsDirectory)
            {
                directories.Add(name.Span.ToArray());
            }
            else
            {
                files++;
            }
        }

        return files;
    }

    /// <summary>A directory and where it was found; the root has no name.</summary>
    private readonly record struct Found(Gfid Gfid, Gfid Parent, byte[] Name);
}
