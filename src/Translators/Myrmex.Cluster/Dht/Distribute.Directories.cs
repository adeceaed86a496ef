using System;
using System.Buffers.Binary;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>One picture of a directory from what its subvolumes say.</summary>
public sealed partial class Distribute
{
    private const int PartsOnStackMax = 128;

    /// <summary>
    /// Merges the views of a directory, remembers its layout and takes one reply out of the answers. Damaged: it is
    /// missing somewhere, its ranges have holes or overlaps, or its metadata has to be copied.
    /// </summary>
    private (LookupReply Reply, bool Damaged) MergeDirectory(Answers<LookupReply> answers, in LookupFop ask)
    {
        var first = answers.FirstOk();
        var gfid = answers[first]!.Iatt.Gfid;
        // Read before the parts: an arrival in between makes the result count as older than it.
        var generation = Volatile.Read(ref _generation);
        _directories.TryGet(gfid, out var state);
        var parts = answers.Count <= PartsOnStackMax
            ? stackalloc LayoutPart[answers.Count]
            : new LayoutPart[answers.Count];
        var mds = ReadParts(answers, state.Layout, parts, out var mdsDirty);
        if (gfid.IsRoot)
        {
            NoteCommitHash(answers);
        }

        var layout = state.Layout is { } known && known.Says(parts, mds) ? known : new Layout(parts.ToArray(), mds);
        RememberDirectory(gfid, layout, generation, ask.Parent, ask.Name);
        var from = mds >= 0 && answers[mds] is { IsOk: true } ? mds : first;
        var reply = answers.Take(from);
        var differs = false;
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i] is { IsOk: true } other)
            {
                differs |= DhtIatt.OwnersDiffer(in reply.Iatt, in other.Iatt);
                DhtIatt.AddDirectory(ref reply.Iatt, in other.Iatt);
                AddParent(reply, other);
            }
        }

        HideKeys(reply.XData);
        var damaged = mdsDirty || (differs && from == mds) || (layout.HasMissing && !ask.Name.IsEmpty)
            || (!layout.IsWhole && !layout.HasUnknown);
        return (reply, damaged);
    }

    private static void AddParent(LookupReply reply, LookupReply other)
    {
        if (!reply.PostParent.IsNull)
        {
            DhtIatt.AddDirectory(ref reply.PostParent, in other.PostParent);
        }
    }

    /// <summary>Fills <paramref name="parts"/> and answers the index of the metadata subvolume, -1 for none.</summary>
    private static int ReadParts(
        Answers<LookupReply> answers, Layout? known, Span<LayoutPart> parts, out bool mdsDirty)
    {
        var mds = -1;
        mdsDirty = false;
        for (var i = 0; i < parts.Length; i++)
        {
            var reply = answers[i];
            if (reply is { IsOk: true })
            {
                parts[i] = ReadPart(reply);
                if (TryReadMds(reply, out var pending))
                {
                    // Two marks are left by a crashed heal; the lower subvolume counts for everybody.
                    mds = mds < 0 ? i : mds;
                    mdsDirty |= mds == i && pending != 0;
                }

                continue;
            }

            var error = reply?.Error ?? Errno.ENOTCONN;
            parts[i] = new LayoutPart(error, HasXattr: false, default);
            if (known is not null && parts[i].IsUnknown)
            {
                // A subvolume that is away keeps the range it had; its names answer ENOTCONN, not ENOENT.
                parts[i] = known[i] with { Error = error };
            }
        }

        if (mds < 0 && known is { Mds: >= 0 } && parts[known.Mds].IsUnknown)
        {
            mds = known.Mds;
        }

        return mds;
    }

    private static LayoutPart ReadPart(LookupReply reply)
    {
        if (reply.XData is null || !reply.XData.TryGetBytes(DhtKeys.Layout, out var bytes)
            || !LayoutXattr.TryRead(bytes, out var xattr))
        {
            return new LayoutPart(Errno.Ok, HasXattr: false, default);
        }

        return new LayoutPart(Errno.Ok, HasXattr: true, xattr);
    }

    private static bool TryReadMds(LookupReply reply, out int pending)
    {
        pending = 0;
        if (reply.XData is null || !reply.XData.TryGetBytes(DhtKeys.Mds, out var bytes) || bytes.Length < 4)
        {
            return false;
        }

        pending = BinaryPrimitives.ReadInt32BigEndian(bytes);
        return true;
    }

    /// <summary>
    /// The volume's commit hash: decimal digits on the root of every subvolume. A subvolume without it has joined after
    /// the last rebalance, and then no directory may be trusted to have all its names in place.
    /// </summary>
    private void NoteCommitHash(Answers<LookupReply> answers)
    {
        long common = -1;
        for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
        {
            var value = answers[i]!.XData is { } xdata && xdata.TryGetBytes(DhtKeys.CommitHash, out var text)
                ? ParseDecimal(text)
                : 0;
            common = common < 0 || common == value ? value : LayoutXattr.CommitHashInvalid;
        }

        Volatile.Write(ref _volumeCommitHash, (uint)Math.Max(common, 0));
    }

    private static long ParseDecimal(ReadOnlySpan<byte> text)
    {
        long value = 0;
        foreach (var c in text)
        {
            if (c is < (byte)'0' or > (byte)'9')
            {
                break;
            }

            value = (value * 10) + (c - '0');
            if (value > uint.MaxValue)
            {
                return LayoutXattr.CommitHashInvalid;
            }
        }

        return value;
    }

    /// <summary>
    /// Hash that decides which subvolume a new layout starts with: of the directory's path, else of its gfid.
    /// </summary>
    private uint StartHash(in Gfid directory)
    {
        Span<byte> path = stackalloc byte[DhtLimits.PathLengthMax];
        if (!_settings.RandomizeByGfid && TryPath(directory, path, out var at))
        {
            return _munger.Hash(path[at..]);
        }

        Span<byte> text = stackalloc byte[36];
        directory.Format(text);
        return _munger.Hash(text);
    }

    /// <summary>
    /// Writes the remembered path to the end of <paramref name="buffer"/>. False when a parent is not remembered; a
    /// path that a rename has made wrong does no harm, as any start is a good one.
    /// </summary>
    private bool TryPath(Gfid directory, Span<byte> buffer, out int at)
    {
        at = buffer.Length;
        if (directory.IsRoot)
        {
            buffer[--at] = (byte)'/';
            return true;
        }

        while (!directory.IsRoot)
        {
            if (!_directories.TryGet(directory, out var state) || state.Name is not { } name || at <= name.Length)
            {
                return false;
            }

            at -= name.Length;
            name.CopyTo(buffer[at..]);
            buffer[--at] = (byte)'/';
            directory = state.Parent;
        }

        return true;
    }
}
