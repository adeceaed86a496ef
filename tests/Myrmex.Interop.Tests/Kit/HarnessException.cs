using System;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>Something a test needs did not happen: a process did not start, a command failed, a wait ran out.</summary>
internal sealed class HarnessException(string message) : Exception(message);
