using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Storage;

/// <summary>
/// storage/memory: a brick that lives in memory, with the semantics of storage/posix. It is the deterministic twin for
/// the simulator and for contract tests, and a scratch brick. One lock guards everything; every fop completes at once.
/// </summary>
public sealed partial class MemoryTranslator : LeafTranslator, IForcedStore
{
    private const string CapacityKey = "capacity";

    private readonly Lock _lock = new(); // Guards everything; a leaf lock.
    private readonly Dictionary<Gfid, MemoryNode> _nodes = [];
    private readonly long _capacityBytes;
    private long _usedBytes;

    public MemoryTranslator(TranslatorPlace place)
        : base(place)
    {
        _capacityBytes = place.Options.Size(CapacityKey);
        var root = new MemoryNode(Gfid.Root, FileMode.Directory | 0x1ED) { Nlink = 2 };
        var (seconds, nsec) = Now();
        root.Times = TimesAt(seconds, nsec);
        _nodes.Add(Gfid.Root, root);
    }

    public static TranslatorRegistration Registration { get; } = new(
        "storage/memory",
        place => new MemoryTranslator(place),
        [
            new(CapacityKey, OptionKind.Size, "1GB", "Bytes after which writes fail with ENOSPC.") { Minimum = 4096 },
        ],
        Maturity.Experimental)
    {
        SubvolumesMin = 0,
        SubvolumesMax = 0,
    };

    public override void Start() => NotifyParents(new GraphEvent(GraphEventKind.ChildUp));

    public override void DumpState(StateDump dump)
    {
        lock (_lock)
        {
            dump.Put("inodes", _nodes.Count);
            dump.Put("bytes", _usedBytes);
        }
    }

    private static Mdata TimesAt(long seconds, uint nsec) => new()
    {
        Ctime = seconds,
        CtimeNsec = nsec,
        Mtime = seconds,
        MtimeNsec = nsec,
        Atime = seconds,
        AtimeNsec = nsec,
    };

    private static TReply Finish<TReply>(TReply reply, Errno error)
        where TReply : Reply, IReply<TReply>
    {
        if (error == Errno.Ok)
        {
            return reply;
        }

        // A failed reply keeps its xdata: some failures explain themselves there.
        var xdata = reply.XData;
        reply.XData = null;
        reply.Release();
        reply = TReply.Fail(error);
        reply.XData = xdata;
        return reply;
    }

    private (long Seconds, uint Nanoseconds) Now()
    {
        var now = Seams.Clock.WallNs;
        return (now / 1_000_000_000, (uint)(now % 1_000_000_000));
    }

    private (long Seconds, uint Nanoseconds) StampOf(Call call) =>
        call.TimeFlags != TimeFlags.None ? (call.CtimeSeconds, call.CtimeNanoseconds) : Now();

    /// <summary>Changes the times that a fop changes: by the client's stamp, else by the clock.</summary>
    private void Touch(MemoryNode node, TimeFlags natural, Call call)
    {
        const TimeFlags own = TimeFlags.Ctime | TimeFlags.Mtime | TimeFlags.Atime;
        Touch(node, natural, call.TimeFlags & own, call);
    }

    /// <summary>The same for the directory in which a name has changed.</summary>
    private void TouchParent(MemoryNode node, Call call)
    {
        var flags = ((call.TimeFlags & TimeFlags.ParentCtime) != 0 ? TimeFlags.Ctime : TimeFlags.None)
            | ((call.TimeFlags & TimeFlags.ParentMtime) != 0 ? TimeFlags.Mtime : TimeFlags.None)
            | ((call.TimeFlags & TimeFlags.ParentAtime) != 0 ? TimeFlags.Atime : TimeFlags.None);
        Touch(node, TimeFlags.Ctime | TimeFlags.Mtime, flags, call);
    }

    private void Touch(MemoryNode node, TimeFlags natural, TimeFlags stamped, Call call)
    {
        var (seconds, nsec) = StampOf(call);
        if (call.TimeFlags != TimeFlags.None)
        {
            node.HasMdata |= stamped != TimeFlags.None;
            node.Times.Advance(stamped | (call.TimeFlags & TimeFlags.ForwardOnly), seconds, nsec);
        }
        else if (node.HasMdata)
        {
            node.Times.Advance(natural, seconds, nsec);
        }
        else
        {
            // Times of a plain file system are those of its clock, even when that goes back.
            node.Times.Set(natural, seconds, nsec);
        }
    }

    private MemoryNode? Find(in Gfid gfid) => _nodes.GetValueOrDefault(gfid);

    /// <summary>The node behind an fd, or null when it is gone.</summary>
    private MemoryNode? Find(Fd fd, in Gfid gfid) => _nodes.GetValueOrDefault(fd.FileOf(gfid));

    /// <summary>Forgets a node that has neither names nor fds and is not kept.</summary>
    private void DropIfDead(MemoryNode node)
    {
        if (node.Nlink == 0 && node.Opens == 0 && !node.IsKept)
        {
            _usedBytes -= node.Content.AllocatedBytes;
            _nodes.Remove(node.Gfid);
        }
    }

    private Errno FindParent(in Gfid parent, out MemoryNode directory)
    {
        directory = null!; // Not used when the outcome is no success.
        if (Find(parent) is not { } node)
        {
            return Errno.ESTALE;
        }

        directory = node;
        return !node.IsDirectory ? Errno.ENOTDIR : node.Nlink == 0 ? Errno.ESTALE : Errno.Ok;
    }
}
