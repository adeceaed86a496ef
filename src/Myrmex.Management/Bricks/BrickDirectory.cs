using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Management.State;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;

namespace Myrmex.Management.Bricks;

/// <summary>
/// What management does to a brick's directory: look at it, mark it as part of a volume, and take the mark back.
/// Source: GlusterFS <c>trusted.glusterfs.volume-id</c> (16 raw bytes) and <c>.glusterfs</c> (0600) at the brick's
/// root.
/// </summary>
internal static class BrickDirectory
{
    public const string VolumeIdXattr = "trusted.glusterfs.volume-id";
    public const string GfidXattr = "trusted.gfid";
    public const string CommitHashXattr = "trusted.glusterfs.dht.commithash";
    public const string InternalDirectory = ".glusterfs";
    private const string TrialXattr = "trusted.glusterfs.test";

    private const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    public static BrickBefore Look(string path) => new(
        path,
        Directory.Exists(path),
        Directory.Exists(Path.Combine(path, InternalDirectory)),
        ReadVolumeId(path, out _)?.ToString(),
        ReadCommitHash(path));

    /// <summary>The id of the volume that the directory is part of; null when it has none or cannot be read.</summary>
    public static VolumeId? ReadVolumeId(string path, out Errno error)
    {
        Span<byte> raw = stackalloc byte[Gfid.Size];
        var length = Sys.PathGetXattr(path, VolumeIdXattr, raw);
        error = Sys.ErrorOf(length);
        return length == Gfid.Size ? new VolumeId(Gfid.FromBytes(raw)) : null;
    }

    /// <summary>
    /// The first of the directory and its parents that already belongs to a volume; null when none does.
    /// </summary>
    public static string? FindVolumeOn(string path)
    {
        for (var at = path; at is not null; at = Path.GetDirectoryName(at))
        {
            if (HasXattr(at, VolumeIdXattr) || HasXattr(at, GfidXattr))
            {
                return at;
            }
        }

        return null;
    }

    /// <summary>Nothing is in the directory, or it is not there yet.</summary>
    public static bool IsEmpty(string path) =>
        !Directory.Exists(path)
        || Directory.EnumerateFileSystemEntries(path).All(entry => Path.GetFileName(entry) == InternalDirectory);

    /// <summary>
    /// Makes the directory, its .glusterfs and the mark, and makes them durable. Done twice is done once.
    /// </summary>
    /// <param name="isSpread">
    /// The volume has several subvolumes: they get the volume's commit hash, ASCII decimal with a NUL, which tells DHT
    /// clients that every file of directories made under it is where its name hashes to. True of a new, empty volume.
    /// </param>
    public static void Mark(string path, VolumeId volume, bool isSpread)
    {
        MakeDirectory(path);
        var internals = Path.Combine(path, InternalDirectory);
        if (!Directory.Exists(internals))
        {
            Directory.CreateDirectory(internals, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }

        Check(Sys.PathSetXattr(path, VolumeIdXattr, volume.Value.ToArray()), path, "setting extended attributes");
        if (isSpread)
        {
            // Any number above 1, which means "invalid", that all bricks of the volume share.
            var hash = ((uint)volume.Value.Low | 2).ToString(CultureInfo.InvariantCulture);
            SetCommitHash(path, hash);
        }

        Check(Sys.SyncDirectory(path), path, "fsync");
        Check(Sys.SyncDirectory(Path.GetDirectoryName(path)!), path, "fsync of its parent");
    }

    /// <summary>Takes back what <see cref="Mark"/> did, as far as nobody else has used the directory since.</summary>
    public static void Unmark(BrickBefore before, VolumeId volume)
    {
        if (!Directory.Exists(before.Path))
        {
            return;
        }

        if (ReadVolumeId(before.Path, out _) == volume)
        {
            if (before.FormerVolumeId is { } former && Gfid.TryParse(former, out var id))
            {
                var set = Sys.PathSetXattr(before.Path, VolumeIdXattr, id.ToArray());
                Check(set, before.Path, "setting extended attributes");
            }
            else
            {
                Check(Sys.PathRemoveXattr(before.Path, VolumeIdXattr), before.Path, "removing extended attributes");
            }
        }

        if (before.FormerCommitHash is { } hash)
        {
            SetCommitHash(before.Path, hash);
        }
        else
        {
            Sys.PathRemoveXattr(before.Path, CommitHashXattr); // ENODATA when it was never set.
        }

        if (!before.HadInternals)
        {
            TakeBackInternals(before.Path);
        }

        if (!before.Existed)
        {
            DeleteIfEmpty(before.Path);
        }
    }

    /// <summary>Null when extended attributes of the trusted kind can be set there, else the error.</summary>
    public static Errno TryXattrs(string directory)
    {
        var error = Sys.ErrorOf(Sys.PathSetXattr(directory, TrialXattr, "working\0"u8));
        return error == Errno.Ok ? Sys.ErrorOf(Sys.PathRemoveXattr(directory, TrialXattr)) : error;
    }

    /// <summary>The system's words for an error number, as C's strerror.</summary>
    public static string Words(Errno error) =>
        System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage((int)error);

    private static string? ReadCommitHash(string path)
    {
        Span<byte> raw = stackalloc byte[64];
        var length = Sys.PathGetXattr(path, CommitHashXattr, raw);
        return length > 0 ? Encoding.ASCII.GetString(raw[..(int)length].TrimEnd((byte)0)) : null;
    }

    private static void SetCommitHash(string path, string hash) =>
        Check(
            Sys.PathSetXattr(path, CommitHashXattr, Encoding.ASCII.GetBytes(hash + "\0")),
            path,
            "setting extended attributes");

    private static bool HasXattr(string path, string name) => Sys.PathGetXattr(path, name, []) >= 0;

    private static void MakeDirectory(string path)
    {
        if (Directory.Exists(path))
        {
            return;
        }

        var parent = Path.GetDirectoryName(path)!;
        if (!Directory.Exists(parent))
        {
            // CreateDirectory would make the whole way; a brick on a file system that is not mounted must fail instead.
            throw new DirectoryNotFoundException(Words(Errno.ENOENT));
        }

        Directory.CreateDirectory(path, DirectoryMode);
    }

    /// <summary>
    /// A brick process that has begun to serve has filled .glusterfs and given the root its gfid. Nobody was told of
    /// the brick: without a file beside it, all of that is its own. With one, what it makes at its start is, as long as
    /// no file has got a handle.
    /// </summary>
    private static void TakeBackInternals(string path)
    {
        var internals = Path.Combine(path, InternalDirectory);
        if (!Directory.Exists(internals))
        {
            return;
        }

        if (!IsEmpty(path) && FileIn(new DirectoryInfo(internals), new FileInfo(RootHandle(internals))) is { } file)
        {
            Log.Warning("bricks", "a directory of files keeps what the brick noted about them", ("path", file));
            return;
        }

        Directory.Delete(internals, recursive: true);
        Sys.PathRemoveXattr(path, GfidXattr); // ENODATA when it was never set.
    }

    /// <summary>Source: GlusterFS, a symbolic link to the root of the brick.</summary>
    private static string RootHandle(string internals) =>
        Path.Combine(internals, "00", "00", Gfid.Root.ToString());

    /// <summary>The first that is no directory but one; null when there is none.</summary>
    private static string? FileIn(DirectoryInfo directory, FileInfo but)
    {
        foreach (var entry in directory.EnumerateFileSystemInfos())
        {
            var found = entry is DirectoryInfo { LinkTarget: null } below ? FileIn(below, but)
                : entry.FullName == but.FullName ? null : entry.FullName;
            if (found is not null)
            {
                return found;
            }
        }

        return null;
    }

    private static void DeleteIfEmpty(string path)
    {
        try
        {
            Directory.Delete(path);
        }
        catch (IOException)
        {
            // Not empty or not there: someone else's, or gone already.
        }
    }

    private static void Check(int result, string path, string what)
    {
        if (result < 0)
        {
            throw new IOException($"{path}: {what} failed: {Words(Sys.ErrorOf(result))}");
        }
    }
}
