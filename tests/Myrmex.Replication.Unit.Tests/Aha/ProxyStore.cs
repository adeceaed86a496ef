using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Reflection;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Storage;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>
/// What the proxies share: a volume in memory with its locks, and the table of first outcomes by session and number.
/// </summary>
internal sealed class ProxyStore
{
    private static readonly MethodInfo Copy =
        typeof(object).GetMethod("MemberwiseClone", BindingFlags.Instance | BindingFlags.NonPublic)!;

    private readonly Dictionary<UInt128, ModelSession> _sessions = [];

    public ProxyStore(Seams seams)
    {
        var document = new VolfileDocument();
        document.Add("store", "storage/memory");
        document.Add("locks", "features/locks").Over("store");
        document.Add("leases", "features/leases").Over("locks").With("leases", "on");
        var graph = TranslatorGraph.Build(
            document,
            [MemoryTranslator.Registration, Features.Locks.Registration, Features.Leases.Leases.Registration], seams,
            new GraphOrigin(), e => Event?.Invoke(e));
        graph.Start();
        Volume = graph.Top;
    }

    /// <summary>What the volume tells its clients.</summary>
    public event Action<GraphEvent>? Event;

    /// <summary>features/leases over features/locks and storage/memory.</summary>
    public Translator Volume { get; }

    /// <summary>Numbers of the changes in the order in which they took effect.</summary>
    public List<ulong> Executed { get; } = [];

    public int SessionCount => _sessions.Count;

    /// <summary>Sendings that got the outcome of an earlier one.</summary>
    public int Repeats { get; private set; }

    /// <summary>Of these, those that did not say that they may be known: first sendings that came late.</summary>
    public int Unmarked { get; private set; }

    /// <summary>Most outcomes that a session had at a time.</summary>
    public int OutcomesMax { get; private set; }

    /// <summary>Takes every sending for a new one, as if the client did not number what it sends again.</summary>
    public bool ForgetsNumbers { get; set; }

    /// <summary>Executes a change instead of the volume; null for the volume.</summary>
    public Func<FopCode, Errno>? Instead { get; set; }

    public void EvictAll() => _sessions.Clear();

    public void End(UInt128 id) => _sessions.Remove(id);

    /// <summary>A session begins with the first change that arrives; see <see cref="EvictAll"/> for its end.</summary>
    public void Begin(UInt128 id) => _sessions.TryAdd(id, new ModelSession());

    public ValueTask<TReply> ApplyAsync<TFop, TReply>(byte[]? record, in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (record is null || ForgetsNumbers)
        {
            return Execute<TFop, TReply>(in fop, call);
        }

        var flagged = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(16));
        var number = flagged & ~ChangeRecord.MayBeKnown;
        var acknowledged = BinaryPrimitives.ReadUInt64LittleEndian(record.AsSpan(24));
        if (record.Length != (flagged == number ? ChangeRecord.ShortBytes : ChangeRecord.Bytes) || number <= acknowledged
            || !_sessions.TryGetValue(BinaryPrimitives.ReadUInt128BigEndian(record), out var session))
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EBADE));
        }

        session.Drop(acknowledged);
        if (session.Outcomes.TryGetValue(number, out var known))
        {
            Repeats++;
            Unmarked += flagged == number ? 1 : 0;
            return new ValueTask<TReply>((TReply)CopyOf(known));
        }

        if (number <= session.Dropped)
        {
            return new ValueTask<TReply>(TReply.Fail(Errno.EBADE));
        }

        var task = Execute<TFop, TReply>(in fop, call);
        Invariant.Check(task.IsCompleted);
        var reply = task.Result;
        Executed.Add(number);
        session.Outcomes.Add(number, CopyOf(reply));
        OutcomesMax = Math.Max(OutcomesMax, session.Outcomes.Count);
        return new ValueTask<TReply>(reply);
    }

    private ValueTask<TReply> Execute<TFop, TReply>(in TFop fop, Call call)
        where TFop : struct, IFop<TFop, TReply>
        where TReply : Reply, IReply<TReply>
    {
        if (Instead is { } instead && TFop.Code.Has(FopTraits.Mutates))
        {
            return instead(TFop.Code) is var error && error == Errno.Ok
                ? new ValueTask<TReply>(TReply.Rent())
                : new ValueTask<TReply>(TReply.Fail(error));
        }

        return TFop.Invoke(Volume, in fop, call);
    }

    /// <summary>A copy with dictionaries of its own, for they belong to one reply.</summary>
    private static Reply CopyOf(Reply reply)
    {
        var copy = (Reply)Copy.Invoke(reply, null)!;
        copy.XData = reply.XData?.Clone();
        foreach (var field in reply.GetType().GetFields())
        {
            if (field.GetValue(reply) is XData values)
            {
                field.SetValue(copy, values.Clone());
            }
        }

        return copy;
    }

    private sealed class ModelSession
    {
        public Dictionary<ulong, Reply> Outcomes { get; } = [];

        public ulong Dropped { get; private set; }

        public void Drop(ulong upTo)
        {
            for (; Dropped < upTo; Dropped++)
            {
                Outcomes.Remove(Dropped + 1);
            }
        }
    }
}
