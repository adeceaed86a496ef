using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>Fops on attributes, plain and extended.</summary>
public sealed partial class Evaluator
{
    private const SetattrValid OwnAttributes = SetattrValid.Mode | SetattrValid.Uid | SetattrValid.Gid
        | SetattrValid.Atime | SetattrValid.Mtime | SetattrValid.Ctime;

    /// <summary>The times that are not set stay, the change time is that of the leader unless it is set too.</summary>
    public async ValueTask<Evaluation> SetattrAsync(FopCode fop, Gfid gfid, Iatt wanted, SetattrValid valid)
    {
        valid &= OwnAttributes;
        var call = ReadCall();
        var inode = await StatAsync(gfid, call);
        call.Release();
        if (!inode.IsThere)
        {
            return Evaluation.Fail(inode.Error);
        }

        var stamp = NewStamp();
        var operation = NewOperation(fop, gfid, TimeFlags.Ctime, stamp);
        var post = inode.Iatt;
        if ((valid & (SetattrValid.Uid | SetattrValid.Gid)) != 0)
        {
            post.Uid = (valid & SetattrValid.Uid) != 0 ? wanted.Uid : post.Uid;
            post.Gid = (valid & SetattrValid.Gid) != 0 ? wanted.Gid : post.Gid;
            if (!post.IsDirectory)
            {
                // A new owner takes the set-id bits away, as the file system does by itself.
                post.Mode &= ~FileMode.SetUid;
                post.Mode = (post.Mode & GroupExecute) != 0 ? post.Mode & ~FileMode.SetGid : post.Mode;
            }
        }

        if ((valid & SetattrValid.Mode) != 0 && !post.IsSymbolicLink)
        {
            post.Mode = post.Type | (wanted.Mode & FileMode.PermissionMask);
        }

        var times = (inode.Times ?? InodeTimes.Of(inode.Iatt)).With(TimeFlags.Ctime, stamp.Seconds, stamp.Nanoseconds);
        times = (valid & SetattrValid.Atime) != 0
            ? times.With(TimeFlags.Atime, wanted.Atime, wanted.AtimeNsec) : times;
        times = (valid & SetattrValid.Mtime) != 0
            ? times.With(TimeFlags.Mtime, wanted.Mtime, wanted.MtimeNsec) : times;
        times = (valid & SetattrValid.Ctime) != 0
            ? times.With(TimeFlags.Ctime, wanted.Ctime, wanted.CtimeNsec) : times;
        times.CopyTo(ref post);
        operation.Times = times;
        operation.Mode = post.Mode;
        operation.Uid = post.Uid;
        operation.GroupId = post.Gid;
        operation.Valid = valid & (SetattrValid.Atime | SetattrValid.Mtime);
        operation.Valid |= post.Uid != inode.Iatt.Uid || post.Gid != inode.Iatt.Gid
            || (valid & (SetattrValid.Uid | SetattrValid.Gid)) != 0 ? SetattrValid.Uid | SetattrValid.Gid : 0;
        operation.Valid |= !post.IsSymbolicLink ? SetattrValid.Mode : 0;
        operation.Outcome.Iatts = [inode.Iatt, post];
        return Evaluation.Of(operation);
    }

    /// <summary>
    /// EPERM, ERANGE, E2BIG, EOPNOTSUPP, EINVAL for what cannot be set, EEXIST and ENODATA by the flags. All or
    /// nothing.
    /// </summary>
    public async ValueTask<Evaluation> SetxattrAsync(
        FopCode fop, Gfid gfid, XData? values, uint flags, XData? xdata, Call client)
    {
        if (values is null)
        {
            return Evaluation.Fail(Errno.EINVAL);
        }

        var call = ReadCall();
        var error = await CheckSpaceAsync(client, xdata, call);
        var inode = error == Errno.Ok ? await StatAsync(gfid, call) : default;
        error = error == Errno.Ok ? inode.Error : error;
        var stamp = NewStamp();
        var operation = NewOperation(fop, gfid, TimeFlags.Ctime, stamp);
        error = error == Errno.Ok ? AddXattrs(operation, values) : error;
        if (error == Errno.Ok && flags != 0)
        {
            error = await CheckFlagsAsync(operation, flags, call);
        }

        call.Release();
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        error = StoredTimes(values, inode, out var times);
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        if (operation.Xattrs.Count == 0 && times is null)
        {
            return NoEffect(inode.Iatt, inode.Iatt);
        }

        // Stored times are set as they are; only other attributes make a change time.
        operation.Touches = operation.Xattrs.Count > 0 ? TimeFlags.Ctime : TimeFlags.None;
        operation.Times = times?.With(operation.Touches, stamp.Seconds, stamp.Nanoseconds)
            ?? TimesFor(in inode, operation.Touches, stamp);
        var post = Touched(inode.Iatt, operation.Touches, stamp);
        operation.Times?.CopyTo(ref post);
        operation.Outcome.Iatts = [inode.Iatt, post];
        return Evaluation.Of(operation);
    }

    /// <summary>
    /// One attribute, or all that the xdata names when the name is empty. EPERM for what the store keeps for itself,
    /// ENODATA when there is no such attribute.
    /// </summary>
    public async ValueTask<Evaluation> RemovexattrAsync(FopCode fop, Gfid gfid, Name name, XData? xdata)
    {
        var error = Errno.Ok;
        var names = new List<XattrValue>();
        if (!name.IsEmpty)
        {
            error = XattrRules.IsUnlisted(name.Span) ? Errno.EPERM
                : !XattrRules.IsStorable(name.Span) || name.Length > XattrRules.NameMax ? Errno.ENODATA
                : Errno.Ok;
            names.Add(new XattrValue(name.ToOwned(), null));
        }
        else if (xdata is null)
        {
            error = Errno.EINVAL;
        }
        else
        {
            foreach (var pair in xdata)
            {
                if (XattrRules.IsStorable(pair.Key) && pair.Key.Length <= XattrRules.NameMax)
                {
                    error = XattrRules.IsUnlisted(pair.Key) ? Errno.EPERM : error;
                    names.Add(new XattrValue(Name.From(pair.Key), null));
                }
            }
        }

        var call = ReadCall();
        var inode = await StatAsync(gfid, call);
        error = !inode.IsThere ? inode.Error : error;
        if (error == Errno.Ok && !name.IsEmpty)
        {
            (error, _) = await GetAsync(gfid, name, call);
        }

        call.Release();
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        var stamp = NewStamp();
        var operation = NewOperation(fop, gfid, TimeFlags.Ctime, stamp);
        operation.Xattrs = names;
        operation.Times = TimesFor(in inode, TimeFlags.Ctime, stamp);
        operation.Outcome.Iatts = [inode.Iatt, Touched(inode.Iatt, TimeFlags.Ctime, stamp)];
        return Evaluation.Of(operation);
    }

    /// <summary>
    /// The arithmetic is done here; the operation has the results. A question changes nothing and is answered at once.
    /// </summary>
    public async ValueTask<Evaluation> XattropAsync(FopCode fop, Gfid gfid, XattropKind kind, XData? operands)
    {
        var call = ReadCall();
        var inode = await StatAsync(gfid, call);
        var error = !inode.IsThere ? inode.Error : operands is null ? Errno.EINVAL : Errno.Ok;
        var results = new List<XattrValue>();
        var answers = new List<XattrValue>();
        var wanted = new List<(Name Name, byte[] Operand)>();
        if (error == Errno.Ok)
        {
            foreach (var pair in operands!) // Checked above.
            {
                var settable = XattrRules.CheckSettable(pair.Key, pair.Type, pair.Value.Length);
                error = error == Errno.Ok ? settable : error;
                wanted.Add((Name.From(pair.Key), pair.Value.ToArray()));
            }
        }

        for (var i = 0; i < wanted.Count && error == Errno.Ok; i++)
        {
            var (name, operand) = wanted[i];
            (error, var old) = await GetAsync(gfid, name, call);
            error = error == Errno.ENODATA ? Errno.Ok : error;
            var result = new byte[operand.Length];
            error = error == Errno.Ok ? XattropMath.Apply(kind, old, operand, result) : error;
            if (error == Errno.Ok && !XattropMath.IsQuestion(kind, operand))
            {
                results.Add(new XattrValue(name, result));
            }

            answers.Add(new XattrValue(name, kind == XattropKind.GetAndSet ? old : result));
        }

        call.Release();
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        // As the stores do, it changes no times.
        var operation = NewOperation(fop, gfid, TimeFlags.None, default);
        operation.Xattrs = results;
        operation.Outcome.Iatts = [inode.Iatt, inode.Iatt];
        operation.Outcome.Values = answers;
        return results.Count > 0 ? Evaluation.Of(operation) : new Evaluation { Outcome = operation.Outcome };
    }

    /// <summary>Adds the plain attributes of a dictionary to those of an operation.</summary>
    private static Errno AddXattrs(JournalOperation operation, XData values)
    {
        var xattrs = new List<XattrValue>(operation.Xattrs);
        foreach (var pair in values)
        {
            if (pair.Key.SequenceEqual(JournalKeys.SetCtimeMdata) || pair.Key.SequenceEqual(JournalKeys.Mdata))
            {
                continue;
            }

            var error = XattrRules.CheckSettable(pair.Key, pair.Type, pair.Value.Length);
            if (error != Errno.Ok)
            {
                return error;
            }

            xattrs.Add(new XattrValue(Name.From(pair.Key), pair.Value.ToArray()));
        }

        operation.Xattrs = xattrs;
        return xattrs.Count <= JournalLimits.XattrsMax ? Errno.Ok : Errno.E2BIG;
    }

    private async ValueTask<Errno> CheckFlagsAsync(JournalOperation operation, uint flags, Call call)
    {
        foreach (var (name, _) in operation.Xattrs)
        {
            var (error, _) = await GetAsync(operation.Gfid, name, call);
            error = flags == SetxattrFlags.Create && error == Errno.Ok ? Errno.EEXIST
                : flags == SetxattrFlags.Create && error == Errno.ENODATA ? Errno.Ok
                : error;
            if (error != Errno.Ok)
            {
                return error;
            }
        }

        return Errno.Ok;
    }

    /// <summary>
    /// Times that an attribute sets: the stored form as it is, the wish of a client only where none are stored.
    /// </summary>
    private static Errno StoredTimes(XData values, InodeView inode, out InodeTimes? times)
    {
        times = null;
        if (values.TryFind(JournalKeys.Mdata, out _, out var stored))
        {
            if (!InodeTimes.TryReadMdata(stored, out var read))
            {
                return Errno.EINVAL;
            }

            times = read;
        }
        else if (values.TryFind(JournalKeys.SetCtimeMdata, out _, out var wire))
        {
            if (!InodeTimes.TryReadWire(wire, out var read))
            {
                return Errno.EINVAL;
            }

            times = inode.Times is null ? read : null;
        }

        return Errno.Ok;
    }

    private async ValueTask<(Errno Error, byte[] Value)> GetAsync(Gfid gfid, Name name, Call call)
    {
        var reply = await _store.Getxattr(
            new GetxattrFop { Gfid = gfid, Name = name, NameLength = (uint)name.Length }, call);
        var value = reply.IsOk && reply.Values is not null && reply.Values.TryFind(name.Span, out _, out var bytes)
            ? bytes.ToArray() : [];
        var error = reply.Error;
        reply.Release();
        return (error, value);
    }
}
