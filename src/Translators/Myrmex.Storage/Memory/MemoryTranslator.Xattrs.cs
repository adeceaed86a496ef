using System;
using System.Buffers.Binary;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Storage;

/// <summary>Extended attributes and what clients ask for through dictionaries.</summary>
public sealed partial class MemoryTranslator
{
    private const int XattrSizeMax = 65536;

    public override ValueTask<SetxattrReply> Setxattr(in SetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var error = SetXattrs(Find(fop.Gfid), fop.Values, fop.Flags);
            return new(error == Errno.Ok ? SetxattrReply.Rent() : SetxattrReply.Fail(error));
        }
    }

    public override ValueTask<FsetxattrReply> Fsetxattr(in FsetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var error = SetXattrs(Find(fop.Fd), fop.Values, fop.Flags);
            return new(error == Errno.Ok ? FsetxattrReply.Rent() : FsetxattrReply.Fail(error));
        }
    }

    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var error = GetXattrs(Find(fop.Gfid), fop.Name, out var values);
            if (error != Errno.Ok)
            {
                return new(GetxattrReply.Fail(error));
            }

            var reply = GetxattrReply.Rent();
            reply.Values = values;
            return new(reply);
        }
    }

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call)
    {
        lock (_lock)
        {
            var error = GetXattrs(Find(fop.Fd), fop.Name, out var values);
            if (error != Errno.Ok)
            {
                return new(FgetxattrReply.Fail(error));
            }

            var reply = FgetxattrReply.Rent();
            reply.Values = values;
            return new(reply);
        }
    }

    public override ValueTask<RemovexattrReply> Removexattr(in RemovexattrFop fop, Call call)
    {
        lock (_lock)
        {
            var error = RemoveXattr(Find(fop.Gfid), fop.Name);
            return new(error == Errno.Ok ? RemovexattrReply.Rent() : RemovexattrReply.Fail(error));
        }
    }

    public override ValueTask<FremovexattrReply> Fremovexattr(in FremovexattrFop fop, Call call)
    {
        lock (_lock)
        {
            var error = RemoveXattr(Find(fop.Fd), fop.Name);
            return new(error == Errno.Ok ? FremovexattrReply.Rent() : FremovexattrReply.Fail(error));
        }
    }

    public override ValueTask<XattropReply> Xattrop(in XattropFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = XattropReply.Rent();
            reply.Error = Operate(Find(fop.Gfid), fop.Kind, fop.Values, out reply.Values);
            return new(reply);
        }
    }

    public override ValueTask<FxattropReply> Fxattrop(in FxattropFop fop, Call call)
    {
        lock (_lock)
        {
            var reply = FxattropReply.Rent();
            reply.Error = Operate(Find(fop.Fd), fop.Kind, fop.Values, out reply.Values);
            return new(reply);
        }
    }

    private static bool IsHidden(string name) => name is "trusted.gfid" or "trusted.glusterfs.volume-id";

    private Errno SetXattrs(MemoryNode? node, XData? values, uint flags)
    {
        if (node is null || values is null)
        {
            return node is null ? Errno.ESTALE : Errno.EINVAL;
        }

        foreach (var pair in values)
        {
            var name = Encoding.UTF8.GetString(pair.Key);
            var exists = node.Xattrs.ContainsKey(name);
            if (IsHidden(name) || pair.Value.Length > XattrSizeMax)
            {
                return IsHidden(name) ? Errno.EPERM : Errno.E2BIG;
            }

            if ((flags == SetxattrFlags.Create && exists) || (flags == SetxattrFlags.Replace && !exists))
            {
                return exists ? Errno.EEXIST : Errno.ENODATA;
            }

            node.Xattrs[name] = pair.Value.ToArray();
        }

        node.CtimeNs = Seams.Clock.WallNs;
        return Errno.Ok;
    }

    private static Errno GetXattrs(MemoryNode? node, Name name, out XData? values)
    {
        values = null;
        if (node is null)
        {
            return Errno.ESTALE;
        }

        if (!name.IsEmpty)
        {
            if (!node.Xattrs.TryGetValue(name.ToString(), out var value))
            {
                return Errno.ENODATA;
            }

            values = XData.Rent();
            values.SetBytes(name.Span, value);
            return Errno.Ok;
        }

        values = XData.Rent();
        foreach (var (key, value) in node.Xattrs)
        {
            values.SetBytes(Encoding.UTF8.GetBytes(key), value);
        }

        return Errno.Ok;
    }

    private Errno RemoveXattr(MemoryNode? node, Name name)
    {
        if (node is null || !node.Xattrs.Remove(name.ToString()))
        {
            return node is null ? Errno.ESTALE : Errno.ENODATA;
        }

        node.CtimeNs = Seams.Clock.WallNs;
        return Errno.Ok;
    }

    private static Errno Operate(MemoryNode? node, XattropKind kind, XData? values, out XData? answer)
    {
        answer = null;
        if (node is null || values is null)
        {
            return node is null ? Errno.ESTALE : Errno.EINVAL;
        }

        answer = XData.Rent();
        foreach (var pair in values)
        {
            var name = Encoding.UTF8.GetString(pair.Key);
            node.Xattrs.TryGetValue(name, out var old);
            var result = new byte[pair.Value.Length];
            old?.AsSpan(0, Math.Min(old.Length, result.Length)).CopyTo(result);
            Combine(kind, result, pair.Value);
            if (old is not null || result.AsSpan().IndexOfAnyExcept((byte)0) >= 0)
            {
                node.Xattrs[name] = result;
            }

            answer.SetBytes(pair.Key, result);
        }

        return Errno.Ok;
    }

    private static void Combine(XattropKind kind, Span<byte> value, ReadOnlySpan<byte> operand)
    {
        switch (kind)
        {
            case XattropKind.AddArray64 or XattropKind.AddArray64WithDefault:
                for (var i = 0; i + 8 <= value.Length; i += 8)
                {
                    var sum = BinaryPrimitives.ReadInt64BigEndian(value[i..]) + BinaryPrimitives.ReadInt64BigEndian(operand[i..]);
                    BinaryPrimitives.WriteInt64BigEndian(value[i..], sum);
                }

                break;
            case XattropKind.Or or XattropKind.And:
                for (var i = 0; i < value.Length; i++)
                {
                    value[i] = kind == XattropKind.Or ? (byte)(value[i] | operand[i]) : (byte)(value[i] & operand[i]);
                }

                break;
            case XattropKind.GetAndSet:
                operand.CopyTo(value);
                break;
            default:
                for (var i = 0; i + 4 <= value.Length; i += 4)
                {
                    var sum = BinaryPrimitives.ReadInt32BigEndian(value[i..]) + BinaryPrimitives.ReadInt32BigEndian(operand[i..]);
                    BinaryPrimitives.WriteInt32BigEndian(value[i..], sum);
                }

                break;
        }
    }

    /// <summary>Puts the xattrs that a request names, as far as they exist, into the reply.</summary>
    private static void AnswerXattrs(MemoryNode node, XData? asked, Reply reply) => reply.XData = Answers(node, asked, reply.XData);

    /// <summary>Adds what the request names, as far as it exists, to the answers; a dictionary is rented for the first one.</summary>
    private static XData? Answers(MemoryNode node, XData? asked, XData? answers)
    {
        if (asked is null)
        {
            return answers;
        }

        foreach (var pair in asked)
        {
            if (pair.Key.SequenceEqual("glusterfs.open-fd-count"u8))
            {
                (answers ??= XData.Rent()).SetUInt(pair.Key, (ulong)node.Opens);
            }
            else if (node.Xattrs.TryGetValue(Encoding.UTF8.GetString(pair.Key), out var value))
            {
                (answers ??= XData.Rent()).SetBytes(pair.Key, value);
            }
        }

        return answers;
    }
}
