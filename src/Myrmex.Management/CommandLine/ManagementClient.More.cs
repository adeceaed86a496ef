using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Cluster;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

public sealed partial class ManagementClient
{
    public Task<OptionGroupMessage> OptionGroupAsync(string name) => GetAsync(
        $"option-groups/{Uri.EscapeDataString(name)}", OptionMessageJson.Default.OptionGroupMessage);

    public async Task<IReadOnlyList<OptionMessage>> ClusterOptionsAsync(string? key) =>
        (await GetAsync(ClusterPath(key), OptionMessageJson.Default.OptionListMessage)).Options;

    public async Task<IReadOnlyList<OptionMessage>> SetClusterAsync(IReadOnlyList<SettingMessage> options) =>
        (await SendAsync(
            HttpMethod.Put, ClusterPath(key: null), OptionMessageJson.Default.OptionListMessage, JsonContent.Create(
                new SettingListMessage(options), OptionMessageJson.Default.SettingListMessage))).Options;

    public async Task<IReadOnlyList<OptionMessage>> ResetClusterAsync(string? key) => (await SendAsync(
        HttpMethod.Delete, ClusterPath(key), OptionMessageJson.Default.OptionListMessage)).Options;

    public Task<ProbedMessage> ProbeAsync(string host) => SendAsync(
        HttpMethod.Post, "peers", PeerMessageJson.Default.ProbedMessage,
        JsonContent.Create(new ProbeMessage(host), PeerMessageJson.Default.ProbeMessage));

    public Task<PeerMessage> DetachAsync(string host, bool force) => SendAsync(
        HttpMethod.Delete, $"peers/{Uri.EscapeDataString(host)}?force={Word(force)}",
        PeerMessageJson.Default.PeerMessage);

    public Task<PeerMessage> LabelAsync(string host, IReadOnlyDictionary<string, string?> labels) => SendAsync(
        HttpMethod.Patch, $"peers/{Uri.EscapeDataString(host)}", PeerMessageJson.Default.PeerMessage,
        JsonContent.Create(ToMessage(labels), PeerMessageJson.Default.LabelsMessage));

    public Task<ProfileMessage> ProfileAsync(
        string volume, string op, bool peek, bool cumulative, bool incremental) => SendAsync(
            HttpMethod.Post,
            $"{PathOf(volume)}/profile/{op}?peek={Word(peek)}&cumulative={Word(cumulative)}"
            + $"&incremental={Word(incremental)}",
            BrickAdminMessageJson.Default.ProfileMessage);

    public Task<TopMessage> TopAsync(
        string volume, string metric, string? brick, int files, long blockSize, long blockCount)
    {
        var path = new StringBuilder($"{PathOf(volume)}/top/{metric}?");
        path.Append(
            CultureInfo.InvariantCulture, $"files={files}&blockSize={blockSize}&blockCount={blockCount}");
        return SendAsync(
            HttpMethod.Post, path + (brick is null ? string.Empty : "&" + Query("brick", brick)),
            BrickAdminMessageJson.Default.TopMessage);
    }

    public Task<StatedumpMessage> ClientStatedumpAsync(string volume, string client) => SendAsync(
        HttpMethod.Post, $"{PathOf(volume)}/statedump?{Query("client", client)}",
        BrickAdminMessageJson.Default.StatedumpMessage);

    public Task<StatedumpMessage> StatedumpAsync(string volume, IReadOnlyList<string> parts) => SendAsync(
        HttpMethod.Post, $"{PathOf(volume)}/statedump?{Query("parts", string.Join(',', parts))}",
        BrickAdminMessageJson.Default.StatedumpMessage);

    public Task<ClearLocksMessage> ClearLocksAsync(
        string volume, string path, string kind, string type, string? argument) => SendAsync(
            HttpMethod.Post,
            $"{PathOf(volume)}/clear-locks?{Query("path", path)}&{Query("kind", kind)}&{Query("type", type)}"
            + (argument is null ? string.Empty : "&" + Query("argument", argument)),
            BrickAdminMessageJson.Default.ClearLocksMessage);

    public Task<VolumeClientsMessage> ClientsAsync(string volume) =>
        GetAsync($"{PathOf(volume)}/clients", BrickAdminMessageJson.Default.VolumeClientsMessage);

    public Task<ReplicationMessage> ReplicationAsync(string volume) =>
        GetAsync($"{PathOf(volume)}/replication", ReplicationMessageJson.Default.ReplicationMessage);

    public Task<ReplicationMessage> MoveLeadAsync(string volume, string brick) => SendAsync(
        HttpMethod.Post, $"{PathOf(volume)}/leader?{Query("brick", brick)}",
        ReplicationMessageJson.Default.ReplicationMessage);

    public Task<ReplicationMessage> ResetLeadsAsync(string volume) => SendAsync(
        HttpMethod.Delete, $"{PathOf(volume)}/leader", ReplicationMessageJson.Default.ReplicationMessage);

    public Task<VolumeInternalsMessage> InternalsAsync(string volume, string kind) =>
        GetAsync($"{PathOf(volume)}/internals/{kind}", BrickAdminMessageJson.Default.VolumeInternalsMessage);

    public Task<DoneMessage> RotateLogAsync(string volume, string? brick) => SendAsync(
        HttpMethod.Post,
        $"{PathOf(volume)}/log-rotate" + (brick is null ? string.Empty : "?" + Query("brick", brick)),
        BrickAdminMessageJson.Default.DoneMessage);

    public Task<RebalanceMessage> RebalanceAsync(string volume, string action, bool force) => SendAsync(
        HttpMethod.Post, $"{PathOf(volume)}/rebalance/{action}?force={Word(force)}",
        RebalanceMessageJson.Default.RebalanceMessage);

    public Task<RebalanceMessage> RebalanceStatusAsync(string volume) =>
        GetAsync($"{PathOf(volume)}/rebalance", RebalanceMessageJson.Default.RebalanceMessage);

    public async Task<IReadOnlyList<TaskMessage>> TasksAsync(string? volume) => (await GetAsync(
        "tasks" + (volume is null ? string.Empty : "?" + Query("volume", volume)),
        RebalanceMessageJson.Default.TaskListMessage)).Tasks;

    public Task<EventListMessage> EventsAsync(long after) => GetAsync(
        string.Create(CultureInfo.InvariantCulture, $"events?after={after}"),
        EventMessageJson.Default.EventListMessage);

    public async IAsyncEnumerable<ClusterEvent> FollowEventsAsync(
        long? after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var path = after is { } last
            ? string.Create(CultureInfo.InvariantCulture, $"events/stream?after={last}") : "events/stream";
        using var response = await OpenAsync(path, cancellation);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellation));
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            const string Data = "data: ";
            if (line.StartsWith(Data, StringComparison.Ordinal)
                && JsonSerializer.Deserialize(line[Data.Length..], EventMessageJson.Default.ClusterEvent) is { } told)
            {
                yield return told;
            }
        }
    }

    public async Task<string> VolfileAsync(string key)
    {
        using var response = await OpenAsync($"volfiles/{Uri.EscapeDataString(key)}", CancellationToken.None);
        return await response.Content.ReadAsStringAsync();
    }

    private static LabelsMessage ToMessage(IReadOnlyDictionary<string, string?> labels) => new(
        labels.Where(l => l.Value is not null).ToDictionary(l => l.Key, l => l.Value!), // Just looked.
        [.. labels.Where(l => l.Value is null).Select(l => l.Key)]);

    private static string ClusterPath(string? key) =>
        "cluster/options" + (key is null ? string.Empty : "/" + Uri.EscapeDataString(key));

    private static string Query(string name, string value) => $"{name}={Uri.EscapeDataString(value)}";

    /// <summary>An answer that is read piece by piece; the caller disposes of it.</summary>
    private async Task<HttpResponseMessage> OpenAsync(string path, CancellationToken cancellation)
    {
        try
        {
            var response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellation);
            await CheckAsync(response);
            return response;
        }
        catch (HttpRequestException e)
        {
            throw new DaemonUnreachableException(Advice(e), e);
        }
    }

    private Task<T> SendAsync<T>(HttpMethod method, string path, JsonTypeInfo<T> type, HttpContent? body = null) =>
        SendAsync(new HttpRequestMessage(method, path) { Content = body }, type);
}
