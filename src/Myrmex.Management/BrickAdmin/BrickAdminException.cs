using System;

namespace Myrmex.Management.BrickAdmin;

/// <summary>A brick process did not do what it was asked; the message is for the administrator.</summary>
public sealed class BrickAdminException(string message, bool unreachable = false) : Exception(message)
{
    /// <summary>Nobody answered, as opposed to an answer that refuses.</summary>
    public bool Unreachable => unreachable;
}
