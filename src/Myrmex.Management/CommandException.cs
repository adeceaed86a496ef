using System;

namespace Myrmex.Management;

public enum CommandFailure
{
    /// <summary>The request itself is wrong.</summary>
    Invalid,

    /// <summary>What it names does not exist.</summary>
    NotFound,

    /// <summary>The state of things does not allow it.</summary>
    Conflict,

    /// <summary>It was tried and did not work; nothing has changed.</summary>
    Failed,
}

/// <summary>
/// Why a command was refused. The message is what the administrator reads after "volume create: NAME: failed: "; it
/// keeps GlusterFS' words where GlusterFS has the case.
/// </summary>
public sealed class CommandException(CommandFailure failure, string message) : Exception(message)
{
    public CommandFailure Failure => failure;
}
