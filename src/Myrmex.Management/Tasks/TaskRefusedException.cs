using System;

namespace Myrmex.Management.Tasks;

/// <summary>
/// A command about a task that cannot be done; the message is what the administrator reads after "volume rebalance:
/// NAME: failed: ".
/// </summary>
public sealed class TaskRefusedException(string message) : Exception(message);
