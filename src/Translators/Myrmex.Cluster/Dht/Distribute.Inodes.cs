using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Fops on a file or a directory, by gfid or fd. A file has them on its subvolume. Of a directory, attributes are
/// merged from all subvolumes; locks, permissions and attributes by name come from its metadata subvolume.
/// </summary>
public sealed partial class Distribute
{
    public override ValueTask<StatReply> Stat(in StatFop fop, Call call) =>
        IsFile(fop.Gfid, fd: null)
            ? ToFile<StatFop, StatReply, StatIatt>(in fop, fop.Gfid, fd: null, call)
            : ToAllAsync<StatFop, StatReply, StatIatt>(fop, fop.Gfid, fd: null, call);

    public override ValueTask<FstatReply> Fstat(in FstatFop fop, Call call) =>
        IsFile(fop.Gfid, fop.Fd)
            ? ToFile<FstatFop, FstatReply, FstatIatt>(in fop, fop.Gfid, fop.Fd, call)
            : ToAllAsync<FstatFop, FstatReply, FstatIatt>(fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<AccessReply> Access(in AccessFop fop, Call call) =>
        ToFile<AccessFop, AccessReply, NoIatt<AccessReply>>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<LkReply> Lk(in LkFop fop, Call call) =>
        ToFile<LkFop, LkReply, NoIatt<LkReply>>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<InodelkReply> Inodelk(in InodelkFop fop, Call call) =>
        ToFile<InodelkFop, InodelkReply, NoIatt<InodelkReply>>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<FinodelkReply> Finodelk(in FinodelkFop fop, Call call) =>
        ToFile<FinodelkFop, FinodelkReply, NoIatt<FinodelkReply>>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<EntrylkReply> Entrylk(in EntrylkFop fop, Call call) =>
        ToFile<EntrylkFop, EntrylkReply, NoIatt<EntrylkReply>>(in fop, fop.Gfid, fd: null, call);

    public override ValueTask<FentrylkReply> Fentrylk(in FentrylkFop fop, Call call) =>
        ToFile<FentrylkFop, FentrylkReply, NoIatt<FentrylkReply>>(in fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<FlushReply> Flush(in FlushFop fop, Call call) =>
        IsFile(fop.Gfid, fop.Fd)
            ? ToFile<FlushFop, FlushReply, NoIatt<FlushReply>>(in fop, fop.Gfid, fop.Fd, call)
            : ToAllAsync<FlushFop, FlushReply, NoIatt<FlushReply>>(fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<FsyncdirReply> Fsyncdir(in FsyncdirFop fop, Call call) =>
        _isSingle
            ? Next.Fsyncdir(in fop, call)
            : ToAllAsync<FsyncdirFop, FsyncdirReply, NoIatt<FsyncdirReply>>(fop, fop.Gfid, fop.Fd, call);

    public override ValueTask<IpcReply> Ipc(in IpcFop fop, Call call) =>
        _isSingle ? Next.Ipc(in fop, call) : IpcAsync(fop, call);

    /// <summary>True for everything that is not known to be a directory, and always with a single subvolume.</summary>
    private bool IsFile(in Gfid gfid, Fd? fd) =>
        _isSingle || fd?.Get(Slot) is Subvolume or MovedFd || (fd is not { IsDirectory: true } && TryFile(gfid, out _));

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<IpcReply> IpcAsync(IpcFop fop, Call call)
    {
        var answers = Answers<IpcReply>.Rent(_subvolumes.Length);
        AskAll<IpcFop, IpcReply>(answers, in fop, call);
        await answers.JoinAsync();
        return TakeOne(answers);
    }

    /// <summary>
    /// Sends a fop on a directory to all subvolumes that have it (or have it open) and merges the attributes. Succeeds
    /// when one of them does, unless another fails with more than an absence or a lost connection.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<TReply> ToAllAsync<TFop, TReply, TView>(TFop fop, Gfid gfid, Fd? fd, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        var open = fd?.Get(Slot) as DirectoryFd;
        if (!TryRoute(gfid, out var route) && open is null)
        {
            route = await ResolveAsync(gfid, call);
        }

        if (route.File is not null)
        {
            return await ToFileAt<TFop, TReply, TView>(in fop, gfid, fd, route.File, call);
        }

        if (route.Directory is null && open is null)
        {
            return TReply.Fail(route.Error);
        }

        // An open directory may have been removed since; where it is open it still has attributes.
        var answers = Answers<TReply>.Rent(_subvolumes.Length);
        foreach (var subvolume in _subvolumes)
        {
            if (open is null ? fd is null || fd.IsAnonymous : open.IsOpen(subvolume.Index))
            {
                answers.Put(subvolume.Index, TFop.Invoke(subvolume.Translator, in fop, call));
            }
        }

        await answers.JoinAsync();
        return TakeMerged<TReply, TView>(answers, route.Directory is null ? 0 : HomeOf(route.Directory).Index);
    }

    /// <summary>One reply for all: the attributes of the preferred subvolume, with those of the others added.</summary>
    private static TReply TakeMerged<TReply, TView>(Answers<TReply> answers, int preferred)
        where TReply : Reply, IReply<TReply>
        where TView : struct, IIattView<TReply>
    {
        var from = answers[preferred] is { IsOk: true } ? preferred : answers.FirstOk();
        if (from < 0 || HasRealError(answers))
        {
            var error = answers.WorstError();
            answers.Release();
            return TReply.Fail(error);
        }

        var reply = answers.Take(from);
        if (TView.HasPost)
        {
            for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
            {
                Add<TReply, TView>(reply, answers[i]!);
            }
        }

        answers.Release();
        return reply;
    }

    private static void Add<TReply, TView>(TReply into, TReply other)
        where TReply : Reply
        where TView : struct, IIattView<TReply>
    {
        if (!TView.Post(into).IsNull)
        {
            DhtIatt.AddDirectory(ref TView.Post(into), in TView.Post(other));
        }

        if (TView.HasPre && !TView.Pre(into).IsNull)
        {
            DhtIatt.AddDirectory(ref TView.Pre(into), in TView.Pre(other));
        }
    }

    private static bool HasRealError<TReply>(Answers<TReply> answers)
        where TReply : Reply, IReply<TReply>
    {
        for (var i = 0; i < answers.Count; i++)
        {
            if (answers[i] is { IsOk: false } reply && !IsAbsence(reply.Error) && reply.Error != Errno.ENOTCONN)
            {
                return true;
            }
        }

        return false;
    }

    private static TReply TakeOne<TReply>(Answers<TReply> answers)
        where TReply : Reply, IReply<TReply> => TakeMerged<TReply, NoIatt<TReply>>(answers, preferred: 0);
}
