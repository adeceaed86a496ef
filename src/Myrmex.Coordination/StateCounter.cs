using System.Globalization;
using System.Text;
using System.Threading;
using System.Threading.Tasks;

namespace Myrmex.Coordination;

/// <summary>
/// A number of the cluster that only grows, as a term or for identities. Kept as decimal text. No number is answered
/// twice; when an answer was lost a number may be left out.
/// </summary>
public sealed class StateCounter(IStateStore store, string key)
{
    /// <summary>The number of the last change; 0 before the first.</summary>
    public async Task<long> ReadAsync(CancellationToken cancellation) =>
        Parse(await store.GetAsync(key, cancellation));

    /// <summary>
    /// A number larger than every one before. Throws <see cref="StateStoreException"/>, after which it may be called
    /// again.
    /// </summary>
    public async Task<long> NextAsync(CancellationToken cancellation)
    {
        while (true)
        {
            var entry = await store.GetAsync(key, cancellation);
            var next = checked(Parse(entry) + 1);
            if (await store.CompareAndPutAsync(key, entry?.Modified ?? Revision.None, Format(next), cancellation))
            {
                return next;
            }
        }
    }

    /// <summary>Makes the number at least <paramref name="number"/>; answers what it is. May be repeated.</summary>
    public async Task<long> RaiseAsync(long number, CancellationToken cancellation)
    {
        while (true)
        {
            var entry = await store.GetAsync(key, cancellation);
            var known = Parse(entry);
            if (known >= number)
            {
                return known;
            }

            if (await store.CompareAndPutAsync(key, entry?.Modified ?? Revision.None, Format(number), cancellation))
            {
                return number;
            }
        }
    }

    /// <summary>
    /// An operation that raises the number, for a transaction of the caller, with the condition that nobody else did.
    /// </summary>
    public static (Condition Condition, Operation Operation, long Next) Step(string key, StateEntry? known)
    {
        var next = checked(Parse(known) + 1);
        var unchanged = Condition.Unchanged(key, known?.Modified ?? Revision.None);
        return (unchanged, Operation.PutValue(key, Format(next)), next);
    }

    private static byte[] Format(long number) =>
        Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));

    private static long Parse(StateEntry? entry)
    {
        if (entry is null)
        {
            return 0;
        }

        return long.TryParse(entry.Value.Span, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number : throw new StateStoreException($"{entry.Key} in the state store is not a number");
    }
}
