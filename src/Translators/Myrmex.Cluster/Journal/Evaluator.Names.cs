using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;

namespace Myrmex.Cluster.Journal;

/// <summary>Fops on names.</summary>
public sealed partial class Evaluator
{
    private const TimeFlags ParentTouches = TimeFlags.ParentMtime | TimeFlags.ParentCtime;
    private const TimeFlags DirectoryTouches = TimeFlags.Mtime | TimeFlags.Ctime;

    /// <summary>What a creating fop asks for.</summary>
    private readonly record struct Creation(
        FopCode Fop, Gfid Parent, Name Name, uint Mode, XData? XData, ulong Device = 0, Name Target = default);

    /// <summary>
    /// EPERM without gfid-req; EEXIST for a name or gfid that is there. Without O_EXCL an existing file is opened.
    /// </summary>
    public async ValueTask<Evaluation> CreateAsync(CreateFop fop, Call client)
    {
        var call = ReadCall();
        var mode = FileMode.Regular | (fop.Mode & FileMode.PermissionMask);
        var evaluation = await CreateAsync(
            new Creation(FopCode.Create, fop.Parent, fop.Name, mode, fop.XData), client, call);
        if (evaluation.Error == Errno.EEXIST && (fop.Flags & OpenFlags.Exclusive) == 0)
        {
            var at = await LookupAsync(fop.Parent, fop.Name, call);
            evaluation = !at.IsThere ? evaluation
                : CheckRegular(at.Iatt) is var error and not Errno.Ok ? Evaluation.Fail(error)
                : new Evaluation { OpenInstead = at.Iatt.Gfid };
        }

        call.Release();
        return evaluation;
    }

    /// <summary>With the gfid of an existing non-directory it is a LINK: heals and link files rely on that.</summary>
    public async ValueTask<Evaluation> MknodAsync(MknodFop fop, Call client)
    {
        var type = fop.Mode & FileMode.TypeMask;
        if (type is FileMode.Directory or FileMode.SymbolicLink)
        {
            return Evaluation.Fail(Errno.EINVAL);
        }

        var call = ReadCall();
        Evaluation evaluation;
        if (fop.XData is not null && fop.XData.TryGetGfid(JournalKeys.GfidRequest, out var gfid)
            && (await StatAsync(gfid, call)) is { IsThere: true, Iatt: { IsDirectory: false, Nlink: > 0 } })
        {
            evaluation = await LinkAsync(FopCode.Link, gfid, fop.Parent, fop.Name, call);
        }
        else
        {
            var mode = type == 0 ? fop.Mode | FileMode.Regular : fop.Mode;
            evaluation = await CreateAsync(
                new Creation(FopCode.Mknod, fop.Parent, fop.Name, mode, fop.XData, fop.Device), client, call);
        }

        call.Release();
        return evaluation;
    }

    public async ValueTask<Evaluation> MkdirAsync(MkdirFop fop, Call client)
    {
        var call = ReadCall();
        var mode = FileMode.Directory | (fop.Mode & FileMode.PermissionMask);
        var evaluation = await CreateAsync(
            new Creation(FopCode.Mkdir, fop.Parent, fop.Name, mode, fop.XData), client, call);
        call.Release();
        return evaluation;
    }

    public async ValueTask<Evaluation> SymlinkAsync(SymlinkFop fop, Call client)
    {
        if (fop.Target.IsEmpty || fop.Target.Length > JournalLimits.TargetMax)
        {
            return Evaluation.Fail(fop.Target.IsEmpty ? Errno.ENOENT : Errno.ENAMETOOLONG);
        }

        var call = ReadCall();
        const uint mode = FileMode.SymbolicLink | 0x1FF;
        var evaluation = await CreateAsync(
            new Creation(FopCode.Symlink, fop.Parent, fop.Name, mode, fop.XData, Target: fop.Target.ToOwned()),
            client, call);
        call.Release();
        return evaluation;
    }

    public async ValueTask<Evaluation> LinkAsync(LinkFop fop)
    {
        var call = ReadCall();
        var evaluation = await LinkAsync(FopCode.Link, fop.Gfid, fop.NewParent, fop.NewName, call);
        call.Release();
        return evaluation;
    }

    /// <summary>EISDIR for a directory, EBUSY when a guard in the xdata forbids it.</summary>
    /// <param name="client">Who asks; null for one of the cluster's own.</param>
    public async ValueTask<Evaluation> UnlinkAsync(UnlinkFop fop, Call? client = null)
    {
        var call = ReadCall();
        var evaluation = await RemoveAsync(
            FopCode.Unlink, fop.Parent, fop.Name, fop.XData, IsInternal(client), call);
        call.Release();
        return evaluation;
    }

    /// <summary>
    /// ENOTEMPTY for a directory that is not empty, with flags too: taking a whole tree away in one operation would
    /// conflict with operations it has no key in common with.
    /// </summary>
    public async ValueTask<Evaluation> RmdirAsync(RmdirFop fop)
    {
        var call = ReadCall();
        var evaluation = await RemoveAsync(
            FopCode.Rmdir, fop.Parent, fop.Name, fop.XData, isInternal: false, call);
        call.Release();
        return evaluation;
    }

    /// <summary>A kept file goes; the caller holds its inode and knows that nobody uses it.</summary>
    public Evaluation EndKept(in Gfid gfid)
    {
        var operation = NewOperation(FopCode.Unlink, gfid, TimeFlags.None, NewStamp());
        operation.Parent = IForcedStore.KeptFiles;
        operation.Name = Redo.PoolName(gfid);
        operation.Mode = FileMode.Regular;
        operation.Flags = JournalOperation.LastName;
        return Evaluation.Of(operation);
    }

    private async ValueTask<Evaluation> CreateAsync(Creation wanted, Call client, Call call)
    {
        var at = await LookupEntryAsync(wanted.Parent, wanted.Name, call);
        if (at.Error != Errno.ENOENT)
        {
            // What is there without a gfid is in the way too.
            return Evaluation.Fail(at.Error is Errno.Ok or Errno.ENODATA or Errno.EIO ? Errno.EEXIST : at.Error);
        }

        var error = await CheckSpaceAsync(client, wanted.XData, call);
        var gfid = default(Gfid);
        if (error == Errno.Ok
            && (wanted.XData is null || !wanted.XData.TryGetGfid(JournalKeys.GfidRequest, out gfid) || gfid.IsNull))
        {
            gfid = _seams.NewGfid();
            error = client.Pid < 0 ? Errno.Ok : Errno.EPERM;
        }

        if (error == Errno.Ok && gfid.IsRoot)
        {
            error = Errno.EINVAL;
        }

        if (error == Errno.Ok)
        {
            var taken = await StatAsync(gfid, call);
            var isOnlyOpen = taken is { IsThere: true, Iatt: { IsDirectory: false, Nlink: 0 } };
            error = isOnlyOpen ? Errno.Ok
                : taken.IsThere ? Errno.EEXIST : taken.IsMissing ? Errno.Ok : taken.Error;
        }

        var parent = error == Errno.Ok ? await StatAsync(wanted.Parent, call) : default;
        error = error == Errno.Ok ? parent.Error : error;
        if (error == Errno.Ok && !await HasExpectedAsync(wanted.Parent, wanted.XData, call))
        {
            var failed = Evaluation.Fail(Errno.EIO);
            failed.Answers.Add((JournalKeys.PreopCheckFailed.ToArray(), 1));
            return failed;
        }

        return error == Errno.Ok ? Evaluation.Of(Creating(wanted, gfid, parent, client)) : Evaluation.Fail(error);
    }

    private JournalOperation Creating(Creation wanted, Gfid gfid, InodeView parent, Call client)
    {
        var stamp = NewStamp();
        var operation = NewOperation(wanted.Fop, gfid, OwnTimes | ParentTouches, stamp);
        operation.Parent = wanted.Parent;
        operation.Name = wanted.Name.ToOwned();
        operation.Mode = ModeOfNew(parent.Iatt, wanted.Mode, client);
        operation.Uid = client.Uid;
        operation.GroupId = (parent.Iatt.Mode & FileMode.SetGid) != 0 ? parent.Iatt.Gid : client.Gid;
        operation.Device = wanted.Device;
        operation.Target = wanted.Target;
        operation.ParentTimes = TimesFor(in parent, DirectoryTouches, stamp);
        operation.Xattrs = XattrsAtCreation(wanted.XData);
        var isDirectory = operation.IsDirectory;
        var iatt = new Iatt
        {
            Gfid = gfid,
            Flags = IattFlags.Brick,
            Ino = gfid.Ino,
            Dev = parent.Iatt.Dev,
            Rdev = DeviceNumber.ToIatt(wanted.Device),
            Size = isDirectory ? 4096 : (ulong)wanted.Target.Length,
            Blocks = isDirectory ? 8u : 0,
            Nlink = isDirectory ? 2u : 1,
            Uid = operation.Uid,
            Gid = operation.GroupId,
            BlockSize = 4096,
            Mode = operation.Mode,
        };
        var post = Touched(parent.Iatt, DirectoryTouches, stamp);
        post.Nlink += isDirectory ? 1u : 0;
        operation.Outcome.Iatts = [Touched(in iatt, OwnTimes, stamp), parent.Iatt, post];
        return operation;
    }

    /// <summary>
    /// Set-group-id as Linux has it: directories inherit it, files keep it only for members of the group. Source:
    /// inode(7).
    /// </summary>
    private static uint ModeOfNew(in Iatt parent, uint mode, Call client)
    {
        if ((parent.Mode & FileMode.SetGid) == 0)
        {
            return mode;
        }

        if ((mode & FileMode.TypeMask) == FileMode.Directory)
        {
            return mode | FileMode.SetGid;
        }

        var isMember = client.Uid == 0 || client.Gid == parent.Gid || client.Groups.Contains(parent.Gid);
        return (mode & (FileMode.SetGid | GroupExecute)) == (FileMode.SetGid | GroupExecute) && !isMember
            ? mode & ~FileMode.SetGid
            : mode;
    }

    private static List<XattrValue> XattrsAtCreation(XData? xdata)
    {
        var xattrs = new List<XattrValue>();
        if (xdata is null)
        {
            return xattrs;
        }

        var isChecked = xdata.TryGetBytes(JournalKeys.PreopParentKey, out var checkedKey);
        foreach (var pair in xdata)
        {
            if (XattrRules.IsSetAtCreation(pair.Key)
                && pair.Type is XDataType.Binary or XDataType.String or XDataType.StringOld
                && pair.Key.Length <= XattrRules.NameMax && pair.Value.Length <= XattrRules.ValueMax
                && !(isChecked && pair.Key.SequenceEqual(checkedKey)))
            {
                xattrs.Add(new XattrValue(Name.From(pair.Key), pair.Value.ToArray()));
            }
        }

        return xattrs;
    }

    /// <summary>The directory has the attribute that the client believes it has (its layout).</summary>
    private async ValueTask<bool> HasExpectedAsync(Gfid parent, XData? xdata, Call call)
    {
        if (xdata is null || !xdata.TryGetBytes(JournalKeys.PreopParentKey, out var bytes))
        {
            return true;
        }

        var key = Name.From(bytes);
        var reply = await _store.Getxattr(
            new GetxattrFop { Gfid = parent, Name = key, NameLength = (uint)key.Length }, call);
        var isEqual = reply.IsOk && reply.Values is { } values && values.TryGetBytes(key.Span, out var value)
            && xdata.TryGetBytes(key.Span, out var expected) && expected.SequenceEqual(value);
        reply.Release();
        return isEqual;
    }

    private async ValueTask<Evaluation> LinkAsync(FopCode fop, Gfid gfid, Gfid newParent, Name newName, Call call)
    {
        var at = await LookupEntryAsync(newParent, newName, call);
        if (at.Error != Errno.ENOENT)
        {
            return Evaluation.Fail(at.Error is Errno.Ok or Errno.ENODATA or Errno.EIO ? Errno.EEXIST : at.Error);
        }

        var inode = await StatAsync(gfid, call);
        var parent = inode.IsThere ? await StatAsync(newParent, call) : default;
        var error = !inode.IsThere ? inode.Error
            : inode.Iatt.IsDirectory ? Errno.EPERM
            : inode.Iatt.Nlink == 0 ? Errno.ESTALE
            : parent.Error;
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        var stamp = NewStamp();
        var operation = NewOperation(fop, gfid, TimeFlags.Ctime | ParentTouches, stamp);
        operation.Parent = newParent;
        operation.Name = newName.ToOwned();
        operation.Mode = inode.Iatt.Mode;
        operation.Times = TimesFor(in inode, TimeFlags.Ctime, stamp);
        operation.ParentTimes = TimesFor(in parent, DirectoryTouches, stamp);
        var after = Touched(inode.Iatt, TimeFlags.Ctime, stamp);
        after.Nlink++;
        operation.Outcome.Iatts = [after, parent.Iatt, Touched(parent.Iatt, DirectoryTouches, stamp)];
        return Evaluation.Of(operation);
    }

    private async ValueTask<Evaluation> RemoveAsync(
        FopCode fop, Gfid from, Name name, XData? xdata, bool isInternal, Call call)
    {
        var at = await LookupEntryAsync(from, name, call);
        if (!at.IsThere)
        {
            return Evaluation.Fail(at.Error);
        }

        var isDirectory = at.Iatt.IsDirectory;
        var error = fop == FopCode.Rmdir ? (isDirectory ? await CheckEmptyAsync(at.Iatt.Gfid, call) : Errno.ENOTDIR)
            : isDirectory ? Errno.EISDIR
            : await CheckGuardsAsync(from, name, at.Iatt, xdata, call);
        var parent = error == Errno.Ok ? await StatAsync(from, call) : default;
        error = error == Errno.Ok ? parent.Error : error;
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        var stamp = NewStamp();
        var operation = NewOperation(fop, at.Iatt.Gfid, TimeFlags.Ctime | ParentTouches, stamp);
        operation.Parent = from;
        operation.Name = name.ToOwned();
        operation.Mode = at.Iatt.Mode;
        operation.Flags = FlagsOfLoss(at.Iatt, isInternal);
        operation.Times = operation.IsLastName && !operation.Keeps ? null : TimesFor(in at, TimeFlags.Ctime, stamp);
        operation.ParentTimes = TimesFor(in parent, DirectoryTouches, stamp);
        var post = Touched(parent.Iatt, DirectoryTouches, stamp);
        post.Nlink -= isDirectory && post.Nlink > 2 ? 1u : 0;
        operation.Outcome.Iatts = [parent.Iatt, post];
        var evaluation = Evaluation.Of(operation);
        if (fop == FopCode.Unlink && xdata is not null && xdata.Contains(JournalKeys.LinkCount))
        {
            evaluation.Answers.Add((JournalKeys.LinkCount.ToArray(), Math.Max(1, at.Iatt.Nlink)));
        }

        return evaluation;
    }

    /// <summary>ENOTEMPTY when there is a name in a directory.</summary>
    private async ValueTask<Errno> CheckEmptyAsync(Gfid directory, Call call)
    {
        const uint bytes = 4096;
        var fd = new Fd(directory, OpenFlags.ReadOnly, isDirectory: true, slotCount: 0);
        var opened = await _store.Opendir(new OpendirFop { Gfid = directory, Fd = fd }, call);
        var error = opened.Error;
        opened.Release();
        if (error != Errno.Ok)
        {
            return error;
        }

        var reply = await _store.Readdir(new ReaddirFop { Gfid = directory, Fd = fd, Size = bytes }, call);
        error = reply.Error;
        for (var i = 0; error == Errno.Ok && i < reply.Entries.Count; i++)
        {
            error = reply.Entries.NameOf(i).IsDotOrDotDot ? Errno.Ok : Errno.ENOTEMPTY;
        }

        reply.Release();
        var closed = await _store.Releasedir(new ReleasedirFop { Gfid = directory, Fd = fd }, call);
        closed.Release();
        return error;
    }

    private async ValueTask<Errno> CheckGuardsAsync(Gfid parent, Name name, Iatt inode, XData? xdata, Call call)
    {
        if (xdata is null)
        {
            return Errno.Ok;
        }

        var request = XData.Rent();
        request.SetInt(JournalKeys.LinkTo, 0);
        request.SetInt(JournalKeys.OpenFdCount, 0);
        var reply = await _store.Lookup(new LookupFop { Parent = parent, Name = name, XData = request }, call);
        var isLinkFile = inode.Mode == (FileMode.Regular | FileMode.Sticky) && inode.Size == 0
            && reply.XData is not null && reply.XData.Contains(JournalKeys.LinkTo);
        var opens = 0L;
        reply.XData?.TryGetInt(JournalKeys.OpenFdCount, out opens);
        reply.Release();
        request.Release();
        return (xdata.Contains(JournalKeys.OnlyIfLinkTo) && !isLinkFile)
            || (xdata.TryGetGfid(JournalKeys.OnlyIfGfid, out var gfid) && (inode.Gfid != gfid || isLinkFile))
            || (xdata.Contains(JournalKeys.NotIfOpen) && opens > 0)
            ? Errno.EBUSY
            : Errno.Ok;
    }
}
