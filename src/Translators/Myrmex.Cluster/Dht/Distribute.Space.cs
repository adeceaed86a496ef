using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>STATFS, and what it says about where new files and ranges may go.</summary>
public sealed partial class Distribute
{
    private SpaceReport? _space;
    private long _spaceStampNs = long.MinValue;

    /// <summary>
    /// Sums over all subvolumes that answer, in the largest fragment size among them. Bricks that share a file system
    /// divide by their number themselves. ENOTCONN when none answers.
    /// </summary>
    public override ValueTask<StatfsReply> Statfs(in StatfsFop fop, Call call) =>
        _isSingle ? Next.Statfs(in fop, call) : StatfsAsync(fop, call);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<StatfsReply> StatfsAsync(StatfsFop fop, Call call)
    {
        // A file has no place on most subvolumes; the root stands for each of them.
        var ask = fop with { Gfid = Gfid.Root };
        var answers = Answers<StatfsReply>.Rent(_subvolumes.Length);
        AskAll<StatfsFop, StatfsReply>(answers, in ask, call);
        await answers.JoinAsync();
        var first = answers.FirstOk();
        if (first < 0)
        {
            var error = answers.WorstError();
            answers.Release();
            return StatfsReply.Fail(error);
        }

        var reply = answers.Take(first);
        for (var i = answers.FirstOk(); i >= 0; i = answers.FirstOk(i + 1))
        {
            Add(ref reply.StatFs, in answers[i]!.StatFs);
        }

        answers.Release();
        return reply;
    }

    private static void Add(ref StatFs into, in StatFs other)
    {
        var unit = Math.Max(Unit(in into), Unit(in other));
        into.Blocks = Scale(into.Blocks, Unit(in into), unit) + Scale(other.Blocks, Unit(in other), unit);
        into.BlocksFree = Scale(into.BlocksFree, Unit(in into), unit) + Scale(other.BlocksFree, Unit(in other), unit);
        into.BlocksAvailable =
            Scale(into.BlocksAvailable, Unit(in into), unit) + Scale(other.BlocksAvailable, Unit(in other), unit);
        into.FragmentSize = unit;
        into.BlockSize = Math.Max(into.BlockSize, other.BlockSize);
        into.Files += other.Files;
        into.FilesFree += other.FilesFree;
        into.FilesAvailable += other.FilesAvailable;
        into.NameMax = Math.Min(into.NameMax, other.NameMax);
    }

    private static ulong Unit(in StatFs statFs) =>
        statFs.FragmentSize != 0 ? statFs.FragmentSize : Math.Max(statFs.BlockSize, 1);

    private static ulong Scale(ulong count, ulong unit, ulong newUnit) =>
        unit == newUnit ? count : (ulong)((UInt128)count * unit / newUnit);

    /// <summary>
    /// Free space of all subvolumes, at most <see cref="DhtLimits.FreeSpaceNs"/> old. One caller fetches it, the others
    /// go on with what is known.
    /// </summary>
    private ValueTask<SpaceReport> SpaceAsync(Call call)
    {
        var now = Seams.Clock.MonotonicNs;
        var stamp = Volatile.Read(ref _spaceStampNs);
        var known = Volatile.Read(ref _space);
        if (known is not null
            && (now - stamp <= DhtLimits.FreeSpaceNs
                || Interlocked.CompareExchange(ref _spaceStampNs, now, stamp) != stamp))
        {
            return new ValueTask<SpaceReport>(known);
        }

        return FetchSpaceAsync(now, call);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<SpaceReport> FetchSpaceAsync(long now, Call call)
    {
        var answers = Answers<StatfsReply>.Rent(_subvolumes.Length);
        var ask = new StatfsFop { Gfid = Gfid.Root };
        AskAll<StatfsFop, StatfsReply>(answers, in ask, call);
        await answers.JoinAsync();
        var known = Volatile.Read(ref _space);
        var report = new SpaceReport(_subvolumes.Length);
        for (var i = 0; i < _subvolumes.Length; i++)
        {
            report.Set(i, answers[i] is { IsOk: true } reply ? reply.StatFs : known?[i] ?? default);
        }

        answers.Release();
        Volatile.Write(ref _space, report);
        Volatile.Write(ref _spaceStampNs, now);
        return report;
    }
}
