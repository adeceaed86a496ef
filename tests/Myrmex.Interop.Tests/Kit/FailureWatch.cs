using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// Counts failed assertions of this process. xunit does not tell a class that its test failed; "the count grew while I lived" says
/// so too, and of two tests side by side it says it of both, so that a log too many is kept.
/// </summary>
internal static class FailureWatch
{
    private static int _failures;

    public static int Failures => Volatile.Read(ref _failures);

    /// <summary>Counts a failure that is no exception.</summary>
    public static void Note() => Interlocked.Increment(ref _failures);

    public static void Start() => AppDomain.CurrentDomain.FirstChanceException += OnException;

    private static void OnException(object? sender, FirstChanceExceptionEventArgs raised)
    {
        if (raised.Exception is HarnessException || raised.Exception.GetType().Namespace == "Xunit.Sdk")
        {
            Interlocked.Increment(ref _failures);
        }
    }
}
