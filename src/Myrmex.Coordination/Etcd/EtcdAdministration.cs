using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Google.Protobuf;
using Grpc.Core;
using Myrmex.Coordination.Etcd.Protocol;
using Myrmex.Runtime;

namespace Myrmex.Coordination.Etcd;

/// <inheritdoc cref="IEtcdAdministration"/>
public sealed class EtcdAdministration : IEtcdAdministration
{
    private readonly EtcdOptions _options;
    private readonly EtcdCluster _cluster;

    private EtcdAdministration(EtcdOptions options, Seams seams)
    {
        _options = options;
        _cluster = new EtcdCluster(options, seams);
    }

    /// <summary>
    /// Connects at the first use. Throws <see cref="StateStoreException"/> for options that cannot work.
    /// </summary>
    public static EtcdAdministration Open(EtcdOptions options, Seams seams)
    {
        options.Check();
        return new EtcdAdministration(options, seams);
    }

    /// <summary>As of <see cref="EtcdStore.UseEndpoints"/>.</summary>
    public void UseEndpoints(IReadOnlyList<Uri> endpoints)
    {
        (_options with { Endpoints = endpoints }).Check();
        _cluster.UseEndpoints(endpoints);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<EtcdMember>> MembersAsync(CancellationToken cancellation)
    {
        var response = await CallAsync(
            repeatable: true,
            async (endpoint, options) =>
            {
                // etcd 3.4 answers what this member has applied. A read before makes it apply all that was decided.
                await endpoint.Kv.RangeAsync(
                    new RangeRequest { Key = ByteString.CopyFrom(0), Limit = 1 }, options);
                return await endpoint.Cluster.MemberListAsync(new MemberListRequest { Linearizable = true }, options);
            },
            cancellation);
        return [.. response.Members.Select(ToMember)];
    }

    /// <inheritdoc/>
    public async Task<EtcdMember> AddLearnerAsync(Uri peerUrl, CancellationToken cancellation)
    {
        var request = new MemberAddRequest { IsLearner = true };
        request.PeerURLs.Add(ToText(peerUrl));
        var response = await CallAsync(
            repeatable: false,
            async (endpoint, options) => await endpoint.Cluster.MemberAddAsync(request, options), cancellation);
        return ToMember(response.Member);
    }

    /// <inheritdoc/>
    public Task<bool> PromoteAsync(ulong member, CancellationToken cancellation) => CallAsync(
        repeatable: true,
        async (endpoint, options) =>
        {
            try
            {
                await endpoint.Cluster.MemberPromoteAsync(new MemberPromoteRequest { ID = member }, options);
                return true;
            }
            catch (RpcException e) when (EtcdErrors.IsLearnerBehind(e))
            {
                return false;
            }
            catch (RpcException e) when (EtcdErrors.IsNoLearner(e))
            {
                return true;
            }
        },
        cancellation);

    /// <inheritdoc/>
    public Task RemoveAsync(ulong member, CancellationToken cancellation) => CallAsync(
        repeatable: true,
        async (endpoint, options) =>
        {
            try
            {
                await endpoint.Cluster.MemberRemoveAsync(new MemberRemoveRequest { ID = member }, options);
            }
            catch (RpcException e) when (e.StatusCode == StatusCode.NotFound)
            {
                // Gone already.
            }

            return true;
        },
        cancellation);

    /// <inheritdoc/>
    public Task UpdateAsync(ulong member, Uri peerUrl, CancellationToken cancellation)
    {
        var request = new MemberUpdateRequest { ID = member };
        request.PeerURLs.Add(ToText(peerUrl));
        return CallAsync(
            repeatable: true,
            async (endpoint, options) => await endpoint.Cluster.MemberUpdateAsync(request, options), cancellation);
    }

    /// <inheritdoc/>
    public async Task<EtcdStatus?> StatusAsync(Uri clientUrl, CancellationToken cancellation)
    {
        try
        {
            var status = await _cluster.CallOneAsync(
                clientUrl,
                async (endpoint, options) => await endpoint.Maintenance.StatusAsync(new StatusRequest(), options),
                _options.AttemptTimeout, cancellation);
            return new EtcdStatus(
                status.Header.ClusterId, status.Header.MemberId, status.Version, status.Leader, status.IsLearner,
                status.DbSize, status.DbSizeInUse, status.RaftAppliedIndex, [.. status.Errors]);
        }
        catch (RpcException)
        {
            cancellation.ThrowIfCancellationRequested();
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task MoveLeaderAsync(ulong member, CancellationToken cancellation)
    {
        var members = await MembersAsync(cancellation);
        foreach (var url in members.SelectMany(m => m.ClientUrls.Take(1)))
        {
            var status = await StatusAsync(url, cancellation);
            if (status?.Leader == member)
            {
                return;
            }

            // Only the leader can give its lead away.
            if (status is not null && status.Leader == status.MemberId)
            {
                await OneAsync(
                    url,
                    async (endpoint, options) => await endpoint.Maintenance.MoveLeaderAsync(
                        new MoveLeaderRequest { TargetID = member }, options),
                    _options.RequestTimeout, cancellation);
                return;
            }
        }

        throw new TransactionRefusedException("etcd has no leader that could be asked to give its lead away");
    }

    /// <inheritdoc/>
    public Task DefragmentAsync(Uri clientUrl, CancellationToken cancellation) => OneAsync(
        clientUrl,
        async (endpoint, options) => await endpoint.Maintenance.DefragmentAsync(new DefragmentRequest(), options),
        TimeSpan.FromMilliseconds(Limits.DefragmentMs), cancellation);

    public ValueTask DisposeAsync()
    {
        _cluster.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<T> CallAsync<T>(
        bool repeatable, Func<EtcdEndpoint, CallOptions, Task<T>> call, CancellationToken cancellation)
    {
        try
        {
            return await _cluster.CallAsync(repeatable, call, cancellation);
        }
        catch (RpcException e)
        {
            throw new TransactionRefusedException(
                EtcdErrors.Advice(e, _cluster.Options, _cluster.Current.Address), e);
        }
    }

    private async Task<T> OneAsync<T>(
        Uri address, Func<EtcdEndpoint, CallOptions, Task<T>> call, TimeSpan limit, CancellationToken cancellation)
    {
        try
        {
            return await _cluster.CallOneAsync(address, call, limit, cancellation);
        }
        catch (RpcException e)
        {
            cancellation.ThrowIfCancellationRequested();
            throw new StateStoreException(EtcdErrors.Advice(e, _cluster.Options, address), e);
        }
    }

    private static EtcdMember ToMember(Member member) => new(
        member.ID, member.Name, [.. member.PeerURLs.Select(u => new Uri(u))],
        [.. member.ClientURLs.Select(u => new Uri(u))], member.IsLearner);

    /// <summary>etcd refuses a path, even an empty one.</summary>
    private static string ToText(Uri url) => url.GetLeftPart(UriPartial.Authority);
}
