using System;
using System.Collections.Generic;
using System.Text;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Storage;

/// <summary>
/// storage/memory: a brick that lives in memory, with the semantics of storage/posix. It is the deterministic twin for the simulator
/// and for contract tests, and a scratch brick. One lock guards everything; every fop completes at once.
/// </summary>
public sealed partial class MemoryTranslator : LeafTranslator
{
    private readonly Lock _lock = new();
    private readonly Dictionary<Gfid, MemoryNode> _nodes = [];

    public MemoryTranslator(TranslatorPlace place)
        : base(place)
    {
        CapacityBytes = place.Options.Size("capacity");
        var root = new MemoryNode(Gfid.Root, FileMode.Directory | 0x1ED) { Nlink = 2 };
        Touch(root, created: true);
        _nodes.Add(Gfid.Root, root);
    }

    public static TranslatorRegistration Registration { get; } = new(
        "storage/memory",
        place => new MemoryTranslator(place),
        [new OptionDeclaration("capacity", OptionKind.Size, "1GB", "Bytes after which writes fail with ENOSPC.") { Minimum = 4096 }],
        Maturity.Experimental)
    {
        SubvolumesMin = 0,
        SubvolumesMax = 0,
    };

    private long CapacityBytes { get; }

    public override void Start() => Notify(new GraphEvent(GraphEventKind.ChildUp), this);

    public override void DumpState(StateDump dump)
    {
        lock (_lock)
        {
            dump.Put("inodes", _nodes.Count);
        }
    }

    private static bool IsDead(MemoryNode node) => node.Nlink == 0 && node.Opens == 0;

    private MemoryNode? Find(Gfid gfid) => _nodes.GetValueOrDefault(gfid);

    /// <summary>The node of an fd or of a gfid; null when it is gone.</summary>
    private MemoryNode? Find(Fd fd) => _nodes.GetValueOrDefault(fd.Gfid);

    private void Drop(MemoryNode node)
    {
        if (IsDead(node))
        {
            _nodes.Remove(node.Gfid);
        }
    }

    private void Touch(MemoryNode node, bool created = false)
    {
        var now = Seams.Clock.WallNs;
        node.MtimeNs = now;
        node.CtimeNs = now;
        if (created)
        {
            node.AtimeNs = now;
            node.BtimeNs = now;
        }
    }

    private Errno FindParent(Gfid parent, out MemoryNode directory)
    {
        directory = null!;
        if (Find(parent) is not { } node)
        {
            return Errno.ESTALE;
        }

        directory = node;
        return node.IsDirectory ? node.Nlink == 0 ? Errno.ENOENT : Errno.Ok : Errno.ENOTDIR;
    }

    /// <summary>Makes a new node under a name. The caller holds the lock.</summary>
    private Errno Make(Gfid parent, Name name, uint mode, Call call, XData? xdata, out MemoryNode node, out Iatt pre, out Iatt post)
    {
        node = null!;
        pre = default;
        post = default;
        var error = CheckName(name);
        if (error == Errno.Ok)
        {
            error = FindParent(parent, out var directory);
            if (error == Errno.Ok)
            {
                return MakeIn(directory, name, mode, call, xdata, out node, out pre, out post);
            }
        }

        return error;
    }

    private Errno MakeIn(
        MemoryNode directory, Name name, uint mode, Call call, XData? xdata, out MemoryNode node, out Iatt pre, out Iatt post)
    {
        node = null!;
        pre = directory.ToIatt();
        post = pre;
        if (directory.Directory!.Find(name) is not null)
        {
            return Errno.EEXIST;
        }

        if (xdata is null || !xdata.TryGetGfid("gfid-req"u8, out var gfid) || gfid.IsNull)
        {
            return Errno.EPERM;
        }

        if (_nodes.ContainsKey(gfid))
        {
            return Errno.EEXIST;
        }

        var inherits = (directory.Mode & FileMode.SetGid) != 0;
        node = new MemoryNode(gfid, inherits && (mode & FileMode.TypeMask) == FileMode.Directory ? mode | FileMode.SetGid : mode)
        {
            Uid = call.Uid,
            GroupId = inherits ? directory.GroupId : call.Gid,
            Nlink = 1,
        };
        Touch(node, created: true);
        if (node.IsDirectory)
        {
            node.Nlink = 2;
            directory.Nlink++;
        }

        foreach (var pair in xdata)
        {
            if (pair.Key.StartsWith("trusted."u8) || pair.Key.StartsWith("user."u8))
            {
                node.Xattrs[Encoding.UTF8.GetString(pair.Key)] = pair.Value.ToArray();
            }
        }

        _nodes.Add(gfid, node);
        directory.Directory.Set(name, node);
        Touch(directory);
        post = directory.ToIatt();
        return Errno.Ok;
    }

    private static Errno CheckName(Name name) =>
        name.Length > Base.Name.LengthMax ? Errno.ENAMETOOLONG : name.IsValidEntry ? Errno.Ok : Errno.EINVAL;

    private bool HasRoom(MemoryNode node, long end)
    {
        if (end <= node.Content.Length)
        {
            return true;
        }

        long used = 0;
        foreach (var other in _nodes.Values)
        {
            used += other.Content.AllocatedBytes;
        }

        return used + (end - node.Content.Length) <= CapacityBytes;
    }
}
