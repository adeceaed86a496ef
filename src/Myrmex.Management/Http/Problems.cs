using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;

namespace Myrmex.Management.Http;

/// <summary>
/// The types of problems, which never change their meaning: programs decide by them, people read the detail.
/// </summary>
public static class Problems
{
    public const string ContentType = "application/problem+json";
    public const string Prefix = "urn:myrmex:problem:";

    /// <summary>400: the request itself is wrong.</summary>
    public const string Invalid = Prefix + "invalid-request";

    /// <summary>401: the caller has not said who it is.</summary>
    public const string Unauthenticated = Prefix + "unauthenticated";

    /// <summary>403: the caller may not.</summary>
    public const string Forbidden = Prefix + "forbidden";

    /// <summary>404: what the request names does not exist.</summary>
    public const string NotFound = Prefix + "not-found";

    /// <summary>405: it exists, but cannot be asked that.</summary>
    public const string Method = Prefix + "method-not-allowed";

    /// <summary>409: the state of things does not allow it.</summary>
    public const string Conflict = Prefix + "conflict";

    /// <summary>412: it has changed since the caller looked.</summary>
    public const string Changed = Prefix + "changed-meanwhile";

    /// <summary>422: it was tried and did not work; nothing has changed.</summary>
    public const string Failed = Prefix + "failed";

    /// <summary>501: this version or this daemon cannot do it.</summary>
    public const string NotSupported = Prefix + "not-supported";

    /// <summary>503: the state of the cluster cannot be reached.</summary>
    public const string StoreUnavailable = Prefix + "store-unavailable";

    /// <summary>500: a mistake of ours.</summary>
    public const string Internal = Prefix + "internal";

    internal static ProblemMessage Of(CommandException e) =>
        Of(StatusOf(e.Failure), e.Message, e.Advice, TypeOf(e.Failure));

    /// <param name="type">When the status does not say it.</param>
    internal static ProblemMessage Of(int status, string detail, string? advice = null, string? type = null)
    {
        var (usual, title) = Usual(status);
        return new ProblemMessage(type ?? usual, title, status, detail, advice);
    }

    internal static async Task WriteAsync(HttpContext context, ProblemMessage problem)
    {
        if (context.Response.HasStarted)
        {
            context.Abort(); // Half an answer must not look whole.
            return;
        }

        context.Response.StatusCode = problem.Status;
        await context.Response.WriteAsJsonAsync(
            problem, ProblemMessageJson.Default.ProblemMessage, ContentType, CancellationToken.None);
    }

    private static int StatusOf(CommandFailure failure) => failure switch
    {
        CommandFailure.Invalid => StatusCodes.Status400BadRequest,
        CommandFailure.NotFound => StatusCodes.Status404NotFound,
        CommandFailure.Conflict => StatusCodes.Status409Conflict,
        CommandFailure.Changed => StatusCodes.Status412PreconditionFailed,
        CommandFailure.NotSupported => StatusCodes.Status501NotImplemented,
        _ => StatusCodes.Status422UnprocessableEntity,
    };

    /// <summary>What a status says of a command, as its caller sees it.</summary>
    internal static CommandFailure FailureOf(HttpStatusCode status) => (int)status switch
    {
        StatusCodes.Status400BadRequest => CommandFailure.Invalid,
        StatusCodes.Status404NotFound => CommandFailure.NotFound,
        StatusCodes.Status409Conflict => CommandFailure.Conflict,
        StatusCodes.Status412PreconditionFailed => CommandFailure.Changed,
        StatusCodes.Status501NotImplemented => CommandFailure.NotSupported,
        _ => CommandFailure.Failed,
    };

    private static string TypeOf(CommandFailure failure) => failure switch
    {
        CommandFailure.Invalid => Invalid,
        CommandFailure.NotFound => NotFound,
        CommandFailure.Conflict => Conflict,
        CommandFailure.Changed => Changed,
        CommandFailure.NotSupported => NotSupported,
        _ => Failed,
    };

    private static (string Type, string Title) Usual(int status) => status switch
    {
        StatusCodes.Status401Unauthorized => (Unauthenticated, "Authentication is needed"),
        StatusCodes.Status403Forbidden => (Forbidden, "Not allowed"),
        StatusCodes.Status404NotFound => (NotFound, "Not found"),
        StatusCodes.Status405MethodNotAllowed => (Method, "Method not allowed"),
        StatusCodes.Status409Conflict => (Conflict, "Not in this state"),
        StatusCodes.Status412PreconditionFailed => (Changed, "Changed meanwhile"),
        StatusCodes.Status422UnprocessableEntity => (Failed, "Did not work"),
        StatusCodes.Status501NotImplemented => (NotSupported, "Not supported"),
        StatusCodes.Status503ServiceUnavailable => (StoreUnavailable, "State store unavailable"),
        >= 500 => (Internal, "Internal error"),
        _ => (Invalid, "Invalid request"),
    };
}
