using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Journal;

/// <summary>RENAME.</summary>
public sealed partial class Evaluator
{
    /// <summary>
    /// As rename(2): ENOTDIR, EISDIR, ENOTEMPTY for a target that does not fit, EINVAL for a directory that would go
    /// below itself. Two names of one file: success without effect.
    /// </summary>
    /// <param name="client">Who asks; null for one of the cluster's own.</param>
    public async ValueTask<Evaluation> RenameAsync(RenameFop fop, Call? client = null)
    {
        var call = ReadCall();
        var evaluation = await RenameAsync(fop, IsInternal(client), call);
        call.Release();
        return evaluation;
    }

    private async ValueTask<Evaluation> RenameAsync(RenameFop fop, bool isInternal, Call call)
    {
        var error = fop.OldName.CheckEntry();
        error = error == Errno.Ok ? fop.NewName.CheckEntry() : error;
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        var source = await LookupEntryAsync(fop.OldParent, fop.OldName, call);
        var target = await LookupEntryAsync(fop.NewParent, fop.NewName, call);
        var from = await StatAsync(fop.OldParent, call);
        var to = await StatAsync(fop.NewParent, call);
        error = !source.IsThere ? source.Error
            : target.Error is not (Errno.Ok or Errno.ENOENT) ? target.Error
            : from.Error != Errno.Ok ? from.Error
            : to.Error;
        if (error != Errno.Ok)
        {
            return Evaluation.Fail(error);
        }

        if (target.IsThere && target.Iatt.Gfid == source.Iatt.Gfid)
        {
            return NoEffect(source.Iatt, from.Iatt, from.Iatt, to.Iatt, to.Iatt);
        }

        var isDirectory = source.Iatt.IsDirectory;
        IReadOnlyList<Gfid> ancestors = [];
        if (isDirectory && fop.OldParent != fop.NewParent)
        {
            (error, ancestors) = await AncestorsAsync(fop.NewParent, source.Iatt.Gfid, call);
        }

        if (error == Errno.Ok && target.IsThere)
        {
            error = isDirectory && !target.Iatt.IsDirectory ? Errno.ENOTDIR
                : !isDirectory && target.Iatt.IsDirectory ? Errno.EISDIR
                : isDirectory ? await CheckEmptyAsync(target.Iatt.Gfid, call)
                : Errno.Ok;
        }

        return error == Errno.Ok
            ? Evaluation.Of(Renaming(fop, source, target, from, to, ancestors, isInternal))
            : Evaluation.Fail(error);
    }

    private JournalOperation Renaming(
        RenameFop fop, InodeView source, InodeView target, InodeView from, InodeView to,
        IReadOnlyList<Gfid> ancestors, bool isInternal)
    {
        var stamp = NewStamp();
        var isSame = fop.OldParent == fop.NewParent;
        var operation = NewOperation(FopCode.Rename, source.Iatt.Gfid, TimeFlags.Ctime | ParentTouches, stamp);
        operation.Parent = fop.OldParent;
        operation.Name = fop.OldName.ToOwned();
        operation.NewParent = fop.NewParent;
        operation.NewName = fop.NewName.ToOwned();
        operation.Displaced = target.IsThere ? target.Iatt.Gfid : default;
        operation.Flags = target.IsThere ? FlagsOfLoss(target.Iatt, isInternal) : 0;
        operation.Ancestors = ancestors;
        operation.Mode = source.Iatt.Mode;
        operation.Times = TimesFor(in source, TimeFlags.Ctime, stamp);
        operation.ParentTimes = TimesFor(in from, DirectoryTouches, stamp);
        operation.NewParentTimes = isSame ? operation.ParentTimes : TimesFor(in to, DirectoryTouches, stamp);
        var postFrom = Touched(from.Iatt, DirectoryTouches, stamp);
        var postTo = Touched(to.Iatt, DirectoryTouches, stamp);
        if (source.Iatt.IsDirectory)
        {
            // One directory goes, one comes, and one that is replaced goes.
            postFrom.Nlink -= isSame && !target.IsThere ? 0 : 1u;
            postTo.Nlink += isSame || target.IsThere ? 0 : 1u;
            postTo.Nlink = isSame ? postFrom.Nlink : postTo.Nlink;
        }

        operation.Outcome.Iatts =
            [Touched(source.Iatt, TimeFlags.Ctime, stamp), from.Iatt, postFrom, to.Iatt, postTo];
        return operation;
    }

    /// <summary>The directories from one up to the root; EINVAL when <paramref name="moved"/> is among them.</summary>
    private async ValueTask<(Errno Error, IReadOnlyList<Gfid> Ancestors)> AncestorsAsync(
        Gfid directory, Gfid moved, Call call)
    {
        var ancestors = new List<Gfid>();
        for (var at = directory; ancestors.Count < JournalLimits.DepthMax;)
        {
            if (at == moved)
            {
                return (Errno.EINVAL, []);
            }

            ancestors.Add(at);
            if (at.IsRoot)
            {
                return (Errno.Ok, ancestors);
            }

            var above = await LookupAsync(at, "..", call);
            if (!above.IsThere || above.Iatt.Gfid == at)
            {
                return (above.IsThere ? Errno.ESTALE : above.Error, []);
            }

            at = above.Iatt.Gfid;
        }

        return (Errno.ELOOP, []);
    }
}
