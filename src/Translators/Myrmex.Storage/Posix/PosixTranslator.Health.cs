using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// Background work of a brick: the health check, which writes and reads a file and tells the graph when the file system
/// no longer works or does not answer, and the janitor, which takes apart what lies on the landfill. Timers run on the
/// scheduler, work that may block on workers.
/// </summary>
public sealed partial class PosixTranslator
{
    private readonly Lock _watchLock = new(); // Guards the timers and the state of the check; a leaf lock.
    private IDisposable? _healthTimer;
    private IDisposable? _timeoutTimer;
    private IDisposable? _janitorTimer;
    private bool _isWatching;
    private int _checkNumber;
    private Errno _healthError;
    private int _janitorIsAtWork;

    private void StartWatching()
    {
        lock (_watchLock)
        {
            _isWatching = true;
            ScheduleCheck();
            _janitorTimer = Seams.Scheduler.Schedule(PosixLimits.JanitorMs, StartJanitor);
        }
    }

    private void StopWatching()
    {
        lock (_watchLock)
        {
            _isWatching = false;
            _healthTimer?.Dispose();
            _timeoutTimer?.Dispose();
            _janitorTimer?.Dispose();
        }
    }

    private void ScheduleCheck()
    {
        var seconds = Settings.HealthIntervalSeconds;
        if (_isWatching && seconds > 0)
        {
            _healthTimer = Seams.Scheduler.Schedule(seconds * 1000, StartCheck);
        }
    }

    private void StartCheck()
    {
        lock (_watchLock)
        {
            if (!_isWatching)
            {
                return;
            }

            var number = ++_checkNumber;
            if (Settings.HealthTimeoutSeconds > 0)
            {
                _timeoutTimer = Seams.Scheduler.Schedule(
                    Settings.HealthTimeoutSeconds * 1000, () => EndCheck(number, Errno.ETIMEDOUT, isAnswer: false));
            }

            Seams.Workers.Submit(new Job(() => EndCheck(number, CheckHealth(), isAnswer: true)));
        }
    }

    /// <summary>A check has answered, or has taken too long; the answer that comes after that still counts.</summary>
    private void EndCheck(int number, Errno error, bool isAnswer)
    {
        Errno before;
        lock (_watchLock)
        {
            if (!_isWatching || number != _checkNumber)
            {
                return;
            }

            before = _healthError;
            _healthError = error;
            if (isAnswer)
            {
                _timeoutTimer?.Dispose();
                _timeoutTimer = null;
                ScheduleCheck();
            }
        }

        if (error != Errno.Ok && before == Errno.Ok)
        {
            var text = $"brick {_options.Directory}: the health check failed: {error}";
            Log.Error("posix", "the health check failed", ("brick", _options.Directory), ("errno", error));
            NotifyParents(new GraphEvent(GraphEventKind.ChildDown, Error: error, Text: text));
        }
        else if (error == Errno.Ok && before != Errno.Ok)
        {
            Log.Information("posix", "the health check succeeds again", ("brick", _options.Directory));
            NotifyParents(new GraphEvent(GraphEventKind.ChildUp));
        }
    }

    /// <summary>Writes the time into <c>health_check</c>, to the disk, and reads it back.</summary>
    private Errno CheckHealth()
    {
        var seconds = Seams.Clock.WallNs / 1_000_000_000;
        var time = DateTime.UnixEpoch.AddSeconds(seconds);
        var text = Encoding.ASCII.GetBytes(
            time.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) + " +0000");
        var fd = Sys.OpenAt(_handles.Fd, "health_check"u8, Sys.OReadWrite | Sys.OCreate, 0x1A4);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var error = Sys.ErrorOf(Sys.PWrite(fd, text, 0));
        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(Sys.Fdatasync(fd));
        }

        var read = new byte[text.Length];
        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(Sys.PRead(fd, read, 0));
        }

        Sys.Close(fd);

        // A full disk is no sick one.
        return error == Errno.ENOSPC || error == Errno.EDQUOT ? Errno.Ok
            : error == Errno.Ok && !read.AsSpan().SequenceEqual(text) ? Errno.EIO
            : error;
    }

    private void StartJanitor()
    {
        lock (_watchLock)
        {
            if (!_isWatching)
            {
                return;
            }

            _janitorTimer = Seams.Scheduler.Schedule(PosixLimits.JanitorMs, StartJanitor);
            if (_janitorIsAtWork == 0)
            {
                _janitorIsAtWork = 1;
                Seams.Workers.Submit(new Job(RunJanitor));
            }
        }
    }

    private void RunJanitor()
    {
        var fd = Sys.OpenAt(_handles.Fd, "landfill"u8, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        if (fd >= 0)
        {
            TakeApart(fd, depth: 0);
            Sys.Close(fd);
        }

        Volatile.Write(ref _janitorIsAtWork, 0);
    }

    /// <summary>Removes all below an open directory, handles included.</summary>
    private void TakeApart(int fd, int depth)
    {
        if (depth > PosixLimits.DepthMax)
        {
            return;
        }

        List<byte[]> names = DirectoryScan.Names(fd);
        foreach (var name in names)
        {
            if (!Volatile.Read(ref _isWatching))
            {
                return;
            }

            var inode = Inode.OfPath(fd, name);
            if (inode.Restat() != Errno.Ok)
            {
                continue;
            }

            var hasGfid = ReadFacts(in inode, out inode.Facts) == Errno.Ok;
            _inodes.Drop(inode.Key);
            if (inode.IsDirectory)
            {
                TakeDirectoryApart(fd, name, hasGfid ? inode.Facts.Gfid : Gfid.Null, depth);
            }
            else if (Sys.UnlinkAt(fd, name) >= 0 && hasGfid)
            {
                EndLandfillFile(in inode);
            }
        }
    }

    private void TakeDirectoryApart(int parent, ReadOnlySpan<byte> name, in Gfid gfid, int depth)
    {
        var fd = Sys.OpenAt(parent, name, Sys.OReadOnly | Sys.ODirectory | Sys.ONoFollow);
        if (fd >= 0)
        {
            TakeApart(fd, depth + 1);
            Sys.Close(fd);
        }

        if (Sys.UnlinkAt(parent, name, Sys.AtRemoveDirectory) >= 0 && !gfid.IsNull)
        {
            lock (_moves)
            {
                EndDirectory(gfid, parent: default, name: default); // No name leads to it.
            }
        }
    }

    private void EndLandfillFile(in Inode inode)
    {
        var gfid = inode.Facts.Gfid;
        lock (_inodeLocks.Of(gfid))
        {
            if (_handles.Stat(gfid, out var stat) >= 0 && stat.Ino == inode.Stat.Ino && stat.Nlink == 1)
            {
                _ = _open.TryMarkUnlinked(gfid) ? _handles.MoveToUnlinked(gfid) : _handles.Remove(gfid);
            }
        }

        _anonymous.Drop(gfid);
    }

    private sealed class Job(Action action) : IWork
    {
        public void Run() => action();
    }
}
