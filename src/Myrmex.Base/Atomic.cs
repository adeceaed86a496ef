using System.Numerics;
using System.Threading;

namespace Myrmex.Base;

/// <summary>What <see cref="Interlocked"/> lacks.</summary>
public static class Atomic
{
    /// <summary>Makes a number that only grows at least <paramref name="value"/>, whoever comes first.</summary>
    /// <typeparam name="T">A number of 64 bits.</typeparam>
    public static void Raise<T>(ref T place, T value)
        where T : struct, IBinaryInteger<T>
    {
        var seen = place; // May be an old one: it is compared.
        while (seen < value)
        {
            var before = Interlocked.CompareExchange(ref place, value, seen);
            if (before == seen)
            {
                return;
            }

            seen = before;
        }
    }
}
