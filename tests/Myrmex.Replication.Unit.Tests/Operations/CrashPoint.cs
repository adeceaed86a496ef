using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Unit.Tests.Kit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>The moment at which a process dies: a number of mutating fops go through, then none and nothing else.</summary>
internal sealed class CrashPoint
{
    /// <summary>Mutating fops that still go through.</summary>
    public int Left { get; set; } = int.MaxValue;

    /// <summary>Mutating fops that have come.</summary>
    public int Seen { get; set; }

    public bool IsDead => Left < 0;

    /// <summary>What the store does then: it throws.</summary>
    public bool Throws { get; set; }

    /// <summary>While it is set, mutating fops wait for it; the others too with <see cref="HangsReads"/>.</summary>
    public TaskCompletionSource? Hang { get; set; }

    public bool HangsReads { get; set; }

    /// <summary>What needs room finds none.</summary>
    public bool IsFull { get; set; }

    public void Release()
    {
        var hang = Hang;
        Hang = null;
        hang?.SetResult();
    }
}

/// <summary>Stands above a store and lets its caller die between two effects.</summary>
internal sealed class CrashTranslator(Translator store, CrashPoint point)
    : Uniform<CrashTranslator.Policy_>(TestPlace.For(new ManualTime(), subvolume: store), new Policy_(point)),
        IForcedStore
{
    private readonly IForcedStore _forced = (IForcedStore)store;

    public Errno Keep(in Gfid gfid) => MayGoOn() ? _forced.Keep(gfid) : Errno.ENOTCONN;

    public Errno LetGo(in Gfid gfid) => MayGoOn() ? _forced.LetGo(gfid) : Errno.ENOTCONN;

    public bool IsKept(in Gfid gfid) => _forced.IsKept(gfid);

    public int KeptCount => _forced.KeptCount;

    public IReadOnlyList<Gfid> ListKept() => _forced.ListKept();

    public Errno OpenPool() => point.IsFull ? Errno.ENOSPC : _forced.OpenPool();

    public Errno ClosePool() => _forced.ClosePool();

    public Errno Locate(in Gfid directory, out Gfid parent, out Name name) =>
        _forced.Locate(directory, out parent, out name);

    public Errno SyncAll() => _forced.SyncAll();

    private bool MayGoOn()
    {
        point.Seen++;
        point.Left = point.Left == int.MaxValue ? int.MaxValue : point.Left - 1;
        return !point.IsDead;
    }

    internal readonly struct Policy_(CrashPoint point) : IFopPolicy
    {
        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            if (TFop.Code.Has(FopTraits.Mutates))
            {
                point.Seen++;
                point.Left = point.Left == int.MaxValue ? int.MaxValue : point.Left - 1;
            }

            if (point.Hang is { } hang && (point.HangsReads || TFop.Code.Has(FopTraits.Mutates)))
            {
                return AfterAsync<TFop, TReply>(hang.Task, next, fop, call);
            }

            if (point is { IsDead: true, Throws: true })
            {
                throw new NotSupportedException("the store is broken");
            }

            if (point.IsFull && TFop.Code is FopCode.Write or FopCode.Mknod or FopCode.Setxattr)
            {
                return new(TReply.Fail(Errno.ENOSPC));
            }

            return point.IsDead ? new(TReply.Fail(Errno.ENOTCONN)) : TFop.Invoke(next, in fop, call);
        }

        private static async ValueTask<TReply> AfterAsync<TFop, TReply>(Task hang, Translator next, TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            await hang;
            await Task.Yield();
            return await TFop.Invoke(next, in fop, call);
        }
    }
}
