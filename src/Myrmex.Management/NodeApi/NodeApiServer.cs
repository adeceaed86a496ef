using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Myrmex.Coordination;
using Myrmex.Management.Http;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;

namespace Myrmex.Management.NodeApi;

/// <summary>
/// The node port: HTTPS for the other daemons and for administrators elsewhere. What may be asked:
/// <c>/v1/health</c> by everyone; <c>/v1/join/</c> with any certificate, because joining proves itself;
/// <c>/v1/node/</c> by nodes; everything else by administrators. A bearer needs a certificate of the cluster's
/// authority and a record in the store with its fingerprint: who was removed is nobody from then on, also over
/// connections that are open.
/// </summary>
internal sealed class NodeApiServer : IAsyncDisposable
{
    private const string JoinPath = "/v1/join/";
    private const string NodePath = "/v1/node/";
    public const string HealthPath = "/v1/health";

    /// <summary>How long requests under way are waited for at the end.</summary>
    private const double DrainSeconds = 2;

    private static readonly object CheckedKey = new();

    private readonly NodeIdentity _identity;
    private readonly NodeDirectory _directory;
    private readonly MemberChanges _members;
    private readonly Seams _seams;
    private readonly WebApplication _application;

    /// <param name="map">Adds the routes of others; their paths decide who may ask them.</param>
    public NodeApiServer(
        NodeOptions options, NodeIdentity identity, NodeDirectory directory, MemberChanges members, JoinService join,
        Action<IEndpointRouteBuilder>? map, Seams seams)
    {
        _identity = identity;
        _directory = directory;
        _members = members;
        _seams = seams;
        var builder = WebApplication.CreateEmptyBuilder(
            new WebApplicationOptions { ContentRootPath = options.WorkingDirectory });
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = Limits.RequestBytesMax;
            kestrel.Listen(IPAddress.Parse(options.Bind), options.NodePort, Secure);
        });
        builder.WebHost.UseShutdownTimeout(TimeSpan.FromSeconds(DrainSeconds));
        builder.Services.AddRoutingCore();
        _application = builder.Build();
        _application.Use(GuardAsync);
        MapOwn(options, join);
        map?.Invoke(_application);
        _application.MapFallback(c => FailAsync(c, StatusCodes.Status404NotFound, $"there is no {c.Request.Path}"));
    }

    /// <summary>The port in use, once started.</summary>
    public int Port { get; private set; }

    /// <summary>Throws <see cref="IOException"/> when the address cannot be bound.</summary>
    public async Task StartAsync(CancellationToken cancellation)
    {
        await _application.StartAsync(cancellation);
        var addresses = _application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>();
        Port = new Uri(addresses!.Addresses.First()).Port; // Kestrel always has the feature.
    }

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    /// <summary>Answers with JSON; refusals become <see cref="ProblemMessage"/> with a status.</summary>
    public static async Task AnswerAsync<T>(HttpContext context, JsonTypeInfo<T> type, Func<Task<T>> answer)
    {
        try
        {
            var message = await answer();
            await context.Response.WriteAsJsonAsync(message, type, cancellationToken: CancellationToken.None);
        }
        catch (CommandException e)
        {
            await Problems.WriteAsync(context, Problems.Of(e));
        }
        catch (StateStoreException e)
        {
            Log.Warning("nodes", "state store failed", ("path", context.Request.Path), ("reason", e.Message));
            await FailAsync(context, StatusCodes.Status503ServiceUnavailable, e.Message);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.Error("nodes", "request failed", ("path", context.Request.Path), ("reason", e.Message));
            await FailAsync(context, StatusCodes.Status500InternalServerError, e.Message);
        }
    }

    private void Secure(ListenOptions listen)
    {
        listen.Protocols = HttpProtocols.Http1AndHttp2;
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = _identity.Current.Context,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                ClientCertificateRequired = true,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                // TLS proves that the caller has the key; whose it is, is looked up for every request.
                RemoteCertificateValidationCallback = (_, _, _, _) => true,
            }),
        });
    }

    private void MapOwn(NodeOptions options, JoinService join)
    {
        Task HealthAsync(HttpContext context) => AnswerAsync(
            context, NodeJson.Default.NodeHealth, () => Task.FromResult(new NodeHealth("ok", options.Version)));
        Task SelfAsync(HttpContext context) => AnswerAsync(
            context, NodeJson.Default.NodeAnswer,
            () => Task.FromResult(new NodeAnswer(_identity.Current.Id, options.Version)));
        _application.MapGet(HealthPath, (RequestDelegate)HealthAsync);
        _application.MapGet(NodePath + "self", (RequestDelegate)SelfAsync);
        Join("hello", NodeJson.Default.JoinHello, NodeJson.Default.JoinGreeting, join.HelloAsync);
        Join(
            "request", NodeJson.Default.JoinStep, NodeJson.Default.JoinApplication,
            (step, caller, _) => join.RequestAsync(step, caller));
        Join("offer", NodeJson.Default.JoinStep, NodeJson.Default.JoinDone, join.OfferAsync);
        Join("confirm", NodeJson.Default.JoinStep, NodeJson.Default.JoinDone, join.ConfirmAsync);
        Join("apply", NodeJson.Default.JoinStep, NodeJson.Default.JoinOffer, join.ApplyAsync);
        Join("prepared", NodeJson.Default.JoinStep, NodeJson.Default.JoinDone, join.PreparedAsync);
    }

    private void Join<TBody, TAnswer>(
        string step, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<TAnswer> type,
        Func<TBody, string, CancellationToken, Task<TAnswer>> handle)
    {
        Task HandleAsync(HttpContext context) => AnswerAsync(context, type, async () =>
        {
            var body = await ReadAsync(context, bodyType);
            // A step that has begun ends, even when its caller goes away.
            return await handle(body, CallerFingerprint(context), CancellationToken.None);
        });
        _application.MapPost(JoinPath + step, (RequestDelegate)HandleAsync);
    }

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

    private static string CallerFingerprint(HttpContext context) =>
        context.Connection.ClientCertificate is { } certificate
            ? Certificates.Fingerprint(certificate)
            : throw new CommandException(CommandFailure.Conflict, "a join needs a certificate");

    private static Task FailAsync(HttpContext context, int status, string text) =>
        Problems.WriteAsync(context, Problems.Of(status, text));

    private async Task GuardAsync(HttpContext context, RequestDelegate next)
    {
        var path = context.Request.Path.Value ?? string.Empty;
        if (path == HealthPath || path.StartsWith(JoinPath, StringComparison.Ordinal))
        {
            await next(context);
            return;
        }

        if (BearerOf(context) is not { } bearer)
        {
            await FailAsync(context, StatusCodes.Status401Unauthorized, "this needs a certificate of the cluster");
            return;
        }

        try
        {
            if (!await IsWantedAsync(bearer, CallerFingerprint(context), context.RequestAborted))
            {
                await FailAsync(context, StatusCodes.Status403Forbidden, $"{bearer} is not part of the cluster");
                return;
            }
        }
        catch (StateStoreException e)
        {
            await FailAsync(context, StatusCodes.Status503ServiceUnavailable, e.Message);
            return;
        }

        if (path.StartsWith(NodePath, StringComparison.Ordinal) != (bearer.Kind == PrincipalKind.Node))
        {
            await FailAsync(context, StatusCodes.Status403Forbidden, $"{bearer} may not ask for {path}");
            return;
        }

        NodeCaller.Set(context, bearer);
        await next(context);
    }

    /// <summary>Whose certificate it is, checked once a connection: the authority does not change its mind.</summary>
    private Principal? BearerOf(HttpContext context)
    {
        if (context.Connection.ClientCertificate is not { } certificate)
        {
            return null;
        }

        var items = context.Features.Get<IConnectionItemsFeature>()?.Items;
        if (items is not null && items.TryGetValue(CheckedKey, out var known)
            && known is (Principal bearer, DateTime ends) && ends > Certificates.Now(_seams.Clock))
        {
            return bearer;
        }

        var found = Certificates.Check(certificate, _identity.Current.Authority, isServer: false, _seams.Clock);
        if (items is not null && found is not null)
        {
            items[CheckedKey] = (found, certificate.NotAfter.ToUniversalTime());
        }

        return found;
    }

    /// <summary>
    /// A node that is not known here yet may have come this moment: the store is asked before it is refused.
    /// </summary>
    private async Task<bool> IsWantedAsync(Principal bearer, string fingerprint, CancellationToken cancellation)
    {
        if (bearer.Kind == PrincipalKind.Administrator)
        {
            return _directory.IsAdministrator(bearer.Name, fingerprint);
        }

        if (_directory.Find(bearer.NodeId) is { } known && Matches(known, fingerprint))
        {
            return true;
        }

        return await _members.FindAsync(bearer.NodeId, cancellation) is var (record, _) && Matches(record, fingerprint);
    }

    private static bool Matches(NodeRecord record, string fingerprint) =>
        fingerprint == record.Fingerprint || fingerprint == record.NextFingerprint;
}
