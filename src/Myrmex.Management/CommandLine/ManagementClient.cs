using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Management.Http;

namespace Myrmex.Management.CommandLine;

/// <summary>REST over the daemon's unix socket, or over the node port of a daemon elsewhere.</summary>
public sealed partial class ManagementClient : IManagementClient, IDisposable
{
    private readonly string _workingDirectory;
    private readonly string _socket;
    private readonly HttpClient _http;
    private readonly RemoteDaemon? _remote;

    /// <param name="timeout">Longest time a command may take.</param>
    /// <param name="socket">The unix socket; null for the working directory's.</param>
    public ManagementClient(string workingDirectory, TimeSpan timeout, string? socket = null)
    {
        _workingDirectory = workingDirectory;
        _socket = socket ?? DaemonOptions.SocketOf(workingDirectory);
        var handler = new SocketsHttpHandler { ConnectCallback = ConnectAsync };
        _http = new HttpClient(handler) { BaseAddress = new Uri("http://localhost/v1/"), Timeout = timeout };
    }

    /// <summary>
    /// A daemon elsewhere, as an administrator. Throws <see cref="DaemonUnreachableException"/> when the certificate
    /// cannot be used, and <see cref="CommandException"/> when the address is none.
    /// </summary>
    /// <param name="address">HOST or HOST:PORT of its node port.</param>
    /// <param name="certificate">Directory with <c>admin.key</c>, <c>admin.pem</c> and <c>ca.pem</c>.</param>
    public ManagementClient(string address, string certificate, TimeSpan timeout)
    {
        _remote = new RemoteDaemon(address, certificate);
        _workingDirectory = string.Empty;
        _socket = string.Empty;
        _http = new HttpClient(_remote.NewHandler()) { BaseAddress = _remote.Root, Timeout = timeout };
    }

    public async Task<IReadOnlyList<VolumeMessage>> ListAsync() =>
        (await GetAsync("volumes", VolumeMessageJson.Default.VolumeListMessage)).Volumes;

    public Task<VolumeMessage> FindAsync(string volume) =>
        GetAsync(PathOf(volume), VolumeMessageJson.Default.VolumeMessage);

    public Task<VolumeStatusMessage> StatusAsync(string volume, bool detail) =>
        GetAsync($"{PathOf(volume)}/status?detail={Word(detail)}", VolumeMessageJson.Default.VolumeStatusMessage);

    public Task<VolumeMessage> CreateAsync(CreateMessage request) =>
        ChangeAsync(HttpMethod.Post, "volumes", JsonContent.Create(request, VolumeMessageJson.Default.CreateMessage));

    public Task<VolumeMessage> StartAsync(string volume, bool force) =>
        ChangeAsync(HttpMethod.Post, $"{PathOf(volume)}/start?force={Word(force)}");

    public Task<VolumeMessage> StopAsync(string volume, bool force) =>
        ChangeAsync(HttpMethod.Post, $"{PathOf(volume)}/stop?force={Word(force)}");

    public Task<DaemonMessage> DaemonAsync() => GetAsync("daemon", DaemonMessageJson.Default.DaemonMessage);

    public Task<VolumeMessage> AddBrickAsync(string volume, AddBrickMessage request) => ChangeAsync(
        HttpMethod.Post, $"{PathOf(volume)}/bricks",
        JsonContent.Create(request, BrickAdminMessageJson.Default.AddBrickMessage));

    public Task<VolumeMessage> ReplaceBrickAsync(string volume, ReplaceBrickMessage request) => ChangeAsync(
        HttpMethod.Post, $"{PathOf(volume)}/bricks/replace",
        JsonContent.Create(request, BrickAdminMessageJson.Default.ReplaceBrickMessage));

    public Task<VolumeMessage> ResetBrickAsync(string volume, ResetBrickMessage request) => ChangeAsync(
        HttpMethod.Post, $"{PathOf(volume)}/bricks/reset",
        JsonContent.Create(request, BrickAdminMessageJson.Default.ResetBrickMessage));

    public Task<VolumeMessage> DeleteAsync(string volume) => ChangeAsync(HttpMethod.Delete, PathOf(volume));

    public Task<VolumeMessage> SetAsync(string volume, IReadOnlyList<SettingMessage> options) => ChangeAsync(
        HttpMethod.Put, $"{PathOf(volume)}/options",
        JsonContent.Create(new SettingListMessage(options), OptionMessageJson.Default.SettingListMessage));

    public Task<VolumeMessage> ResetAsync(string volume, string? key, bool force) =>
        ChangeAsync(HttpMethod.Delete, $"{OptionsPath(volume, key)}?force={Word(force)}");

    public async Task<IReadOnlyList<OptionMessage>> OptionsAsync(string volume, string? key) =>
        (await GetAsync(OptionsPath(volume, key), OptionMessageJson.Default.OptionListMessage)).Options;

    public async Task<IReadOnlyList<OptionHelpMessage>> OptionHelpAsync() =>
        (await GetAsync("options", OptionMessageJson.Default.OptionHelpListMessage)).Options;

    public async Task<IReadOnlyList<PeerMessage>> PeersAsync() =>
        (await GetAsync("peers", PeerMessageJson.Default.PeerListMessage)).Peers;

    public void Dispose() => _http.Dispose();

    private static string PathOf(string volume) => $"volumes/{Uri.EscapeDataString(volume)}";

    private static string OptionsPath(string volume, string? key) =>
        PathOf(volume) + "/options" + (key is null ? string.Empty : "/" + Uri.EscapeDataString(key));

    private static string Word(bool value) => value ? "true" : "false";

    private Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), type);

    private Task<VolumeMessage> ChangeAsync(HttpMethod method, string path, HttpContent? body = null) =>
        SendAsync(new HttpRequestMessage(method, path) { Content = body }, VolumeMessageJson.Default.VolumeMessage);

    private async Task<T> SendAsync<T>(HttpRequestMessage request, JsonTypeInfo<T> type)
    {
        using (request)
        {
            try
            {
                using var response = await _http.SendAsync(request);
                await CheckAsync(response);
                return await response.Content.ReadFromJsonAsync(type)
                    ?? throw new IOException("the daemon's answer is empty");
            }
            catch (HttpRequestException e)
            {
                throw new DaemonUnreachableException(Advice(e), e);
            }
            catch (TaskCanceledException e)
            {
                throw new DaemonUnreachableException(
                    "Error : Request timed out. The daemon may still be working on it; look with 'volume info'.", e);
            }
        }
    }

    private async Task CheckAsync(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
        {
            var problem = await response.Content.ReadFromJsonAsync(ProblemMessageJson.Default.ProblemMessage);
            if (_remote is { } remote
                && response.StatusCode is (HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden))
            {
                throw remote.Refused(problem?.Detail ?? response.StatusCode.ToString());
            }

            throw new CommandException(
                Problems.FailureOf(response.StatusCode), problem?.Detail ?? response.StatusCode.ToString(),
                problem?.Advice);
        }
    }

    private string Advice(HttpRequestException e)
    {
        if (_remote is { } remote)
        {
            return remote.Advice(e);
        }

        if (e.InnerException is SocketException { SocketErrorCode: SocketError.AccessDenied })
        {
            return $"Connection failed. You may not use {_socket}; try again as root.";
        }

        return "Connection failed. Please check if the myrmex daemon is operational.\n"
            + $"Nothing answers for {_workingDirectory}. Start it with:\n"
            + $"  myrmex daemon --working-directory {_workingDirectory}\n"
            + "or name another working directory with --working-directory=DIR or MYRMEX_WORKDIR.";
    }

    private async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(_socket), cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
