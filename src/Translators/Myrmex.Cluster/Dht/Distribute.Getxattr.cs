using System;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// GETXATTR, with the names that this translator answers itself or puts together from all subvolumes.
/// </summary>
public sealed partial class Distribute
{
    public override ValueTask<GetxattrReply> Getxattr(in GetxattrFop fop, Call call)
    {
        var name = fop.Name.Span;
        if (IsVirtual(name))
        {
            return GetVirtualAsync(fop, call);
        }

        return _isSingle ? Next.Getxattr(in fop, call)
            : name.IsEmpty ? ListXattrsAsync(fop, call)
            : ToFile<GetxattrFop, GetxattrReply, GetxattrIatt>(in fop, fop.Gfid, fd: null, call);
    }

    public override ValueTask<FgetxattrReply> Fgetxattr(in FgetxattrFop fop, Call call) =>
        _isSingle ? Next.Fgetxattr(in fop, call)
        : fop.Name.IsEmpty ? ListXattrsAsync(fop, call)
        : ToFile<FgetxattrFop, FgetxattrReply, FgetxattrIatt>(in fop, fop.Gfid, fop.Fd, call);

    private static bool IsVirtual(ReadOnlySpan<byte> name) =>
        name.StartsWith(DhtKeys.HashedSubvolume) || name.SequenceEqual(DhtKeys.SubvolumeStatus)
        || name.SequenceEqual(DhtKeys.PathInfo) || name.SequenceEqual(DhtKeys.UserPathInfo)
        || name.SequenceEqual(DhtKeys.ListNodeUuids);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<GetxattrReply> ListXattrsAsync(GetxattrFop fop, Call call)
    {
        var reply = await ToFile<GetxattrFop, GetxattrReply, GetxattrIatt>(in fop, fop.Gfid, fd: null, call);
        HideKeys(reply.Values);
        return reply;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<FgetxattrReply> ListXattrsAsync(FgetxattrFop fop, Call call)
    {
        var reply = await ToFile<FgetxattrFop, FgetxattrReply, FgetxattrIatt>(in fop, fop.Gfid, fop.Fd, call);
        HideKeys(reply.Values);
        return reply;
    }

    private async ValueTask<GetxattrReply> GetVirtualAsync(GetxattrFop fop, Call call)
    {
        if (fop.Name.Span.StartsWith(DhtKeys.HashedSubvolume))
        {
            return await GetHashedAsync(fop, call);
        }

        return fop.Name.Equals(DhtKeys.SubvolumeStatus)
            ? Text(fop.Name, AllUp() ? "1" : "0")
            : await GatherTextAsync(fop, call);
    }

    private async ValueTask<GetxattrReply> GetHashedAsync(GetxattrFop fop, Call call)
    {
        var name = new Name(fop.Name.Memory[DhtKeys.HashedSubvolume.Length..]);
        if (!name.IsValidEntry)
        {
            return GetxattrReply.Fail(Errno.EINVAL);
        }

        if (_isSingle)
        {
            return Text(fop.Name, _subvolumes[0].Name);
        }

        var (error, layout) = await LayoutOfAsync(fop.Gfid, call);
        return layout is null ? GetxattrReply.Fail(error)
            : HashedOf(layout, name) is { } hashed ? Text(fop.Name, hashed.Name)
            : GetxattrReply.Fail(Errno.ENODATA);
    }

    private bool AllUp()
    {
        foreach (var subvolume in _subvolumes)
        {
            if (!subvolume.MayBeUp)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>One text from those of all subvolumes that have the file or directory.</summary>
    private async ValueTask<GetxattrReply> GatherTextAsync(GetxattrFop fop, Call call)
    {
        if (!_isSingle && !TryRoute(fop.Gfid, out var route))
        {
            route = await ResolveAsync(fop.Gfid, call);
            if (route.Error != Errno.Ok)
            {
                return GetxattrReply.Fail(route.Error);
            }
        }

        var isFile = TryFile(fop.Gfid, out var cached);
        var answers = Answers<GetxattrReply>.Rent(_subvolumes.Length);
        foreach (var subvolume in _subvolumes)
        {
            if (!isFile || subvolume == cached)
            {
                answers.Put(subvolume.Index, subvolume.Translator.Getxattr(in fop, call));
            }
        }

        await answers.JoinAsync();
        var gathered = Gather(answers, fop.Name);
        var error = answers.WorstError();
        answers.Release();
        return gathered is null ? GetxattrReply.Fail(error) : Text(fop.Name, gathered);
    }

    private string? Gather(Answers<GetxattrReply> answers, Name name)
    {
        var text = new StringBuilder();
        for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
        {
            if (answers[i]!.Values is { } values && values.TryGetBytes(name.Span, out var value))
            {
                text.Append(text.Length > 0 ? " " : string.Empty).Append(Encoding.UTF8.GetString(value).TrimEnd('\0'));
            }
        }

        return text.Length == 0 ? null
            : name.Equals(DhtKeys.ListNodeUuids) ? text.ToString()
            : $"(<DISTRIBUTE:{Name}> {text})";
    }

    private static GetxattrReply Text(Name name, string text)
    {
        var reply = GetxattrReply.Rent();
        reply.Values = XData.Rent();
        reply.Values.SetString(name.Span, text);
        reply.OpRet = reply.Values.Count;
        return reply;
    }
}
