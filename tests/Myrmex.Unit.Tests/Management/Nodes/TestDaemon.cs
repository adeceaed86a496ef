using System;
using System.IO;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Myrmex.Coordination;
using Myrmex.Management.BrickAdmin;
using Myrmex.Management.Etcd;
using Myrmex.Management.Http;
using Myrmex.Management.NodeApi;
using Myrmex.Management.Nodes;
using Myrmex.Runtime;
using Myrmex.Volumes;
using Xunit;

namespace Myrmex.Unit.Tests.Management.Nodes;

/// <summary>
/// The part of a daemon that is about nodes, on a loopback address of its own: opens its store again when it has joined
/// or was detached. The store of the cluster is in memory and shared by those who know its name.
/// </summary>
internal sealed class TestDaemon : IAsyncDisposable
{
    public const string SharedStore = """{"kind":"shared"}""";

    private readonly IStateStore _shared;
    private readonly SemaphoreSlim _opened = new(0);
    private CancellationTokenSource _stop = new();
    private Task _sessions = Task.CompletedTask;

    /// <param name="number">Last part of its address.</param>
    /// <param name="startsShared">It is given the address of the shared store, as with --etcd.</param>
    public TestDaemon(int number, IStateStore shared, Seams seams, bool startsShared = false)
    {
        _shared = shared;
        Seams = seams;
        StartsShared = startsShared;
        Options = new NodeOptions
        {
            WorkingDirectory = Path.Combine(Path.GetTempPath(), $"myrmex-unit-{Guid.NewGuid():N}"),
            Bind = $"127.77.1.{number}",
            NodePort = 0,
            Version = "1.2.3",
        };
        Directory.CreateDirectory(Options.WorkingDirectory);
        Local = new MemoryStore(seams.Clock);
    }

    public NodeOptions Options { get; set; }

    public Seams Seams { get; }

    public bool StartsShared { get; set; }

    /// <summary>The node's own file; a store that crashes stands for a killed daemon.</summary>
    public IStateStore Local { get; set; }

    public NodeServices Services { get; private set; } = null!; // Set by StartAsync.

    public NodeId Id => Services.Identity.Current.Id;

    public string Host => Options.Bind;

    /// <summary>As an administrator writes it.</summary>
    public string Target => $"{Host}:{Services.NodePort}";

    /// <summary>The brick process of the node; before it starts.</summary>
    public IBrickAdmin? Bricks { get; set; }

    public bool IsShared { get; private set; }

    public int Sessions { get; private set; }

    public Exception? Failure { get; private set; }

    public async Task<TestDaemon> StartAsync()
    {
        _stop = new CancellationTokenSource();
        Failure = null;
        _sessions = RunAsync(_stop.Token);
        await NextAsync();
        return this;
    }

    /// <summary>Waits for the next session.</summary>
    public async Task NextAsync()
    {
        Assert.True(await _opened.WaitAsync(TimeSpan.FromSeconds(20)), "the daemon did not open its store");
        if (Failure is { } failure)
        {
            throw new InvalidOperationException("the daemon does not run", failure);
        }
    }

    public Task WriteTokenAsync(string token) => File.WriteAllTextAsync(Options.TokenFile, token + "\n");

    public async Task KillAsync()
    {
        await _stop.CancelAsync();
        await _sessions;
        while (_opened.CurrentCount > 0)
        {
            await _opened.WaitAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _stop.Dispose();
        Directory.Delete(Options.WorkingDirectory, recursive: true);
    }

    private async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                await SessionAsync(cancellation);
            }
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Killed.
        }
        catch (Exception e)
        {
            Failure = e;
            _opened.Release();
        }
    }

    private async Task SessionAsync(CancellationToken cancellation)
    {
        await NodeIdentity.ApplyPendingAsync(Local, cancellation);
        var store = await StoreAsync(cancellation);
        IsShared = ReferenceEquals(store, _shared);
        var view = new StateView(store, KeyRange.All, Seams.Scheduler);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        try
        {
            await using var services = await NodeServices.OpenAsync(
                new NodeServicesParts
                {
                    Options = Options,
                    Local = Local,
                    Store = store,
                    Guarded = new GuardedStore(store),
                    View = view,
                    Seams = Seams,
                    StoreOffer = IsShared ? (_, _) => Task.FromResult(SharedStore) : null,
                    Map = services => routes => Map(services, routes),
                },
                cancellation);
            Services = services;
            Sessions++;
            var follow = view.FollowAsync(end.Token);
            var run = services.RunAsync(end.Token);
            _opened.Release();
            await Task.WhenAny(follow, run, services.Changed);
            var isChanged = services.Changed.IsCompleted;
            await end.CancelAsync();
            await Task.WhenAll(follow, run).ContinueWith(_ => { }, TaskScheduler.Default);
            if (!isChanged)
            {
                await run;
            }
        }
        catch (NodeDetachedException)
        {
            StartsShared = false;
        }
    }

    private async Task<IStateStore> StoreAsync(CancellationToken cancellation)
    {
        if (await Local.GetAsync(StoreChoice.Key, cancellation) is { } entry)
        {
            Assert.Equal(SharedStore, Encoding.UTF8.GetString(entry.Value.Span));
            return _shared;
        }

        var wasDetached = await Local.GetAsync(NodeKeys.LocalDetached, cancellation) is not null;
        return StartsShared && !wasDetached ? _shared : Local;
    }

    private void Map(NodeServices nodes, IEndpointRouteBuilder routes)
    {
        var map = new RouteMap(routes);
        new TrustRoutes(nodes).Map(map);
        if (Bricks is { } bricks)
        {
            new NodeBrickRoutes(bricks, null!, "/dumps").Map(map); // Volumes are not asked for here.
        }

        var rest = new RestServices
        {
            Daemon = () => new DaemonMessage("0", string.Empty, string.Empty, Port: 0, Pid: 0),
            Volumes = null!, // Not asked here.
            Scheduler = null!,
            Peers = new PeerService(nodes),
        };
        new PeerRoutes(rest).Map(map);
        routes.MapGet("/v1/node/echo", (RequestDelegate)(c => c.Response.WriteAsync(
            $"{{\"nodeId\":\"{NodeCaller.Of(c)!.NodeId}\",\"version\":\"echo\"}}")));
        routes.MapGet("/v1/admin-echo", (RequestDelegate)(c => c.Response.WriteAsync(NodeCaller.Of(c)!.ToString())));
    }
}
