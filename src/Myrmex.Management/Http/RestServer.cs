using System;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Myrmex.Management.Http;

/// <summary>
/// The REST service's listeners: a unix socket for the command line, a loopback port, and more on demand.
/// What is served is in the <see cref="RestRoutes"/>, who may in the guard.
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
        foreach (var subject in routes)
        {
            subject.Map(map);
        }
    }

    public Task StartAsync(CancellationToken cancellation) => _application.StartAsync(cancellation);

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();
}
