using System;
using System.Collections.Generic;
using System.IO;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Primitives;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Runtime;

namespace Myrmex.Management.Http;

/// <summary>
/// Where <see cref="RestRoutes"/> are put: typed handlers become endpoints, and every route is remembered for the
/// interface description. The same routes can be mapped any number of times.
/// </summary>
/// <param name="without">A pattern that somebody else serves there; null for none.</param>
internal sealed class RouteMap(IEndpointRouteBuilder endpoints, string? without = null)
{
    private readonly List<Route> _routes = [];

    public IReadOnlyList<Route> Routes => _routes;

    public Route Get<T>(string pattern, string summary, JsonTypeInfo<T> answer, Func<RestRequest, T> handle) =>
        Get(pattern, summary, answer, request => Task.FromResult(handle(request)));

    public Route Get<T>(string pattern, string summary, JsonTypeInfo<T> answer, Func<RestRequest, Task<T>> handle) =>
        Add(new Route("GET", pattern, summary, Body: null, answer), handle, answer);

    /// <summary>An answer that is not JSON; the handler writes it.</summary>
    public Route Get(string pattern, string summary, string answerType, Func<RestRequest, Task> handle) =>
        Add(new Route("GET", pattern, summary, Body: null, Answer: null) { AnswerType = answerType }, handle);

    /// <summary>
    /// Something that changes. It runs to its end even when its caller goes away: half a command would be worse.
    /// </summary>
    public Route Change<T>(
        string method, string pattern, string summary, JsonTypeInfo<T> answer, Func<RestRequest, Task<T>> handle) =>
        Add(new Route(method, pattern, summary, Body: null, answer), handle, answer);

    /// <summary>Something that changes as the body says.</summary>
    public Route Change<TBody, T>(
        string method, string pattern, string summary, JsonTypeInfo<TBody> body, JsonTypeInfo<T> answer,
        Func<RestRequest, TBody, Task<T>> handle) =>
        Add(
            new Route(method, pattern, summary, body, answer),
            async request => await handle(request, await request.ReadAsync(body)), answer);

    private Route Add<T>(Route route, Func<RestRequest, Task<T>> handle, JsonTypeInfo<T> type) =>
        Add(route, async request =>
        {
            var message = await handle(request);
            if (message is ITagged { Tag: { } tag } && IsKnown(request, tag))
            {
                request.Context.Response.StatusCode = StatusCodes.Status304NotModified;
                return;
            }

            await request.Context.Response.WriteAsJsonAsync(message, type, cancellationToken: CancellationToken.None);
        });

    /// <summary>Tells the tag, and whether the caller has said that it knows the answer with it.</summary>
    private static bool IsKnown(RestRequest request, string tag)
    {
        var (context, headers) = (request.Context, request.Context.Request.Headers);
        context.Response.Headers.ETag = tag;
        if (!IsLook(context))
        {
            return false; // The change has looked at its condition.
        }

        var match = Precondition.Read(headers.IfMatch, StringValues.Empty);
        if (match?.Holds(tag) == false)
        {
            throw match.Failed(context.Request.Path.ToString(), tag);
        }

        // What is not understood is not known: then the answer is told in full.
        return Precondition.TryRead(headers.IfNoneMatch) is { } known && Precondition.Contains(known, tag);
    }

    private static bool IsLook(HttpContext context) =>
        HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);

    /// <summary>A condition that would not be looked at must not seem to have been kept.</summary>
    private static void RefuseCondition(Route route, HttpContext context)
    {
        var headers = context.Request.Headers;
        if (!route.IsConditional && !IsLook(context) && headers.IfMatch.Count + headers.IfNoneMatch.Count > 0)
        {
            throw new CommandException(
                CommandFailure.Invalid,
                $"{route.Method} {route.Pattern} cannot be done on a condition: it does not take If-Match and "
                + "If-None-Match");
        }
    }

    private Route Add(Route route, Func<RestRequest, Task> handle)
    {
        if (route.Pattern == without)
        {
            return route;
        }

        Task HandleAsync(HttpContext context) => RunAsync(new RestRequest(context), request =>
        {
            RefuseCondition(route, context);
            return handle(request);
        });
        string[] methods = route.Method == "GET" ? ["GET", "HEAD"] : [route.Method];
        endpoints.MapMethods(route.Pattern, methods, (RequestDelegate)HandleAsync).WithMetadata(route);
        _routes.Add(route);
        return route;
    }

    private static async Task RunAsync(RestRequest request, Func<RestRequest, Task> handle)
    {
        var context = request.Context;
        try
        {
            await handle(request);
        }
        catch (CommandException e)
        {
            await Problems.WriteAsync(context, Problems.Of(e));
        }
        catch (BadHttpRequestException e)
        {
            await Problems.WriteAsync(context, Problems.Of(e.StatusCode, e.Message));
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody waits for the answer.
        }
        catch (StateStoreException e)
        {
            Log.Warning("rest", "state store failed", ("path", context.Request.Path), ("reason", e.Message));
            await Problems.WriteAsync(context, Problems.Of(
                StatusCodes.Status503ServiceUnavailable, e.Message,
                "Look whether the change was made, and try again when the store answers."));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error("rest", "command failed", ("path", context.Request.Path), ("reason", e.Message));
            await Problems.WriteAsync(context, Problems.Of(StatusCodes.Status500InternalServerError, e.Message));
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Log.Error("rest", "mistake in a command", ("path", context.Request.Path), ("reason", e));
            await Problems.WriteAsync(context, Problems.Of(
                StatusCodes.Status500InternalServerError, $"this is a mistake of the daemon: {e.Message}"));
        }
    }
}
