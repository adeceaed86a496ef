using System;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Coordination.Remote;

/// <summary>A store as long as it is the one that is served.</summary>
/// <param name="Id">The same for the same store, also after a restart; another one for any other store.</param>
internal sealed record ServedStore(IStateStore Store, Gfid Id)
{
    private readonly CancellationTokenSource _ended = new();

    /// <summary>Cancelled when another one, or none, is served.</summary>
    public CancellationToken Ended => _ended.Token;

    public void End() => _ended.Cancel(); // Not asynchronously: that would leave the loop of a simulated node.

    /// <summary>The head of an answer with what was asked for; its value comes behind.</summary>
    public RecordWriter Answer() => Success(Id);

    /// <summary>The answer to a call that the store did not take, or not for certain.</summary>
    public RecordWriter Answer(Exception e) => e switch
    {
        TransactionRefusedException => Failure(StateStatus.Refused, Id, e.Message),
        StateStoreException => Failure(StateStatus.Unknown, Id, e.Message),
        LeaseNotFoundException lost => Failure(StateStatus.LeaseNotFound, Id, e.Message, lost.Lease.Value),
        RevisionCompactedException gone => Failure(StateStatus.Compacted, Id, e.Message, gone.Oldest.Value),
        ArgumentException => Failure(StateStatus.BadArgument, Id, e.Message),
        OperationCanceledException => Failure(StateStatus.Unknown, Id, "the daemon stopped to use the store"),
        _ => Failure(StateStatus.Unknown, Id, $"the store failed: {e.Message}"),
    };

    /// <summary>Why nothing is asked of <paramref name="served"/>, or null for a call it is meant for.</summary>
    /// <param name="wanted">The store that the caller knows; null for whichever is there.</param>
    public static RecordWriter? Problem(ServedStore? served, Gfid wanted) =>
        served is null
            ? Failure(StateStatus.Unavailable, Gfid.Null, "the daemon of this node has no state store now")
            : !wanted.IsNull && wanted != served.Id
                ? Failure(
                    StateStatus.OtherStore, served.Id,
                    "the state of the cluster is in another store now; read it again and decide anew")
                : null;

    /// <summary>The answer to a call that is not begun, because of too many others.</summary>
    public static RecordWriter TooMany(string what) =>
        Failure(StateStatus.Unavailable, Gfid.Null, $"the daemon of this node has too many {what} at once");

    public static RecordWriter Success(Gfid store)
    {
        var writer = new RecordWriter();
        writer.WriteUInt((uint)StateStatus.Ok);
        writer.WriteGfid(store);
        return writer;
    }

    public static RecordWriter Failure(StateStatus status, Gfid store, string reason, long number = 0)
    {
        var writer = new RecordWriter();
        writer.WriteUInt((uint)status);
        writer.WriteGfid(store);
        writer.WriteLong(number);
        writer.WriteText(reason[..Math.Min(reason.Length, StateStoreProgram.ReasonLengthMax)]);
        return writer;
    }
}
