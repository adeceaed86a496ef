using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Extended attributes and what clients ask for in their xdata.</summary>
public sealed partial class MemoryTranslator
{
    private const long ContentMax = 1 << 20;

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = SetxattrReply.Rent();
            return new(Finish(reply, SetXattrs(Find(fop.Gfid), fop.Values, fop.Flags, fop.XData, reply, call)));
        }
    }

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FsetxattrReply.Rent();
            return new(Finish(reply, SetXattrs(Find(fop.Fd, fop.Gfid), fop.Values, fop.Flags, fop.XData, reply, call)));
        }
    }

    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = GetxattrReply.Rent();
            reply.Values = XData.Rent();
            return new(Finish(reply, GetXattrs(Find(fop.Gfid), fop.Name, reply.Values)));
        }
    }

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FgetxattrReply.Rent();
            reply.Values = XData.Rent();
            return new(Finish(reply, GetXattrs(Find(fop.Fd, fop.Gfid), fop.Name, reply.Values)));
        }
    }

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call)
    {
        lock (_lock)
        {
            return new(Finish(RemovexattrReply.Rent(), RemoveXattrs(Find(fop.Gfid), fop.Name, fop.XData, call)));
        }
    }

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call)
    {
        lock (_lock)
        {
            return new(
                Finish(FremovexattrReply.Rent(), RemoveXattrs(Find(fop.Fd, fop.Gfid), fop.Name, fop.XData, call)));
        }
    }

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = XattropReply.Rent();
            reply.Values = XData.Rent();
            var error = Operate(Find(fop.Gfid), fop.Kind, fop.Values, reply.Values, ref reply.Pre);
            reply.Post = reply.Pre;
            return new(Finish(reply, error));
        }
    }

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FxattropReply.Rent();
            reply.Values = XData.Rent();
            var error = Operate(Find(fop.Fd, fop.Gfid), fop.Kind, fop.Values, reply.Values, ref reply.Pre);
            reply.Post = reply.Pre;
            return new(Finish(reply, error));
        }
    }

    private Errno SetXattrs(MemoryNode? node, XData? values, uint flags, XData? xdata, Reply reply, Call call)
    {
        if (node is null || values is null)
        {
            return node is null ? Errno.ESTALE : Errno.EINVAL;
        }

        var pre = node.ToIatt();
        var error = SetTimes(node, values, out var hasOthers);
        if (error == Errno.Ok && hasOthers)
        {
            error = SetPlain(node, values, flags);
            Touch(node, TimeFlags.Ctime, call);
        }

        if (error == Errno.Ok && xdata is not null && (xdata.Contains(StorageKeys.IattInXattr)
            || xdata.Contains(StorageKeys.PreStat) || xdata.Contains(StorageKeys.PostStat)))
        {
            var post = node.ToIatt();
            var answer = reply.NeedXData();
            answer.SetIatt(StorageKeys.PreStat, in pre);
            answer.SetIatt(StorageKeys.PostStat, in post);
            answer.SetIatt(StorageKeys.IattInXattr, in post);
        }

        return error;
    }

    private static Errno SetTimes(MemoryNode node, XData values, out bool hasOthers)
    {
        hasOthers = false;
        foreach (var pair in values)
        {
            if (pair.Key.SequenceEqual(StorageKeys.SetCtimeMdata))
            {
                if (!Mdata.TryReadWire(pair.Value, out var seen))
                {
                    return Errno.EINVAL;
                }

                node.Times = node.HasMdata ? node.Times : seen;
                node.HasMdata = true;
            }
            else if (pair.Key.SequenceEqual(StorageKeys.Mdata))
            {
                if (!Mdata.TryRead(pair.Value, out var mdata))
                {
                    return Errno.EINVAL;
                }

                node.Times = mdata;
                node.HasMdata = true;
            }
            else
            {
                hasOthers = true;
            }
        }

        return Errno.Ok;
    }

    private static Errno SetPlain(MemoryNode node, XData values, uint flags)
    {
        foreach (var pair in values)
        {
            if (pair.Key.SequenceEqual(StorageKeys.SetCtimeMdata) || pair.Key.SequenceEqual(StorageKeys.Mdata))
            {
                continue;
            }

            var error = XattrRules.CheckSettable(pair.Key, pair.Type, pair.Value.Length);
            var name = Base.Name.From(pair.Key);
            var exists = node.Xattrs.ContainsKey(name);
            if (error == Errno.Ok)
            {
                error = flags == SetxattrFlags.Create && exists ? Errno.EEXIST
                    : flags == SetxattrFlags.Replace && !exists ? Errno.ENODATA
                    : Errno.Ok;
            }

            if (error != Errno.Ok)
            {
                return error;
            }

            node.Xattrs[name] = pair.Value.ToArray();
        }

        return Errno.Ok;
    }

    private static Errno GetXattrs(MemoryNode? node, Name name, XData values)
    {
        if (node is null)
        {
            return Errno.ESTALE;
        }

        if (name.IsEmpty)
        {
            AnswerAll(node, values);
            return Errno.Ok;
        }

        if (name.Equals(StorageKeys.GfidText))
        {
            values.SetString(name.Span, node.Gfid.ToString());
            return Errno.Ok;
        }

        return TryAnswerXattr(node, name.Span, values) ? Errno.Ok : Errno.ENODATA;
    }

    private static void AnswerAll(MemoryNode node, XData values)
    {
        foreach (var (key, value) in node.Xattrs)
        {
            if (!XattrRules.IsUnlisted(key.Span))
            {
                values.SetBytes(key.Span, value);
            }
        }
    }

    /// <summary>One stored attribute, or the stamped times.</summary>
    private static bool TryAnswerXattr(MemoryNode node, ReadOnlySpan<byte> name, XData values)
    {
        if (name.SequenceEqual(StorageKeys.Mdata) && node.HasMdata)
        {
            Span<byte> bytes = stackalloc byte[Mdata.Size];
            node.Times.Write(bytes);
            values.SetBytes(name, bytes);
            return true;
        }

        if (XattrRules.IsHidden(name) || !node.Xattrs.TryGetValue(Base.Name.From(name), out var value))
        {
            return false;
        }

        values.SetBytes(name, value);
        return true;
    }

    private Errno RemoveXattrs(MemoryNode? node, Name name, XData? xdata, Call call)
    {
        if (node is null)
        {
            return Errno.ESTALE;
        }

        var error = Errno.Ok;
        if (!name.IsEmpty)
        {
            error = XattrRules.IsUnlisted(name.Span) ? Errno.EPERM
                : node.Xattrs.Remove(name) ? Errno.Ok
                : Errno.ENODATA;
        }
        else if (xdata is null)
        {
            error = Errno.EINVAL;
        }
        else
        {
            foreach (var pair in xdata)
            {
                if (XattrRules.IsStorable(pair.Key) && !XattrRules.IsUnlisted(pair.Key))
                {
                    node.Xattrs.Remove(Base.Name.From(pair.Key));
                }
            }
        }

        if (error == Errno.Ok)
        {
            Touch(node, TimeFlags.Ctime, call);
        }

        return error;
    }

    private static Errno Operate(MemoryNode? node, XattropKind kind, XData? operands, XData answer, ref Iatt iatt)
    {
        if (node is null || operands is null)
        {
            return node is null ? Errno.ESTALE : Errno.EINVAL;
        }

        iatt = node.ToIatt();
        foreach (var pair in operands)
        {
            var error = XattrRules.CheckSettable(pair.Key, pair.Type, pair.Value.Length);
            var name = Base.Name.From(pair.Key);
            var old = node.Xattrs.GetValueOrDefault(name) ?? [];
            var result = new byte[pair.Value.Length];
            if (error == Errno.Ok)
            {
                error = XattropMath.Apply(kind, old, pair.Value, result);
            }

            if (error != Errno.Ok)
            {
                return error;
            }

            if (!XattropMath.IsQuestion(kind, pair.Value))
            {
                node.Xattrs[name] = result;
            }

            answer.SetBytes(pair.Key, kind == XattropKind.GetAndSet ? old : result);
        }

        return Errno.Ok;
    }

    private static void AnswerXData(XData? request, MemoryNode? node, Reply reply)
    {
        if (request is not null && node is not null)
        {
            reply.XData = Answer(request, node, reply.XData);
        }
    }

    /// <summary>
    /// Adds what the request asks for, as far as it exists; a dictionary is rented for the first answer.
    /// </summary>
    private static XData? Answer(XData? request, MemoryNode node, XData? answer)
    {
        if (request is null)
        {
            return answer;
        }

        var values = answer ?? XData.Rent();
        foreach (var pair in request)
        {
            if (pair.Key.SequenceEqual(StorageKeys.OpenFdCount)
                || pair.Key.SequenceEqual(StorageKeys.OpenActiveFdCount))
            {
                values.SetUInt(pair.Key, (ulong)node.Opens);
            }
            else if (pair.Key.SequenceEqual(StorageKeys.ListXattr))
            {
                AnswerAll(node, values);
            }
            else if (pair.Key.SequenceEqual(StorageKeys.Content))
            {
                AnswerContent(request, node, values);
            }
            else if (pair.Key.Contains((byte)'*'))
            {
                AnswerPattern(pair.Key, node, values);
            }
            else if (XattrRules.IsStorable(pair.Key))
            {
                TryAnswerXattr(node, pair.Key, values);
            }
        }

        if (answer is null && values.Count == 0)
        {
            values.Release();
            return null;
        }

        return values;
    }

    private static void AnswerPattern(ReadOnlySpan<byte> pattern, MemoryNode node, XData values)
    {
        foreach (var (key, value) in node.Xattrs)
        {
            if (XattrRules.IsStorable(pattern) && !XattrRules.IsHidden(key.Span)
                && XattrRules.Matches(pattern, key.Span))
            {
                values.SetBytes(key.Span, value);
            }
        }
    }

    private static void AnswerContent(XData request, MemoryNode node, XData values)
    {
        if (node.IsRegular && request.TryGetInt(StorageKeys.Content, out var limit)
            && node.Content.Length <= Math.Min(limit, ContentMax))
        {
            AddContent(values, node);
        }
    }

    private static void AddContent(XData values, MemoryNode node)
    {
        var bytes = new byte[node.Content.Length];
        node.Content.Read(0, bytes);
        values.SetBytes(StorageKeys.Content, bytes);
    }
}
