using System;
using Myrmex.Base;

namespace Myrmex.Runtime.Linux;

/// <summary>What becomes of an exception that reaches the top of a loop.</summary>
internal static class Crash
{
    /// <summary>Logs it; a broken invariant stops the process, because nothing may go on on a guess.</summary>
    public static void Report(Exception exception, string thread)
    {
        Log.Error("runtime", "unhandled exception", ("thread", thread), ("exception", exception));
        if (exception is InvariantException)
        {
            Environment.FailFast(exception.Message, exception);
        }
    }
}
