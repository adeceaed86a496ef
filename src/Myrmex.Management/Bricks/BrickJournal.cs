using System;
using System.IO;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;

namespace Myrmex.Management.Bricks;

/// <summary>
/// What management does to the directory of a brick with a journal besides marking it: it sees to it that all members
/// of a replica set begin equal, that is with nothing, and formats the journal.
/// </summary>
internal static class BrickJournal
{
    /// <summary>
    /// Bytes of the first segment. It is zeroed while a command waits, so it is small; later ones are made by the brick
    /// process, ahead of need.
    /// </summary>
    private const int FirstSegmentBytes = 4 << 20;

    private const int NamesBytesMax = 4096; // More names than that are left by somebody too: ERANGE.
    private const uint PermissionBits = 0xFFF;
    private const uint DirectoryMode = 0x1ED; // 0755

    private static readonly string[] Namespaces = ["trusted.", "user.", "system."];

    /// <summary>
    /// Why the directory cannot become a member, or null. One that is not there can. Looks only. Whatever is in it or
    /// said of it the other members would lack, and force cannot give it to them.
    /// </summary>
    public static string? Problem(string path)
    {
        if (!Directory.Exists(path))
        {
            return null;
        }

        if (Directory.EnumerateFileSystemEntries(path).FirstOrDefault() is { } entry)
        {
            return $"it is not empty: there is {Path.GetFileName(entry)}";
        }

        return Look(path, fd => AttributeProblem(fd) ?? OwnerProblem(fd));
    }

    /// <summary>
    /// Why the directory of a member cannot be given to a new member, or null. One that is not there, or holds nothing
    /// but an empty .glusterfs, can: what is said of it goes with <see cref="Clean"/>. Looks only.
    /// </summary>
    public static string? RenewalProblem(string path)
    {
        if (!Directory.Exists(path))
        {
            return null;
        }

        var internals = Path.Combine(path, BrickDirectory.InternalDirectory);
        var left = Directory.EnumerateFileSystemEntries(path).FirstOrDefault(entry => entry != internals)
            ?? (Directory.Exists(internals) ? Directory.EnumerateFileSystemEntries(internals).FirstOrDefault()
                : File.Exists(internals) ? internals : null);
        return left is null ? null : $"it is not empty: there is {Path.GetRelativePath(path, left)}";
    }

    /// <summary>
    /// Takes off an empty directory what a former member has left on it: attributes, owner and mode. Throws
    /// <see cref="IOException"/>. Done twice is done once.
    /// </summary>
    public static void Clean(string path)
    {
        if (!Directory.Exists(path))
        {
            return;
        }

        var problem = Look(path, fd =>
        {
            var error = Sys.ErrorOf(Sys.ChangeOwner(fd, uid: 0, gid: 0));
            foreach (var name in LeftOn(fd, ref error))
            {
                var removed = Sys.ErrorOf(Sys.RemoveXattr(fd, Encoding.UTF8.GetBytes(name)));
                error = error == Errno.Ok ? removed : error;
            }

            return error == Errno.Ok ? null : BrickDirectory.Words(error);
        });
        if (problem is not null)
        {
            throw new IOException($"{path}: what a former member has left on it cannot be taken off: {problem}");
        }

        File.SetUnixFileMode(path, (UnixFileMode)DirectoryMode);
    }

    /// <summary>
    /// Makes an empty journal in a marked directory, and makes it durable. Done twice is done once: that there was
    /// none before the command began has been checked. Throws <see cref="IOException"/>.
    /// </summary>
    /// <param name="status">
    /// A voter begins with the set, and all begin with nothing. A learner joins a set that has files.
    /// </param>
    public static void Format(Brick brick, MemberStatus status)
    {
        File.SetUnixFileMode(brick.Path, (UnixFileMode)DirectoryMode); // One that was made has the mask of the process.
        if (Look(brick.Path, OwnerProblem) is { } problem)
        {
            throw new IOException($"{brick.Path}: {problem}");
        }

        var options = new JournalOptions { Path = brick.JournalDirectory, SegmentBytes = FirstSegmentBytes };
        var error = ReplicaJournal.Format(
            LinuxDisk.Shared, options, new SuperblockState { Incarnation = brick.Incarnation, Status = status });
        var internals = Path.GetDirectoryName(brick.JournalDirectory)!; // It has a parent by its form.
        error = error is Errno.Ok or Errno.EEXIST ? LinuxDisk.Shared.SyncDirectory(internals) : error;
        if (error != Errno.Ok)
        {
            throw new IOException(
                $"{brick.JournalDirectory}: the journal cannot be made: {BrickDirectory.Words(error)}");
        }
    }

    /// <summary>Takes back what <see cref="Format"/> did, in a directory that bears the mark of the volume.</summary>
    public static void Remove(Brick brick, VolumeId volume)
    {
        if (BrickDirectory.ReadVolumeId(brick.Path, out _) == volume && Directory.Exists(brick.JournalDirectory))
        {
            Directory.Delete(brick.JournalDirectory, recursive: true);
        }
    }

    /// <summary>What an application or a volume of before has left on it; labels of the machine do not count.</summary>
    private static string? AttributeProblem(int fd)
    {
        var error = Errno.Ok;
        var left = LeftOn(fd, ref error).FirstOrDefault();
        return error != Errno.Ok ? BrickDirectory.Words(error)
            : left is null ? null : $"it has the extended attribute {left}";
    }

    /// <summary>Names of the attributes that count; none and an error when they cannot be listed.</summary>
    private static string[] LeftOn(int fd, ref Errno error)
    {
        Span<byte> names = stackalloc byte[NamesBytesMax];
        var length = Sys.ListXattr(fd, names);
        if (length < 0)
        {
            error = Sys.ErrorOf(length);
            return [];
        }

        return
        [
            .. Encoding.UTF8.GetString(names[..(int)length]).Split('\0').Where(
                n => Array.Exists(Namespaces, space => n.StartsWith(space, StringComparison.Ordinal))),
        ];
    }

    private static string? OwnerProblem(int fd)
    {
        var error = Sys.ErrorOf(Sys.Stat(fd, out var stat));
        var mode = stat.Mode & PermissionBits;
        return error != Errno.Ok ? BrickDirectory.Words(error)
            : stat is { Uid: 0, Gid: 0 } && mode == DirectoryMode ? null
            : $"its owner is {stat.Uid}:{stat.Gid} and its mode {Convert.ToString(mode, 8)}, not 0:0 and 755";
    }

    private static string? Look(string path, Func<int, string?> problem)
    {
        var fd = Sys.OpenAt(0, Encoding.UTF8.GetBytes(path), Sys.OReadOnly | Sys.ODirectory);
        if (fd < 0)
        {
            return BrickDirectory.Words(Sys.ErrorOf(fd));
        }

        try
        {
            return problem(fd);
        }
        finally
        {
            Sys.Close(fd);
        }
    }
}
