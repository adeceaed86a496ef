using System;
using System.Globalization;
using System.Text;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>Looks after the disk: that it answers, and how much room it has.</summary>
public sealed partial class PosixTranslator
{
    private void ScheduleHealthCheck()
    {
        var seconds = Options.Time("health-check-interval");
        if (seconds > 0 && !_stopped)
        {
            _healthTimer = Seams.Scheduler.Schedule(seconds * 1000, () => Seams.Workers.Submit(new HealthCheck(this)));
        }
    }

    private void CheckHealth()
    {
        if (_stopped)
        {
            return;
        }

        CheckSpace();
        var error = TouchHealthFile();
        if (error != Errno.Ok)
        {
            Log.Error("posix", "health check failed, the brick goes down", ("brick", _store.Path), ("error", error));
            Notify(new GraphEvent(GraphEventKind.ChildDown, Error: error, Text: "the disk of the brick does not answer"), this);
            return;
        }

        ScheduleHealthCheck();
    }

    private Errno TouchHealthFile()
    {
        var fd = Sys.OpenAt(_store.HandlesFd, "health_check\0"u8, (int)(OpenFlags.Create | OpenFlags.ReadWrite), 0x1A4);
        if (fd < 0)
        {
            return Sys.ErrorOf(fd);
        }

        var time = DateTimeOffset.FromUnixTimeMilliseconds(Seams.Clock.WallNs / 1_000_000);
        var text = Encoding.ASCII.GetBytes(time.ToString("ddd MMM dd HH:mm:ss yyyy\n", CultureInfo.InvariantCulture));
        var error = Sys.ErrorOf(Sys.Write(fd, text));
        if (error == Errno.Ok)
        {
            error = Sys.ErrorOf(Sys.Fdatasync(fd));
        }

        Sys.Close(fd);

        // A full disk is no sick disk.
        return error is Errno.ENOSPC or Errno.EDQUOT ? Errno.Ok : error;
    }

    private void CheckSpace()
    {
        if (Sys.StatFileSystem(_store.RootFd, out var stat) >= 0)
        {
            _isFull = stat.Blocks > 0 && stat.BlocksAvailable * 100.0 / stat.Blocks < _reservePercent;
        }
    }

    private sealed class HealthCheck(PosixTranslator owner) : IWork
    {
        public void Run() => owner.CheckHealth();
    }
}
