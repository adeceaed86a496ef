using System;
using System.Text;
using Myrmex.Base;
using Myrmex.Wire;

namespace Myrmex.Coordination.Remote;

/// <summary>Reads what an answer has for its procedure; null when it is malformed.</summary>
internal delegate T? AnswerReader<T>(ref XdrReader reader)
    where T : class;

/// <summary>The answer to a call.</summary>
/// <param name="Store">The store that is there now; null when there is none.</param>
/// <param name="Value">There when the status is Ok.</param>
/// <param name="Number">A lease or a revision, as the status says.</param>
/// <param name="Reason">For people, when the status is not Ok.</param>
internal sealed record StateAnswer<T>(StateStatus Status, Gfid Store, T? Value, long Number, string Reason)
    where T : class
{
    public static StateAnswer<T>? Read(ref XdrReader reader, AnswerReader<T> read)
    {
        var status = (StateStatus)reader.ReadUInt();
        var store = reader.ReadGfid();
        if (reader.Failed || status > StateStatus.Unavailable)
        {
            return null;
        }

        if (status == StateStatus.Ok)
        {
            return read(ref reader) is { } value && !reader.Failed
                ? new StateAnswer<T>(status, store, value, Number: 0, string.Empty) : null;
        }

        var number = reader.ReadLong();
        var reason = Encoding.UTF8.GetString(reader.ReadOpaque());
        return reader.Failed ? null : new StateAnswer<T>(status, store, null, number, reason);
    }

    /// <summary>The failure as the store that is far away has thrown it.</summary>
    public Exception ToException() => Status switch
    {
        StateStatus.LeaseNotFound => new LeaseNotFoundException(new LeaseId(Number)),
        StateStatus.Compacted => new RevisionCompactedException(new Revision(Number)),
        StateStatus.BadArgument => new ArgumentException(Reason),
        StateStatus.Refused or StateStatus.OtherStore or StateStatus.Unavailable =>
            new TransactionRefusedException(Reason),
        _ => new StateStoreException(Reason),
    };
}

/// <summary>The changes that one call of a watch has brought, and the revision from which the next one asks.</summary>
internal sealed record WatchPage(System.Collections.Generic.IReadOnlyList<WatchBatch> Batches, Revision Next)
{
    public static WatchPage? Read(ref XdrReader reader)
    {
        var next = new Revision(reader.ReadLong());
        var count = reader.ReadUInt();
        if (reader.Failed || count > StateStoreProgram.PollBatchesMax)
        {
            return null;
        }

        var batches = new WatchBatch[count];
        for (var i = 0; i < batches.Length; i++)
        {
            if (StateCodec.ReadBatch(ref reader) is not { } batch || batch.Revision >= next)
            {
                return null;
            }

            batches[i] = batch;
        }

        return new WatchPage(batches, next);
    }
}
