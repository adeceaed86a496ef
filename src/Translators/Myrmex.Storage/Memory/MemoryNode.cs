using System;
using System.Collections.Generic;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>A file, directory or other object of storage/memory; guarded by the translator's lock.</summary>
internal sealed class MemoryNode(Gfid gfid, uint mode)
{
    public Gfid Gfid { get; } = gfid;

    public uint Mode { get; set; } = mode;

    public uint Uid { get; set; }

    public uint GroupId { get; set; }

    public uint Nlink { get; set; }

    /// <summary>Linux dev_t of a special file.</summary>
    public ulong Device { get; set; }

    /// <summary>Nanoseconds since 1970.</summary>
    public long AtimeNs { get; set; }

    public long MtimeNs { get; set; }

    public long CtimeNs { get; set; }

    public long BtimeNs { get; set; }

    /// <summary>Open fds: the node lives on without a name while there are any.</summary>
    public int Opens { get; set; }

    public SortedDictionary<string, byte[]> Xattrs { get; } = new(StringComparer.Ordinal);

    public MemoryContent Content { get; } = new();

    public MemoryDirectory? Directory { get; } = (mode & FileMode.TypeMask) == FileMode.Directory ? new MemoryDirectory() : null;

    /// <summary>Target of a symbolic link.</summary>
    public byte[] Target { get; set; } = [];

    public bool IsDirectory => Directory is not null;

    public uint Type => Mode & FileMode.TypeMask;

    public Iatt ToIatt()
    {
        var size = Type == FileMode.SymbolicLink ? (ulong)Target.Length : IsDirectory ? 4096 : (ulong)Content.Length;
        return new Iatt
        {
            Gfid = Gfid,
            Flags = IattFlags.Brick | IattFlags.Btime,
            Ino = Gfid.Ino,
            Rdev = DeviceNumber.ToIatt(Device),
            Size = size,
            Blocks = IsDirectory ? 8 : (ulong)Content.AllocatedBytes / 512,
            Atime = AtimeNs / 1_000_000_000,
            Mtime = MtimeNs / 1_000_000_000,
            Ctime = CtimeNs / 1_000_000_000,
            Btime = BtimeNs / 1_000_000_000,
            AtimeNsec = (uint)(AtimeNs % 1_000_000_000),
            MtimeNsec = (uint)(MtimeNs % 1_000_000_000),
            CtimeNsec = (uint)(CtimeNs % 1_000_000_000),
            BtimeNsec = (uint)(BtimeNs % 1_000_000_000),
            Nlink = Nlink,
            Uid = Uid,
            Gid = GroupId,
            BlockSize = 4096,
            Mode = Mode,
        };
    }
}
