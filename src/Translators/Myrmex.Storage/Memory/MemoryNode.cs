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

    /// <summary>Times, whether a client stamped them or not.</summary>
    public Mdata Times;

    /// <summary>A client has stamped the times: they are an attribute then.</summary>
    public bool HasMdata { get; set; }

    /// <summary>Open fds: the node lives on without a name while there are any.</summary>
    public int Opens { get; set; }

    /// <summary>The node lives on without a name and without fds.</summary>
    public bool IsKept { get; set; }

    /// <summary>The directory a directory is in.</summary>
    public MemoryNode? Parent { get; set; }

    public SortedDictionary<Name, byte[]> Xattrs { get; } = new(NameOrder.Instance);

    public MemoryContent Content { get; } = new();

    public MemoryDirectory? Directory { get; } =
        (mode & FileMode.TypeMask) == FileMode.Directory ? new MemoryDirectory() : null;

    /// <summary>Target of a symbolic link.</summary>
    public byte[] Target { get; set; } = [];

    public bool IsDirectory => Directory is not null;

    public bool IsRegular => Type == FileMode.Regular;

    public uint Type => Mode & FileMode.TypeMask;

    public Iatt ToIatt() => new()
    {
        Gfid = Gfid,
        Flags = IattFlags.Brick,
        Ino = Gfid.Ino,
        Rdev = DeviceNumber.ToIatt(Device),
        Size = Type == FileMode.SymbolicLink ? (ulong)Target.Length : IsDirectory ? 4096 : (ulong)Content.Length,
        Blocks = IsDirectory ? 8 : (ulong)Content.AllocatedBytes / 512,
        Atime = Times.Atime,
        Mtime = Times.Mtime,
        Ctime = Times.Ctime,
        AtimeNsec = Times.AtimeNsec,
        MtimeNsec = Times.MtimeNsec,
        CtimeNsec = Times.CtimeNsec,
        Nlink = Nlink,
        Uid = Uid,
        Gid = GroupId,
        BlockSize = 4096,
        Mode = Mode,
    };

    private sealed class NameOrder : IComparer<Name>
    {
        public static NameOrder Instance { get; } = new();

        public int Compare(Name x, Name y) => System.MemoryExtensions.SequenceCompareTo(x.Span, y.Span);
    }
}
