using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Coordination;

/// <summary>What was copied, and how revisions differ: those of the source mean nothing in the target.</summary>
/// <param name="Leased">Keys that were left out because they live by a lease: their owners make them again.</param>
public sealed record StateCopyReport(
    int Entries, long Bytes, IReadOnlyList<string> Leased, Revision SourceRevision, Revision TargetRevision);

/// <summary>
/// Moves a cluster from one store to another. Nobody may use either meanwhile. The key <see cref="Marker"/> is in the
/// target from the first to the last transaction, so that a copy that was cut short is never taken for a cluster.
/// </summary>
public static class StateCopy
{
    /// <summary>A store with this key holds half a cluster; nobody may use it.</summary>
    public const string Marker = "meta/copy-under-way";

    // Every transaction also has the marker as a condition; half of what a transaction may have is plenty.
    private const int BatchEntriesMax = 64;
    private const int BatchBytesMax = Limits.TransactionBytesMax / 2;

    /// <summary>
    /// Copies every entry of the source that <paramref name="wanted"/> takes, and compares afterwards. A copy of the
    /// same name that was cut short is cleared and done again. Throws <see cref="StateStoreException"/> when the target
    /// holds anything else, and when either store was changed meanwhile; then the target keeps the marker.
    /// </summary>
    /// <param name="name">Of this move: the same when it is tried again, printable text without spaces.</param>
    /// <param name="last">Goes with the transaction that ends the copy: what tells that it was finished.</param>
    public static async Task<StateCopyReport> CopyAsync(
        IStateStore source, IStateStore target, string name, Func<string, bool> wanted, CancellationToken cancellation,
        IReadOnlyList<Operation>? last = null)
    {
        await CheckUsableAsync(source, cancellation);
        await ClearAsync(target, name, cancellation);
        var (revision, all) = await ReadAsync(source, cancellation);
        var entries = all.Where(e => e.Lease == LeaseId.None && wanted(e.Key)).ToList();
        var leased = all.Where(e => e.Lease != LeaseId.None && wanted(e.Key)).Select(e => e.Key).ToList();
        await CommitAsync(
            target, [Condition.Missing(Marker)], [Operation.PutValue(Marker, Encoding.ASCII.GetBytes(name))],
            cancellation);
        var first = 0;
        while (first < entries.Count)
        {
            var batch = Batch(entries, first);
            await CommitAsync(target, [HasMarker(name)], batch, cancellation);
            first += batch.Length;
        }

        await VerifyAsync(source, target, wanted, entries, cancellation);
        var end = await CommitAsync(
            target, [HasMarker(name)], [Operation.DeleteKey(Marker), .. last ?? []], cancellation);
        return new StateCopyReport(
            entries.Count, entries.Sum(e => (long)e.Key.Length + e.Value.Length), leased, revision, end.Revision);
    }

    /// <summary>Throws <see cref="StateStoreException"/> for a store that a copy has left unfinished.</summary>
    public static async Task CheckUsableAsync(IStateStore store, CancellationToken cancellation)
    {
        if (await store.GetAsync(Marker, cancellation) is { } marker)
        {
            throw new StateStoreException(
                $"the state store holds an unfinished copy ({NameOf(marker)}); finish the move before it is used");
        }
    }

    /// <summary>
    /// The name of one try of a move: tries of the same move clear what an earlier one has left, and a try that comes
    /// late does not write into the one that is under way.
    /// </summary>
    public static string NameOfTry(string move, Revision token) => $"{move}/{token}";

    /// <summary>True for a marker that a try of this move has left.</summary>
    public static bool IsOfMove(StateEntry marker, string move) => MoveOf(NameOf(marker)) == move;

    /// <summary>Clears what tries of a move have left unfinished; nothing else is touched.</summary>
    public static async Task AbandonAsync(IStateStore target, string move, CancellationToken cancellation)
    {
        if (await target.GetAsync(Marker, cancellation) is { } marker && IsOfMove(marker, move))
        {
            await target.CommitAsync(
                new StateTransaction(
                    [Condition.Unchanged(Marker, marker.Modified)], [new Operation.Delete(KeyRange.All)], []),
                cancellation);
        }
    }

    private static string MoveOf(string name) => name.Split('/')[0];

    private static string NameOf(StateEntry marker) => Encoding.ASCII.GetString(marker.Value.Span);

    private static Condition HasMarker(string name) => Condition.HasValue(Marker, Encoding.ASCII.GetBytes(name));

    /// <summary>Leaves an empty target, or throws.</summary>
    private static async Task ClearAsync(IStateStore target, string name, CancellationToken cancellation)
    {
        var (_, entries) = await ReadAsync(target, cancellation);
        if (entries.Count == 0)
        {
            return;
        }

        var marker = entries.FirstOrDefault(e => e.Key == Marker);
        if (marker is null)
        {
            throw new StateStoreException(string.Create(
                CultureInfo.InvariantCulture,
                $"the target holds a cluster already ({entries.Count} keys, the first is {entries[0].Key}); ")
                + "use an empty store or another prefix");
        }

        if (!IsOfMove(marker, MoveOf(name)))
        {
            throw new StateStoreException($"the target holds an unfinished copy of another cluster ({NameOf(marker)})");
        }

        await CommitAsync(
            target, [Condition.Unchanged(Marker, marker.Modified)], [new Operation.Delete(KeyRange.All)], cancellation);
    }

    private static Operation[] Batch(List<StateEntry> entries, int first)
    {
        var batch = new List<Operation>();
        var bytes = 0L;
        for (var i = first; i < entries.Count && batch.Count < BatchEntriesMax; i++)
        {
            bytes += entries[i].Key.Length + entries[i].Value.Length;
            if (batch.Count > 0 && bytes > BatchBytesMax)
            {
                break;
            }

            batch.Add(Operation.PutValue(entries[i].Key, entries[i].Value));
        }

        return [.. batch];
    }

    private static async Task VerifyAsync(
        IStateStore source, IStateStore target, Func<string, bool> wanted, List<StateEntry> entries,
        CancellationToken cancellation)
    {
        // Leases may end meanwhile: their keys are not copied.
        var (_, all) = await ReadAsync(source, cancellation);
        var now = all.Where(e => e.Lease == LeaseId.None && wanted(e.Key));
        if (!entries.Select(e => (e.Key, e.Modified)).SequenceEqual(now.Select(e => (e.Key, e.Modified))))
        {
            throw new StateStoreException("the source was changed while it was copied; stop what uses it");
        }

        var (_, copied) = await ReadAsync(target, cancellation);
        var others = copied.Where(e => e.Key != Marker).ToList();
        for (var i = 0; i < Math.Max(entries.Count, others.Count); i++)
        {
            if (i >= entries.Count || i >= others.Count || entries[i].Key != others[i].Key
                || !entries[i].Value.Span.SequenceEqual(others[i].Value.Span))
            {
                var key = i < entries.Count ? entries[i].Key : others[i].Key;
                throw new StateStoreException($"the copy differs at {key}; something else writes to the target");
            }
        }
    }

    private static async Task<(Revision Revision, IReadOnlyList<StateEntry> Entries)> ReadAsync(
        IStateStore store, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(
            StateTransaction.Always(new Operation.Get(KeyRange.All, Limit: 0)), cancellation);
        return (result.Revision, result.Results[0].Entries);
    }

    private static async Task<TransactionResult> CommitAsync(
        IStateStore store, Condition[] conditions, Operation[] operations, CancellationToken cancellation)
    {
        var result = await store.CommitAsync(new StateTransaction(conditions, operations, []), cancellation);
        return result.Succeeded ? result
            : throw new StateStoreException("the target was changed by someone else while it was copied to");
    }
}
