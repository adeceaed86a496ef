using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Myrmex.Base;

namespace Myrmex.Management.Http;

/// <summary>
/// The REST service's listeners: a unix socket for the command line, a loopback port, and more on demand.
/// What is served is in the <see cref="RestRoutes"/>, who may in the guard. Only here is the page for people: a port
/// that takes client certificates would let pages from elsewhere act with those of a browser.
/// </summary>
internal sealed class RestServer : IAsyncDisposable
{
    private readonly WebApplication _application;

    /// <param name="listenMore">Adds endpoints; the guard's Remote decides who may use them.</param>
    public RestServer(
        DaemonOptions options, IReadOnlyList<RestRoutes> routes, RestGuard guard,
        Action<KestrelServerOptions>? listenMore = null)
    {
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = options.WorkingDirectory });
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Limits.RequestBytesMax;
            kestrel.ListenUnixSocket(options.Socket);
            if (options.HttpPort > 0)
            {
                kestrel.Listen(IPAddress.Loopback, options.HttpPort);
            }

            listenMore?.Invoke(kestrel);
        });
        builder.Services.AddRoutingCore();
        _application = builder.Build();
        _application.Use(guard.RunAsync);
        var map = new RouteMap(_application);
        Routes = map.Routes;
        foreach (var subject in routes)
        {
            subject.Map(map);
        }

        new WebRoutes().Map(map);
        MapDescription(map);
    }

    /// <summary>What is served, the description itself included.</summary>
    public IReadOnlyList<Route> Routes { get; }

    public Task StartAsync(CancellationToken cancellation) => _application.StartAsync(cancellation);

    /// <summary>Takes no requests any more, and gives those under way a moment to be answered.</summary>
    public async Task FinishAsync(int limitMs)
    {
        using var limit = new CancellationTokenSource(limitMs);
        try
        {
            await _application.StopAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            // Streams of events have no end; they are cut.
        }
    }

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    private static void MapDescription(RouteMap map)
    {
        var text = string.Empty;
        map.Get(OpenApi.Path, "This description.", "application/json", request =>
        {
            request.Context.Response.ContentType = "application/json";
            return request.Context.Response.WriteAsync(text, request.Aborted);
        });

        // After the route itself, which it has too.
        text = OpenApi.Describe(map.Routes, BuildVersion.Text).ToJsonString();
    }
}
