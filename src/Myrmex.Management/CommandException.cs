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

    /// <summary>It is not what the caller said that it is: If-Match does not match.</summary>
    Changed,

    /// <summary>This version, or this daemon as it was started, cannot do it.</summary>
    NotSupported,
}

/// <summary>
/// Why a command was refused. The message is what the administrator reads after "volume create: NAME: failed: "; it
/// keeps GlusterFS' words where GlusterFS has the case.
/// </summary>
/// <param name="advice">What to do about it; GlusterFS' words have none, so it stands apart.</param>
public sealed class CommandException(CommandFailure failure, string message, string? advice = null)
    : Exception(message)
{
    public CommandFailure Failure => failure;

    public string? Advice => advice;
}
