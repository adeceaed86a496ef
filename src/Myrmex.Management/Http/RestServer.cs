using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Myrmex.Coordination;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.Http;

/// <summary>
/// The REST service: on a unix socket that only the owner can open, for the command line, and on a loopback port. Over
/// the port everyone may read, and what changes something needs <c>Authorization: Bearer TOKEN</c> with the token from
/// the working directory, because every local user and every web page in a local browser can reach a loopback port.
/// </summary>
internal sealed class RestServer : IAsyncDisposable
{
    private readonly VolumeCommands _commands;
    private readonly DaemonMessage _daemon;
    private readonly byte[] _token;
    private readonly WebApplication _application;

    public RestServer(DaemonOptions options, VolumeCommands commands, DaemonMessage daemon, string token)
    {
        _commands = commands;
        _daemon = daemon;
        _token = Encoding.ASCII.GetBytes("Bearer " + token);
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
        });
        builder.Services.AddRoutingCore();
        _application = builder.Build();
        _application.Use(GuardAsync);
        Map();
    }

    public Task StartAsync(CancellationToken cancellation) => _application.StartAsync(cancellation);

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    private void Map()
    {
        Get("/v1/daemon", MessageJson.Default.DaemonMessage, _ => _daemon);
        Get("/v1/peers", MessageJson.Default.PeerListMessage, _ =>
            new PeerListMessage([new PeerMessage(_daemon.NodeId, _daemon.HostName, Connected: true, IsLocal: true)]));
        Get("/v1/options", MessageJson.Default.OptionHelpListMessage, _ => new OptionHelpListMessage(
            [.. VolumeOptions.All.Select(o => o.Declaration)
                .Select(d => new OptionHelpMessage(d.Key, d.Default, d.Help))]));
        Get("/v1/volumes", MessageJson.Default.VolumeListMessage, _ =>
            new VolumeListMessage([.. _commands.List().Select(ToMessage)]));
        Get("/v1/volumes/{name}", MessageJson.Default.VolumeMessage, c => ToMessage(_commands.Find(Name(c))));
        Get("/v1/volumes/{name}/status", MessageJson.Default.VolumeStatusMessage, c =>
            ToMessage(_commands.Status(Name(c), detail: Flag(c, "detail"))));
        Get("/v1/volumes/{name}/options", MessageJson.Default.OptionListMessage, c =>
            ToMessage(_commands.Get(Name(c), key: null)));
        Get("/v1/volumes/{name}/options/{key}", MessageJson.Default.OptionListMessage, c =>
            ToMessage(_commands.Get(Name(c), (string)c.Request.RouteValues["key"]!)));
        Change("POST", "/v1/volumes", async c =>
        {
            var message = await ReadAsync(c, MessageJson.Default.CreateMessage);
            var request = new CreateRequest(message.Name ?? string.Empty, message.Bricks ?? [])
            {
                ReplicaCount = message.ReplicaCount,
                ArbiterCount = message.ArbiterCount,
                Force = message.Force,
            };
            return await _commands.CreateAsync(request, CancellationToken.None);
        });
        Change("POST", "/v1/volumes/{name}/start", c =>
            _commands.StartAsync(Name(c), Flag(c, "force"), CancellationToken.None));
        Change("POST", "/v1/volumes/{name}/stop", c =>
            _commands.StopAsync(Name(c), Flag(c, "force"), CancellationToken.None));
        Change("DELETE", "/v1/volumes/{name}", c => _commands.DeleteAsync(Name(c), CancellationToken.None));
        Change("PUT", "/v1/volumes/{name}/options", async c =>
        {
            var message = await ReadAsync(c, MessageJson.Default.OptionListMessage);
            var settings = (message.Options ?? []).Select(
                o => new VolumeSetting(o.Key ?? string.Empty, o.Value ?? string.Empty));
            return await _commands.SetAsync(Name(c), [.. settings], CancellationToken.None);
        });
        Change("DELETE", "/v1/volumes/{name}/options", c =>
            _commands.ResetAsync(Name(c), key: null, Flag(c, "force"), CancellationToken.None));
        Change("DELETE", "/v1/volumes/{name}/options/{key}", c => _commands.ResetAsync(
            Name(c), (string)c.Request.RouteValues["key"]!, Flag(c, "force"), CancellationToken.None));
        _application.MapFallback(c => FailAsync(c, StatusCodes.Status404NotFound, $"there is no {c.Request.Path}"));
    }

    private static string Name(HttpContext context) => (string)context.Request.RouteValues["name"]!;

    private static bool Flag(HttpContext context, string name) => context.Request.Query[name] == "true";

    private static VolumeMessage ToMessage(Volume volume) => new(
        volume.Name, volume.Id.ToString(), volume.Status.ToString(), volume.TypeText, (int)volume.Type,
        volume.BrickCountText, volume.DistributeCount, volume.ReplicaCount, volume.ArbiterCount,
        [
            .. volume.Bricks.Select(b =>
                new BrickMessage(b.Host, b.Path, b.Index, b.Node.ToString(), volume.IsArbiter(b))),
        ],
        [.. volume.Settings.Select(s => new OptionMessage(s.Key, s.Value, IsDefault: false))]);

    private static VolumeStatusMessage ToMessage(VolumeReport report) => new(
        report.Volume.Name, report.Volume.Id.ToString(),
        [
            .. report.Bricks.Select(b => new BrickStatusMessage(
                b.Brick.Host, b.Brick.Path, b.Brick.Node.ToString(), b.Online, b.Port, b.Pid,
                b.Detail is null ? null : ToMessage(b.Detail))),
        ]);

    private static BrickDetailMessage ToMessage(BrickDetail detail) => new(
        detail.Device, detail.FileSystem, detail.MountOptions, detail.Space.BlockSize, detail.Space.TotalBytes,
        detail.Space.FreeBytes, detail.Space.Inodes, detail.Space.FreeInodes);

    private static OptionListMessage ToMessage(IReadOnlyList<OptionReport> options) =>
        new([.. options.Select(o => new OptionMessage(o.Key, o.Value, o.IsDefault))]);

    private static async Task<T> ReadAsync<T>(HttpContext context, JsonTypeInfo<T> type)
    {
        try
        {
            return await context.Request.ReadFromJsonAsync(type, context.RequestAborted)
                ?? throw new CommandException(CommandFailure.Invalid, "the request has no body");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new CommandException(CommandFailure.Invalid, $"the request's body is not understood: {e.Message}");
        }
    }

    private static Task FailAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsJsonAsync(
            new ErrorMessage(text), MessageJson.Default.ErrorMessage, cancellationToken: CancellationToken.None);
    }

    private void Get<T>(string pattern, JsonTypeInfo<T> type, Func<HttpContext, T> answer)
    {
        Task HandleAsync(HttpContext context) => RunAsync(context, () => Task.FromResult(answer(context)), type);
        _application.MapGet(pattern, (RequestDelegate)HandleAsync);
    }

    /// <summary>A command runs to its end even when its caller goes away: half a command would be worse.</summary>
    private void Change(string method, string pattern, Func<HttpContext, Task<Volume>> command)
    {
        Task HandleAsync(HttpContext context) => RunAsync(
            context, async () => ToMessage(await command(context)), MessageJson.Default.VolumeMessage);
        _application.MapMethods(pattern, [method], (RequestDelegate)HandleAsync);
    }

    private static async Task RunAsync<T>(HttpContext context, Func<Task<T>> answer, JsonTypeInfo<T> type)
    {
        try
        {
            var message = await answer();
            await context.Response.WriteAsJsonAsync(message, type, cancellationToken: CancellationToken.None);
        }
        catch (CommandException e)
        {
            await FailAsync(context, StatusOf(e.Failure), e.Message);
        }
        catch (Exception e) when (e is StateStoreException or IOException or UnauthorizedAccessException)
        {
            Log.Error("rest", "command failed", ("path", context.Request.Path), ("reason", e.Message));
            await FailAsync(context, StatusCodes.Status500InternalServerError, e.Message);
        }
    }

    private static int StatusOf(CommandFailure failure) => failure switch
    {
        CommandFailure.Invalid => StatusCodes.Status400BadRequest,
        CommandFailure.NotFound => StatusCodes.Status404NotFound,
        CommandFailure.Conflict => StatusCodes.Status409Conflict,
        _ => StatusCodes.Status500InternalServerError,
    };

    private async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        var overPort = context.Connection.LocalIpAddress is not null;
        if (overPort && !IsLocalName(context.Request.Host.Host))
        {
            // A foreign name that leads here is a web page's trick to read with the visitor's hands.
            await FailAsync(context, StatusCodes.Status403Forbidden, "use the name localhost");
            return;
        }

        if (overPort && !HttpMethods.IsGet(context.Request.Method) && !HasToken(context))
        {
            await FailAsync(
                context, StatusCodes.Status401Unauthorized,
                "this needs 'Authorization: Bearer TOKEN' with the token in the daemon's working directory");
            return;
        }

        await next(context);
    }

    private static bool IsLocalName(string host) => host is "localhost" or "127.0.0.1" or "[::1]";

    private bool HasToken(HttpContext context) => CryptographicOperations.FixedTimeEquals(
        Encoding.UTF8.GetBytes(context.Request.Headers.Authorization.ToString()), _token);
}
