using System;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Myrmex.Base;

/// <summary>Raised when a promise the code makes to itself is broken; never for bad input.</summary>
public sealed class InvariantException(string message) : Exception(message);

/// <summary>Checks that stay on in release builds. A broken invariant is a bug, not an outcome.</summary>
public static class Invariant
{
    /// <summary>True when the environment asks for the costly checks too (MYRMEX_VERIFY=1).</summary>
    public static bool Verifying { get; } = Environment.GetEnvironmentVariable("MYRMEX_VERIFY") == "1";

    /// <summary>Throws <see cref="InvariantException"/> when <paramref name="condition"/> is false.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        if (!condition)
        {
            Throw(expression);
        }
    }

    /// <summary>Runs a costly check only when <see cref="Verifying"/>.</summary>
    public static void Verify(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string? expression = null)
    {
        if (Verifying && !condition())
        {
            Throw(expression);
        }
    }

    [DoesNotReturn]
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw(string? expression) => throw new InvariantException($"Invariant broken: {expression}");
}
