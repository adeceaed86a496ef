using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Fuse;

/// <summary>
/// Getting a connection with the kernel onto a directory: by mount(2) for root, else with the help of fusermount3.
/// </summary>
internal static class FuseMount
{
    private const string Subtype = "myrmex";

    /// <summary>Mounts and answers the device, on which INIT waits. Throws <see cref="FuseException"/>.</summary>
    public static int Mount(FuseOptions options)
    {
        if (!Directory.Exists(options.MountPoint))
        {
            throw new FuseException($"mount point {options.MountPoint} is not a directory");
        }

        return Sys.EffectiveUser() == 0 ? MountAsRoot(options) : MountByHelper(options);
    }

    /// <summary>Ends the mount; when it is in use it disappears now and ends with its last user.</summary>
    public static void Unmount(string mountPoint)
    {
        if (Sys.EffectiveUser() != 0)
        {
            RunHelper(["-u", "-z", "-q", mountPoint], socket: -1).WaitForExit();
            return;
        }

        var result = Sys.Unmount(mountPoint, 0);
        if (Sys.ErrorOf(result) == Errno.EBUSY)
        {
            result = Sys.Unmount(mountPoint, Sys.UnmountDetach);
        }

        // EINVAL: not mounted any more.
        if (Sys.ErrorOf(result) is not (Errno.Ok or Errno.EINVAL))
        {
            Log.Warning("fuse", "cannot unmount", ("mount", mountPoint), ("errno", Sys.ErrorOf(result)));
        }
    }

    /// <summary>
    /// Raises the read-ahead of the mount's backing device: the kernel cuts what INIT says to 128 KiB. Without the
    /// right to
    /// do so the mount is only slower. The device number comes from mountinfo, because stat would ask the mount itself.
    /// </summary>
    public static void SetReadAhead(string mountPoint, int kilobytes)
    {
        try
        {
            var device = DeviceOf(mountPoint, File.ReadAllText("/proc/self/mountinfo"));
            if (device is not null)
            {
                File.WriteAllText(
                    $"/sys/class/bdi/{device}/read_ahead_kb", kilobytes.ToString(CultureInfo.InvariantCulture));
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Information("fuse", "read-ahead stays at the kernel's default", ("reason", e.Message));
        }
    }

    /// <summary>
    /// The major:minor of the topmost mount on a directory, from the text of mountinfo; null when there is none.
    /// </summary>
    internal static string? DeviceOf(string mountPoint, string mountInfo)
    {
        var path = Path.TrimEndingDirectorySeparator(Path.GetFullPath(mountPoint));
        string? device = null;
        foreach (var line in mountInfo.Split('\n'))
        {
            var fields = line.Split(' ');
            if (fields.Length > 4 && Unescape(fields[4]) == path)
            {
                device = fields[2];
            }
        }

        return device;
    }

    private static int MountAsRoot(FuseOptions options)
    {
        var device = Sys.FuseOpenDevice();
        if (device < 0)
        {
            throw new FuseException(Sys.ErrorOf(device) is Errno.ENOENT or Errno.ENODEV
                ? "there is no /dev/fuse: load the kernel module fuse"
                : $"cannot open /dev/fuse: {Sys.ErrorOf(device)}");
        }

        var data = string.Create(
            CultureInfo.InvariantCulture,
            $"fd={device},rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions")
            + string.Create(CultureInfo.InvariantCulture, $",max_read={FuseLimits.IOBytesMax}");
        if (options.ExtraMountOptions.Length > 0)
        {
            data += "," + options.ExtraMountOptions;
        }

        var flags = options.MountFlags | (options.ReadOnly ? Sys.MountReadOnly : 0);
        var result = Sys.Mount(options.Source, options.MountPoint, "fuse." + Subtype, flags, data);
        if (result < 0)
        {
            Sys.Close(device);
            throw new FuseException($"cannot mount on {options.MountPoint}: {Sys.ErrorOf(result)}");
        }

        return device;
    }

    private static int MountByHelper(FuseOptions options)
    {
        if (Sys.SocketPair(out var ours, out var theirs) < 0)
        {
            throw new FuseException("cannot make a socket pair for fusermount3");
        }

        Sys.SetInheritable(theirs, inheritable: true);
        var text = new StringBuilder("default_permissions,subtype=").Append(Subtype)
            .Append(",fsname=").Append(options.Source.Replace(",", "\\,", StringComparison.Ordinal))
            .Append(",max_read=").Append(FuseLimits.IOBytesMax);
        if (options.ReadOnly)
        {
            text.Append(",ro");
        }

        if (options.ExtraMountOptions.Length > 0)
        {
            text.Append(',').Append(options.ExtraMountOptions);
        }

        using var helper = RunHelper(["-o", text.ToString(), "--", options.MountPoint], theirs);
        Sys.Close(theirs);
        var device = Sys.ReceiveDescriptor(ours);
        Sys.Close(ours);
        helper.WaitForExit();
        if (device < 0)
        {
            throw new FuseException(
                $"fusermount3 could not mount on {options.MountPoint} (exit code {helper.ExitCode})");
        }

        Sys.Fcntl(device, Sys.FSetFl, Sys.Fcntl(device, Sys.FGetFl, 0) | Sys.ONonblock);
        return device;
    }

    private static Process RunHelper(string[] arguments, int socket)
    {
        var start = new ProcessStartInfo("fusermount3") { UseShellExecute = false };
        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        if (socket >= 0)
        {
            start.Environment["_FUSE_COMMFD"] = socket.ToString(CultureInfo.InvariantCulture);
        }

        try
        {
            return Process.Start(start) ?? throw new FuseException("cannot run fusermount3");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new FuseException($"mounting without root needs fusermount3 (package fuse3): {e.Message}");
        }
    }

    // Space, tab, newline and backslash are octal escapes in mountinfo.
    private static string Unescape(string field) => field.Contains('\\')
        ? field.Replace("\\040", " ", StringComparison.Ordinal).Replace("\\011", "\t", StringComparison.Ordinal)
            .Replace("\\012", "\n", StringComparison.Ordinal).Replace("\\134", "\\", StringComparison.Ordinal)
        : field;
}
