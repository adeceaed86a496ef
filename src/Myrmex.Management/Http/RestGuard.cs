using System;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;

namespace Myrmex.Management.Http;

/// <summary>
/// Who may use the REST service. The unix socket is only for its owner, so who comes over it may everything. A
/// loopback port can be reached by every local user and every web page in a local browser: it needs the token, and a
/// local name in the Host header. Other endpoints decide for themselves.
/// </summary>
internal sealed class RestGuard(string token)
{
    private readonly byte[] _authorization = Encoding.ASCII.GetBytes("Bearer " + token);

    /// <summary>
    /// Says who comes over an endpoint that is not on the loopback address: null to let in, else why not. Without it
    /// nobody may.
    /// </summary>
    public Func<HttpContext, ProblemMessage?>? Remote { get; init; }

    public async Task RunAsync(HttpContext context, RequestDelegate next)
    {
        if (Refusal(context) is { } problem)
        {
            if (problem.Status == StatusCodes.Status401Unauthorized)
            {
                context.Response.Headers.WWWAuthenticate = "Bearer";
            }

            await Problems.WriteAsync(context, problem);
            return;
        }

        await next(context);
        if (!context.Response.HasStarted && context.Response.StatusCode >= StatusCodes.Status400BadRequest
            && context.Response.ContentType is null)
        {
            await Problems.WriteAsync(context, NotRouted(context));
        }
    }

    private static ProblemMessage NotRouted(HttpContext context) => context.Response.StatusCode switch
    {
        StatusCodes.Status404NotFound => Problems.Of(
            StatusCodes.Status404NotFound, $"there is no {context.Request.Path}",
            "/v1/openapi.json lists what there is."),
        StatusCodes.Status405MethodNotAllowed => Problems.Of(
            StatusCodes.Status405MethodNotAllowed,
            $"{context.Request.Path} cannot be asked {context.Request.Method}"),
        var status => Problems.Of(status, "the request cannot be served"),
    };

    private ProblemMessage? Refusal(HttpContext context)
    {
        if (context.Connection.LocalIpAddress is not { } address)
        {
            return null; // The unix socket.
        }

        if (!System.Net.IPAddress.IsLoopback(address) || context.Request.IsHttps)
        {
            return Remote is null ? Problems.Of(StatusCodes.Status403Forbidden, "not from here") : Remote(context);
        }

        if (!IsLocalName(context.Request.Host.Host))
        {
            // A foreign name that leads here is a web page's trick to read with the visitor's hands.
            return Problems.Of(StatusCodes.Status403Forbidden, "this name is not served", "Use the name localhost.");
        }

        return IsOpen(context) || HasToken(context) ? null : Problems.Of(
            StatusCodes.Status401Unauthorized, "the request does not carry the token",
            "Send 'Authorization: Bearer TOKEN' with the token in the file 'token' of the daemon's working directory.");
    }

    private static bool IsOpen(HttpContext context) =>
        context.GetEndpoint()?.Metadata.GetMetadata<Route>() is { IsOpen: true };

    private static bool IsLocalName(string host) => host is "localhost" or "127.0.0.1" or "[::1]";

    private bool HasToken(HttpContext context) => CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(context.Request.Headers.Authorization.ToString()), _authorization);
}
