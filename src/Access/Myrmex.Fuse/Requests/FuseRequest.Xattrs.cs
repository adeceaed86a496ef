using System;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Fuse.Protocol;

namespace Myrmex.Fuse;

/// <summary>
/// SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR. What is shown and what is forbidden is the bricks' business.
/// </summary>
internal sealed partial class FuseRequest
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> SetxattrAsync()
    {
        var headSize = _session.HasExtendedSetxattr ? 16 : FuseSetxattrIn.CompatSize;
        if (!TryTake(headSize, out FuseSetxattrIn argument) || !TryTakeName(out var name)
            || argument.Size > FuseLimits.XattrBytesMax || argument.Size > (uint)_tailLength)
        {
            return Errno.EIO;
        }

        var error = CheckXattr(name, out var gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        var values = NeedXData();
        values.SetBytes(name.Span, TailSpan()[..(int)argument.Size]);
        BeginCall(withGroups: true);
        error = Errno.ESTALE;
        if (!Inodes.TestFlag(Node, Graph.InodeFlags.Unlinked))
        {
            var fop = new SetxattrFop { Gfid = gfid, Flags = argument.Flags, Values = values };
            var reply = await Top.Setxattr(in fop, Call);
            error = reply.Error;
            reply.Release();
        }

        if (IsNameless(error) && UseAnyFile(Node))
        {
            var fop = new FsetxattrFop { Gfid = gfid, Fd = _fd!.Fd, Flags = argument.Flags, Values = values };
            var reply = await _fd.Graph.Top.Fsetxattr(in fop, Call);
            error = reply.Error;
            reply.Release();
        }

        Inodes.Changed(Node, default, _token, _nowNs);
        Inodes.SetNoCapability(Node, untilNs: 0);
        if (error == Errno.Ok && (argument.SetxattrFlags & FuseBits.SetxattrKillSgid) != 0)
        {
            error = await KillSgidAsync(gfid);
        }

        return error;
    }

    // An access ACL set by somebody outside the file's group takes its sgid bit away.
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> KillSgidAsync(Gfid gfid)
    {
        var (error, iatt) = await StatNodeAsync(gfid);
        if (error != Errno.Ok || (iatt.Mode & FileMode.SetGid) == 0)
        {
            return error;
        }

        var values = new Iatt { Mode = iatt.Mode & ~FileMode.SetGid, Flags = IattFlags.Mode };
        (error, _) = await ChangeAttributesAsync(gfid, values, SetattrValid.Mode);
        return error;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> GetxattrAsync()
    {
        if (!TryTake(out FuseGetxattrIn argument) || !TryTakeName(out var name))
        {
            return Errno.EIO;
        }

        var error = CheckXattr(name, out var gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        if (!_session.Options.Acl && name.Span.StartsWith("system.posix_acl_"u8))
        {
            return Errno.EOPNOTSUPP; // A listing asks this of every file.
        }

        if (name.Equals("security.selinux"u8))
        {
            return Errno.ENODATA; // Labels are not served; the kernel and every listing ask.
        }

        // Asked before every first write; hardly any file has it.
        var isCapability = name.Equals("security.capability"u8);
        if (isCapability && Inodes.HasNoCapability(Node, _nowNs))
        {
            return Errno.ENODATA;
        }

        (error, var values) = await ReadXattrsAsync(gfid, name);
        if (error == Errno.Ok)
        {
            error = values is not null && values.TryGetBytes(name.Span, out var value)
                ? PutXattr(value, argument.Size)
                : Errno.ENODATA;
        }

        values?.Release();
        if (isCapability && error == Errno.ENODATA && !Inodes.HasChangedSince(Node, _token))
        {
            Inodes.SetNoCapability(Node, _nowNs + _session.Options.AttributeTimeoutNs);
        }

        return error;
    }

    /// <summary>The values of one attribute, or of all for an empty name; the caller releases them.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<(Errno Error, XData? Values)> ReadXattrsAsync(Gfid gfid, Name name)
    {
        BeginCall(withGroups: true);
        var error = Errno.ESTALE;
        XData? values = null;
        if (!Inodes.TestFlag(Node, Graph.InodeFlags.Unlinked))
        {
            var fop = new GetxattrFop { Gfid = gfid, Name = name, NameLength = (uint)name.Length };
            var reply = await Top.Getxattr(in fop, Call);
            error = reply.Error;
            (values, reply.Values) = (reply.Values, null);
            reply.Release();
        }

        if (IsNameless(error) && UseAnyFile(Node))
        {
            var fop = new FgetxattrFop { Gfid = gfid, Fd = _fd!.Fd, Name = name, NameLength = (uint)name.Length };
            var reply = await _fd.Graph.Top.Fgetxattr(in fop, Call);
            error = reply.Error;
            values?.Release();
            (values, reply.Values) = (reply.Values, null);
            reply.Release();
        }

        return (error, values);
    }

    /// <summary>A value, or only its size when the caller asks with size 0.</summary>
    private Errno PutXattr(ReadOnlySpan<byte> value, uint room)
    {
        if (room == 0)
        {
            PutXattrSize(value.Length);
            return Errno.Ok;
        }

        if (value.Length > room)
        {
            return Errno.ERANGE;
        }

        PutBytes(value);
        return Errno.Ok;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> ListxattrAsync()
    {
        if (!TryTake(out FuseGetxattrIn argument))
        {
            return Errno.EIO;
        }

        if (!TryGetGfid(Node, out var gfid))
        {
            return Errno.ESTALE;
        }

        var (error, values) = await ReadXattrsAsync(gfid, default);
        if (error == Errno.Ok)
        {
            error = PutXattrNames(values, argument.Size);
        }

        values?.Release();
        return error;
    }

    /// <summary>
    /// The names, each with a NUL. Keys that are no Linux attribute, and trusted ones for users, are left out.
    /// </summary>
    private Errno PutXattrNames(XData? values, uint room)
    {
        var size = 0;
        var buffer = PayloadPool.Shared.Rent(FuseLimits.XattrListBytesMax);
        var names = buffer.GetSpan();
        var isRoot = CallerUid() == 0;
        if (values is not null)
        {
            foreach (var pair in values)
            {
                if (!IsListed(pair.Key, isRoot))
                {
                    continue;
                }

                if (size + pair.Key.Length + 1 > FuseLimits.XattrListBytesMax)
                {
                    buffer.Release();
                    return Errno.E2BIG;
                }

                pair.Key.CopyTo(names[size..]);
                size += pair.Key.Length;
                names[size++] = 0;
            }
        }

        if (room == 0 || size == 0 || size > room)
        {
            buffer.Release();
            if (room == 0)
            {
                PutXattrSize(size);
            }

            return size > room && room != 0 ? Errno.ERANGE : Errno.Ok;
        }

        _data = new Payload(buffer, 0, size);
        return Errno.Ok;
    }

    private bool IsListed(ReadOnlySpan<byte> key, bool isRoot)
    {
        if (key.StartsWith("system.posix_acl_"u8))
        {
            return _session.Options.Acl;
        }

        return key.StartsWith("user."u8) || key.StartsWith("security."u8) || key.StartsWith("system."u8)
            || (isRoot && key.StartsWith("trusted."u8));
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Errno> RemovexattrAsync()
    {
        if (!TryTakeName(out var name))
        {
            return Errno.EIO;
        }

        var error = CheckXattr(name, out var gfid);
        if (error != Errno.Ok)
        {
            return error;
        }

        BeginCall(withGroups: true);
        error = Errno.ESTALE;
        if (!Inodes.TestFlag(Node, Graph.InodeFlags.Unlinked))
        {
            var fop = new RemovexattrFop { Gfid = gfid, Name = name };
            var reply = await Top.Removexattr(in fop, Call);
            error = reply.Error;
            reply.Release();
        }

        if (IsNameless(error) && UseAnyFile(Node))
        {
            var fop = new FremovexattrFop { Gfid = gfid, Fd = _fd!.Fd, Name = name };
            var reply = await _fd.Graph.Top.Fremovexattr(in fop, Call);
            error = reply.Error;
            reply.Release();
        }

        Inodes.Changed(Node, default, _token, _nowNs);
        return error;
    }

    /// <summary>Checks a name and finds the gfid. ACLs are there only on mounts that check them.</summary>
    private Errno CheckXattr(Name name, out Gfid gfid)
    {
        gfid = default;
        if (name.IsEmpty || name.Length > Name.LengthMax)
        {
            return Errno.ERANGE;
        }

        if (!_session.Options.Acl && FuseConversion.IsPosixAcl(name))
        {
            return Errno.EOPNOTSUPP;
        }

        return TryGetGfid(Node, out gfid) ? Errno.Ok : Errno.ESTALE;
    }
}
