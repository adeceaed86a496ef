using System;
using System.Buffers;
using Myrmex.Base;
using Myrmex.Runtime.Linux;

namespace Myrmex.Storage;

/// <summary>
/// What requests ask for by key in their xdata, and reading of extended attributes into dictionaries.
/// </summary>
public sealed partial class PosixTranslator
{
    private const int NamesOnStack = 1024;
    private const int ValueOnStack = 256;

    /// <summary>
    /// More attributes than this are looked for in the list of names first: most that clients ask for are not there.
    /// </summary>
    private const int DirectReadsMax = 2;

    /// <summary>Answers the keys of a request about an inode. What is not there is left out.</summary>
    private void AnswerXData(XData? request, in Inode inode, Reply reply)
    {
        if (request is null || request.Count == 0)
        {
            return;
        }

        var attributes = 0;
        foreach (var pair in request)
        {
            if (XattrRules.IsStorable(pair.Key))
            {
                attributes++;
            }
            else if (pair.Key.SequenceEqual(StorageKeys.OpenFdCount)
                || pair.Key.SequenceEqual(StorageKeys.OpenActiveFdCount))
            {
                reply.NeedXData().SetUInt(pair.Key, (ulong)_open.CountOf(inode.Facts.Gfid));
            }
            else if (pair.Key.SequenceEqual(StorageKeys.ListXattr))
            {
                ReadAllXattrs(in inode, reply.NeedXData());
            }
            else if (pair.Key.SequenceEqual(StorageKeys.Content))
            {
                AnswerContent(request, in inode, reply);
            }
            else if (pair.Key.SequenceEqual(StorageKeys.AncestryPath))
            {
                AnswerAncestry(in inode, reply);
            }
        }

        if (attributes > 0)
        {
            AnswerAttributes(request, attributes, in inode, reply);
        }
    }

    private static void AnswerAttributes(XData request, int count, in Inode inode, Reply reply)
    {
        Span<byte> names = stackalloc byte[NamesOnStack];
        var useList = count > DirectReadsMax || HasPattern(request);
        if (useList)
        {
            var size = inode.ListXattr(names);
            if (size >= 0)
            {
                AnswerListed(request, names[..(int)size], in inode, reply);
                return;
            }

            if (Sys.ErrorOf(size) != Errno.ERANGE)
            {
                return;
            }

            var rented = ArrayPool<byte>.Shared.Rent(XattrRules.ValueMax);
            size = inode.ListXattr(rented);
            if (size > 0)
            {
                AnswerListed(request, rented.AsSpan(0, (int)size), in inode, reply);
            }

            ArrayPool<byte>.Shared.Return(rented);
            return;
        }

        foreach (var pair in request)
        {
            if (XattrRules.IsStorable(pair.Key) && !XattrRules.IsHidden(pair.Key))
            {
                ReadXattr(in inode, pair.Key, reply);
            }
        }
    }

    private static bool HasPattern(XData request)
    {
        foreach (var pair in request)
        {
            if (pair.Key.Contains((byte)'*') && XattrRules.IsStorable(pair.Key))
            {
                return true;
            }
        }

        return false;
    }

    private static void AnswerListed(XData request, ReadOnlySpan<byte> names, in Inode inode, Reply reply)
    {
        while (!names.IsEmpty)
        {
            var end = names.IndexOf((byte)0);
            var name = end < 0 ? names : names[..end];
            names = end < 0 ? default : names[(end + 1)..];
            if (!XattrRules.IsHidden(name) && IsAsked(request, name))
            {
                ReadXattr(in inode, name, reply);
            }
        }
    }

    private static bool IsAsked(XData request, ReadOnlySpan<byte> name)
    {
        foreach (var pair in request)
        {
            if (XattrRules.IsStorable(pair.Key) && XattrRules.Matches(pair.Key, name))
            {
                return true;
            }
        }

        return false;
    }

    private static void ReadXattr(in Inode inode, ReadOnlySpan<byte> name, Reply reply)
    {
        Span<byte> value = stackalloc byte[ValueOnStack];
        var size = inode.GetXattr(name, value);
        if (size >= 0)
        {
            reply.NeedXData().SetBytes(name, value[..(int)size]);
        }
        else if (Sys.ErrorOf(size) == Errno.ERANGE)
        {
            ReadLargeXattr(in inode, name, reply.NeedXData());
        }
    }

    /// <summary>Puts one attribute into a dictionary.</summary>
    private static Errno ReadXattr(in Inode inode, ReadOnlySpan<byte> name, XData target)
    {
        Span<byte> value = stackalloc byte[ValueOnStack];
        var size = inode.GetXattr(name, value);
        if (size >= 0)
        {
            target.SetBytes(name, value[..(int)size]);
            return Errno.Ok;
        }

        var error = Sys.ErrorOf(size);
        return error == Errno.ERANGE ? ReadLargeXattr(in inode, name, target) : error;
    }

    private static Errno ReadLargeXattr(in Inode inode, ReadOnlySpan<byte> name, XData target)
    {
        var rented = ArrayPool<byte>.Shared.Rent(XattrRules.ValueMax);
        var size = inode.GetXattr(name, rented.AsSpan(0, XattrRules.ValueMax));
        if (size >= 0)
        {
            target.SetBytes(name, rented.AsSpan(0, (int)size));
        }

        ArrayPool<byte>.Shared.Return(rented);
        return Sys.ErrorOf(size);
    }

    /// <summary>Puts all attributes that clients may see into a dictionary.</summary>
    private static Errno ReadAllXattrs(in Inode inode, XData target)
    {
        var rented = ArrayPool<byte>.Shared.Rent(XattrRules.ValueMax);
        var size = inode.ListXattr(rented.AsSpan(0, XattrRules.ValueMax));
        if (size > 0)
        {
            ReadOnlySpan<byte> names = rented.AsSpan(0, (int)size);
            while (!names.IsEmpty)
            {
                var end = names.IndexOf((byte)0);
                var name = end < 0 ? names : names[..end];
                names = end < 0 ? default : names[(end + 1)..];
                if (!XattrRules.IsUnlisted(name))
                {
                    ReadXattr(in inode, name, target);
                }
            }
        }

        ArrayPool<byte>.Shared.Return(rented);
        return size < 0 ? Sys.ErrorOf(size) : Errno.Ok;
    }

    /// <summary>The whole content of a small file, when it is in memory.</summary>
    private static void AnswerContent(XData request, in Inode inode, Reply reply)
    {
        if (inode.IsRegular && (long)inode.Stat.Size <= ContentLimit(request))
        {
            ReadContent(in inode, reply, Sys.RwNoWait);
        }
    }

    /// <summary>Largest file whose content the request wants; negative when it wants none.</summary>
    private static long ContentLimit(XData? request) =>
        request is not null && request.TryGetInt(StorageKeys.Content, out var limit)
            ? Math.Min(limit, PosixLimits.LookupContentMax)
            : -1;

    private static bool LacksContent(XData? request, LookupReply reply) =>
        reply.Iatt.IsRegular && (long)reply.Iatt.Size <= ContentLimit(request)
        && (reply.XData is null || !reply.XData.Contains(StorageKeys.Content));

    /// <summary>
    /// Puts the content into the answer if it is as long as the stat of the inode, which is older, says.
    /// </summary>
    private static void ReadContent(in Inode inode, Reply reply, int readFlags)
    {
        var size = (int)inode.Stat.Size;
        if (size == 0)
        {
            reply.NeedXData().SetBytes(StorageKeys.Content, default);
            return;
        }

        var fd = inode.Open(Sys.OReadOnly | Sys.ONoAtime);
        if (fd < 0)
        {
            return;
        }

        // One byte more than expected shows that the file has grown since its size was read.
        var rented = ArrayPool<byte>.Shared.Rent(size + 1);
        var read = Sys.PRead(fd, rented.AsSpan(0, size + 1), 0, readFlags);
        Sys.Close(fd);
        if (read == size)
        {
            reply.NeedXData().SetBytes(StorageKeys.Content, rented.AsSpan(0, size));
        }

        ArrayPool<byte>.Shared.Return(rented);
    }

    private void AnswerAncestry(in Inode inode, Reply reply)
    {
        if (PathOf(in inode) is { } path)
        {
            reply.NeedXData().SetString(StorageKeys.AncestryPath, path);
        }
    }

    /// <summary>Adds content that has to come from the disk to the answer of a lookup, on a worker.</summary>
    private readonly record struct ContentJob(LookupReply Reply) : IPosixJob<LookupReply>
    {
        public LookupReply Run(PosixTranslator posix)
        {
            Span<byte> path = stackalloc byte[HandleTree.PathSize];
            var inode = Inode.OfPath(posix._handles.Fd, HandleTree.PathOf(Reply.Iatt.Gfid, path));
            inode.Stat.Size = Reply.Iatt.Size;
            ReadContent(in inode, Reply, readFlags: 0);
            return Reply;
        }
    }
}
