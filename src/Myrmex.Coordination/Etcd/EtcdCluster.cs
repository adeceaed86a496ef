using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using Grpc.Core;
using Grpc.Net.Client;
using Myrmex.Coordination.Etcd.Protocol;
using Myrmex.Runtime;

namespace Myrmex.Coordination.Etcd;

/// <summary>One member as it is addressed.</summary>
internal sealed class EtcdEndpoint(Uri address, GrpcChannel channel) : IDisposable
{
    public Uri Address => address;

    public KV.KVClient Kv { get; } = new(channel);

    public Watch.WatchClient Watch { get; } = new(channel);

    public Lease.LeaseClient Lease { get; } = new(channel);

    public Auth.AuthClient Auth { get; } = new(channel);

    public Cluster.ClusterClient Cluster { get; } = new(channel);

    public Maintenance.MaintenanceClient Maintenance { get; } = new(channel);

    public void Dispose() => channel.Dispose();
}

/// <summary>
/// Calls to the members of an etcd cluster: one member is asked as long as it answers, and when it does not, the next.
/// A call that changes something is sent again only if it is certain that it has not taken effect. When the files of
/// certificates change, connections are made anew with them.
/// </summary>
internal sealed class EtcdCluster : IDisposable
{
    // Makes a member that is cut off from its leader refuse, instead of waiting. Source: etcd clientv3
    // WithRequireLeader.
    private const string LeaderKey = "hasleader";
    private const string TokenKey = "token";

    private readonly Seams _seams;
    private readonly Lock _lock = new(); // Guards what is not readonly below but the token; a leaf lock.
    private readonly SemaphoreSlim _login = new(1, 1); // Held by the one who asks for a token.
    private readonly HashSet<Retired> _retired = [];
    private volatile EtcdOptions _options;
    private volatile EtcdEndpoint[] _endpoints;
    private int _current;
    private bool _isDisposed;
    private long _nextLookNs; // When the files of certificates are looked at again.
    private string? _files; // What they are that the endpoints were opened with.
    private volatile string? _token;
    private volatile bool _isAuthOff;

    public EtcdCluster(EtcdOptions options, Seams seams)
    {
        _options = options;
        _seams = seams;
        _files = EtcdTls.FilesOf(options); // Before they are loaded: a change in between is found.
        _nextLookNs = NextLookNs();
        _endpoints = [.. options.Endpoints.Select(address => new EtcdEndpoint(address, Open(address)))];
    }

    /// <summary>With the addresses of now.</summary>
    public EtcdOptions Options => _options;

    /// <summary>The member that is asked now.</summary>
    public EtcdEndpoint Current
    {
        get
        {
            RenewIfDue();
            lock (_lock)
            {
                return _endpoints[_current];
            }
        }
    }

    /// <summary>Asks the next member from now on, unless someone else has moved on from this one already.</summary>
    public void Blame(EtcdEndpoint endpoint)
    {
        lock (_lock)
        {
            if (ReferenceEquals(_endpoints[_current], endpoint))
            {
                _current = (_current + 1) % _endpoints.Length;
            }
        }
    }

    /// <summary>
    /// Asks other members from now on. Connections to those that stay are kept; calls under way to one that goes
    /// come to their end, and its watches move to another when it is closed, no later than the longest call takes.
    /// </summary>
    public void UseEndpoints(IReadOnlyList<Uri> addresses)
    {
        lock (_lock)
        {
            if (_isDisposed || _endpoints.Select(e => e.Address).SequenceEqual(addresses))
            {
                return;
            }

            var asked = _endpoints[_current];
            var endpoints = addresses
                .Select(a => _endpoints.FirstOrDefault(e => e.Address == a) ?? new EtcdEndpoint(a, Open(a))).ToArray();
            foreach (var gone in _endpoints.Except(endpoints))
            {
                Retire(gone);
            }

            _endpoints = endpoints;
            _current = Math.Max(0, Array.IndexOf(endpoints, asked));
            _options = _options with { Endpoints = [.. addresses] };
        }
    }

    /// <summary>
    /// One call with fail-over. Throws <see cref="RpcException"/> for what etcd refused, which its caller may know what
    /// to do with; <see cref="TransactionRefusedException"/> when it has certainly not taken effect;
    /// <see cref="StateStoreException"/> when that is not known.
    /// </summary>
    /// <param name="repeatable">Done twice is done once: it may be sent again when its answer was lost.</param>
    public async Task<T> CallAsync<T>(
        bool repeatable, Func<EtcdEndpoint, CallOptions, Task<T>> call, CancellationToken cancellation)
    {
        var deadlineNs = _seams.Clock.MonotonicNs + (Options.RequestTimeout.Ticks * 100);
        var tries = 0;
        var renewals = 0;
        while (true)
        {
            var endpoint = Current;
            var leftMs = Math.Max(1, (deadlineNs - _seams.Clock.MonotonicNs) / 1_000_000);
            var attempt = repeatable ? _options.AttemptTimeout : _options.ChangeTimeout;
            var limitMs = Math.Min(leftMs, (long)attempt.TotalMilliseconds);
            try
            {
                return await TryAsync(endpoint, call, limitMs, cancellation);
            }
            catch (RpcException e)
            {
                cancellation.ThrowIfCancellationRequested();
                var verdict = EtcdErrors.Judge(e);
                if (verdict == EtcdVerdict.Refused)
                {
                    throw;
                }

                if (verdict == EtcdVerdict.TokenRefused && renewals++ < Limits.TokenRenewalsMax)
                {
                    ForgetToken();
                    continue;
                }

                Blame(endpoint);
                tries++;
                var members = _endpoints.Length;
                var mayRepeat = repeatable || verdict == EtcdVerdict.NotDone;
                var isHopeless = verdict == EtcdVerdict.TokenRefused
                    || (EtcdErrors.IsTrust(e) && tries >= members);
                // What is left must be enough for an attempt, or the last error would be a meaningless one.
                if (!mayRepeat || isHopeless
                    || _seams.Clock.MonotonicNs + (2 * Limits.RetryPauseMs * 1_000_000) >= deadlineNs)
                {
                    throw ToException(e, verdict, endpoint, repeatable);
                }
            }

            if (tries > 0 && tries % _endpoints.Length == 0)
            {
                await Pauses.WaitAsync(_seams.Scheduler, Limits.RetryPauseMs, cancellation);
            }
        }
    }

    /// <summary>What goes with every call; logs in first when that is necessary.</summary>
    public async Task<Metadata> MetadataAsync(
        EtcdEndpoint endpoint, CancellationToken cancellation, bool isLeaderNeeded = true)
    {
        var metadata = new Metadata();
        if (isLeaderNeeded)
        {
            metadata.Add(LeaderKey, "true");
        }

        if (_options.User is not null && !_isAuthOff
            && (_token ?? await LogInAsync(endpoint, cancellation)) is { } token)
        {
            metadata.Add(TokenKey, token);
        }

        return metadata;
    }

    public void ForgetToken() => _token = null;

    public StateStoreException ToException(RpcException e, EtcdEndpoint endpoint) =>
        new(EtcdErrors.Advice(e, _options, endpoint.Address), e);

    /// <summary>
    /// One call to the member at this address, whether it is among those in use or not; no fail-over. Throws
    /// <see cref="RpcException"/>.
    /// </summary>
    public async Task<T> CallOneAsync<T>(
        Uri address, Func<EtcdEndpoint, CallOptions, Task<T>> call, TimeSpan limit, CancellationToken cancellation)
    {
        var known = _endpoints.FirstOrDefault(e => e.Address == address);
        using var opened = known is null ? new EtcdEndpoint(address, Open(address)) : null;
        var endpoint = (known ?? opened)!; // One of them is there.
        return await TryAsync(endpoint, call, (long)limit.TotalMilliseconds, cancellation, isLeaderNeeded: false);
    }

    public void Dispose()
    {
        Retired[] retired;
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            retired = [.. _retired];
            _retired.Clear();
        }

        foreach (var one in retired)
        {
            one.Timer?.Dispose();
            one.Endpoint.Dispose();
        }

        foreach (var endpoint in _endpoints)
        {
            endpoint.Dispose();
        }

        _login.Dispose();
    }

    /// <summary>Closes an endpoint when no call to it can be under way any more. Called below the lock.</summary>
    private void Retire(EtcdEndpoint endpoint)
    {
        var retired = new Retired(endpoint);
        _retired.Add(retired);
        retired.Timer = _seams.Scheduler.Schedule(
            (long)_options.RequestTimeout.TotalMilliseconds + Limits.RetryPauseMs,
            () =>
            {
                bool isOurs;
                lock (_lock)
                {
                    isOurs = _retired.Remove(retired);
                }

                if (isOurs)
                {
                    retired.Endpoint.Dispose();
                }
            });
    }

    private long NextLookNs() => _seams.Clock.MonotonicNs + (Limits.CertificateLookMs * 1_000_000);

    /// <summary>
    /// Looks from time to time whether the files of certificates have changed, and then opens all members anew.
    /// Calls under way go on as when members change. Files that cannot be used, because one is written and the other
    /// not yet, leave everything as it is.
    /// </summary>
    private void RenewIfDue()
    {
        EtcdEndpoint[] before;
        string? known;
        EtcdOptions options;
        lock (_lock)
        {
            if (_isDisposed || _seams.Clock.MonotonicNs < _nextLookNs)
            {
                return;
            }

            _nextLookNs = NextLookNs();
            (before, known, options) = (_endpoints, _files, _options);
        }

        if (EtcdTls.FilesOf(options) is not { } files || files == known || !TryOpen(before, out var fresh))
        {
            return;
        }

        var isUsed = false;
        lock (_lock)
        {
            // Members that have changed meanwhile: another time.
            if (!_isDisposed && ReferenceEquals(_endpoints, before))
            {
                isUsed = true;
                _endpoints = fresh;
                _files = files;
                foreach (var endpoint in before)
                {
                    Retire(endpoint);
                }
            }
        }

        if (isUsed)
        {
            Log.Information(
                "etcd", "certificates have changed and are in use",
                ("file", options.CertificateFile ?? options.CaFile));
            return;
        }

        Array.ForEach(fresh, e => e.Dispose());
    }

    private bool TryOpen(EtcdEndpoint[] like, out EtcdEndpoint[] fresh)
    {
        var opened = new List<EtcdEndpoint>();
        try
        {
            foreach (var endpoint in like)
            {
                opened.Add(new EtcdEndpoint(endpoint.Address, Open(endpoint.Address)));
            }

            fresh = [.. opened];
            return true;
        }
        catch (StateStoreException e)
        {
            Log.Warning("etcd", "changed certificates cannot be used; the former stay", ("reason", e.Message));
            opened.ForEach(o => o.Dispose());
            fresh = [];
            return false;
        }
    }

    private async Task<T> TryAsync<T>(
        EtcdEndpoint endpoint, Func<EtcdEndpoint, CallOptions, Task<T>> call, long limitMs,
        CancellationToken cancellation, bool isLeaderNeeded = true)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromMilliseconds(limitMs));
        Metadata metadata;
        try
        {
            metadata = await MetadataAsync(endpoint, limit.Token, isLeaderNeeded);
        }
        catch (Exception e) when (e is RpcException or OperationCanceledException)
        {
            cancellation.ThrowIfCancellationRequested();
            throw LoginFailed(e);
        }

        return await call(endpoint, new CallOptions(metadata, cancellationToken: limit.Token));
    }

    /// <summary>Whatever went wrong while logging in, the call itself was not sent.</summary>
    private static RpcException LoginFailed(Exception e) => e is RpcException rpc
        && EtcdErrors.Judge(rpc) is EtcdVerdict.Refused or EtcdVerdict.NotDone
        ? rpc
        : new RpcException(new Status(StatusCode.Unavailable, EtcdErrors.NoLogin, e));

    private async Task<string?> LogInAsync(EtcdEndpoint endpoint, CancellationToken cancellation)
    {
        await _login.WaitAsync(cancellation);
        try
        {
            if (_token is { } known)
            {
                return known;
            }

            var request = new AuthenticateRequest { Name = _options.User, Password = _options.Password };
            var options = new CallOptions(
                new Metadata { { LeaderKey, "true" } }, cancellationToken: cancellation);
            var answer = await endpoint.Auth.AuthenticateAsync(request, options);
            _token = answer.Token;
            return answer.Token;
        }
        catch (RpcException e) when (EtcdErrors.IsAuthOff(e))
        {
            Log.Warning("etcd", "a user is given, but etcd's authentication is off", ("user", _options.User));
            _isAuthOff = true;
            return null;
        }
        finally
        {
            _login.Release();
        }
    }

    private StateStoreException ToException(
        RpcException e, EtcdVerdict verdict, EtcdEndpoint endpoint, bool repeatable)
    {
        var advice = EtcdErrors.Advice(e, _options, endpoint.Address);
        return verdict != EtcdVerdict.Unknown ? new TransactionRefusedException(advice, e)
            : repeatable ? new StateStoreException(advice, e)
            : new StateStoreException($"{advice}. Whether the change was made is not known", e);
    }

    private GrpcChannel Open(Uri address)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectTimeout = _options.ConnectTimeout,
            KeepAlivePingDelay = _options.PingAfter,
            KeepAlivePingTimeout = _options.PingTimeout,
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            EnableMultipleHttp2Connections = true,
            UseProxy = false,
        };
        if (address.Scheme == Uri.UriSchemeHttps)
        {
            handler.SslOptions = EtcdTls.Load(_options);
        }

        return GrpcChannel.ForAddress(address, new GrpcChannelOptions
        {
            HttpHandler = handler,
            DisposeHttpClient = true,
            MaxReceiveMessageSize = Limits.AnswerBytesMax,
            MaxSendMessageSize = null,
            InitialReconnectBackoff = TimeSpan.FromMilliseconds(Limits.RetryPauseMs),
            MaxReconnectBackoff = TimeSpan.FromMilliseconds(Limits.WatchPauseMsMax),
        });
    }

    private sealed class Retired(EtcdEndpoint endpoint)
    {
        public EtcdEndpoint Endpoint => endpoint;

        public IDisposable? Timer { get; set; }
    }
}
