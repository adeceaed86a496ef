using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Performance;

/// <summary>
/// A bad network to any subvolume: every fop waits, takes effect at a time of the test's choice and is answered at a later one, in any
/// order. As a real client does, it refuses fops on fds that are not open.
/// </summary>
internal sealed class LateTranslator(TranslatorPlace place, LateNetwork network) :
    Uniform<LateTranslator.Policy_>(place, new Policy_(network))
{
    internal readonly struct Policy_(LateNetwork network) : IFopPolicy
    {
        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply> => network.Send<TFop, TReply>(next, in fop, call);
    }
}

/// <summary>What is under way.</summary>
internal sealed class LateNetwork
{
    private readonly List<Action> _waiting = [];
    private readonly List<Action> _answers = [];
    private readonly HashSet<Fd> _open = [];

    public Dictionary<FopCode, int> Counts { get; } = [];

    public bool IsIdle => _waiting.Count == 0 && _answers.Count == 0;

    public int OpenCount => _open.Count;

    public int CountOf(FopCode code) => Counts.GetValueOrDefault(code);

    /// <summary>Lets one fop take effect or be answered.</summary>
    public void Step(Random random)
    {
        var isAnswer = _answers.Count > 0 && (_waiting.Count == 0 || random.Next(2) == 0);
        var list = isAnswer ? _answers : _waiting;
        var index = random.Next(list.Count);
        var action = list[index];
        list.RemoveAt(index);
        action();
    }

    public ValueTask<TReply> Send<TFop, TReply>(Translator next, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        Counts[TFop.Code] = CountOf(TFop.Code) + 1;
        var (copy, pending) = (fop, PendingReply<TReply>.Rent());
        _waiting.Add(() =>
        {
            var fd = FdOf(copy);
            var isUsable = fd is null || fd.IsAnonymous || fd.IsDirectory || _open.Contains(fd);
            var reply = isUsable ? TFop.Invoke(next, in copy, call).Result : TReply.Fail(Errno.EBADFD);
            Note(copy, reply.IsOk);
            _answers.Add(() => pending.Complete(reply));
        });
        return pending.Task;
    }

    private static Fd? FdOf<TFop>(TFop fop) => fop switch
    {
        ReadFop read => read.Fd,
        WriteFop write => write.Fd,
        FstatFop fstat => fstat.Fd,
        FtruncateFop ftruncate => ftruncate.Fd,
        FsetattrFop fsetattr => fsetattr.Fd,
        FlushFop flush => flush.Fd,
        ReleaseFop release => release.Fd,
        _ => null,
    };

    private void Note<TFop>(TFop fop, bool isOk)
    {
        switch (fop)
        {
            case OpenFop open when isOk:
                Assert.True(_open.Add(open.Fd), "an fd was opened twice");
                break;
            case CreateFop create when isOk:
                _open.Add(create.Fd);
                break;
            case ReleaseFop release:
                Assert.True(_open.Remove(release.Fd), "an fd was released that is not open");
                break;
        }
    }
}
