using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Management;
using Myrmex.Management.CommandLine;
using Myrmex.Management.Http;

namespace Myrmex.Unit.Tests.Management;

/// <summary>A daemon with prepared answers, which notes what it was asked to change.</summary>
internal sealed class FakeClient : IManagementClient
{
    public const string Node = "c348998a-f218-4ae1-872b-8c0ebf39dfe7";

    public List<VolumeMessage> Volumes { get; } = [];

    public Dictionary<string, VolumeStatusMessage> Statuses { get; } = [];

    public List<OptionMessage> Options { get; } = [];

    /// <summary>What every change is refused with; null lets it pass.</summary>
    public CommandException? Refusal { get; set; }

    public List<string> Calls { get; } = [];

    public static VolumeMessage Volume(string name, string status, params string[] bricks) => new(
        name, "b8631bf6-99b5-4bd3-8131-1abfd0d601cf", status, "Distribute", 0, bricks.Length.ToString(), bricks.Length,
        1, 0, [.. bricks.Select((b, i) => new BrickMessage("10.9.9.1", b, i, Node, IsArbiter: false))],
        [
            new OptionMessage("storage.fips-mode-rchecksum", "on", IsDefault: false),
            new OptionMessage("transport.address-family", "inet", IsDefault: false),
            new OptionMessage("nfs.disable", "on", IsDefault: false),
        ]);

    public Task<IReadOnlyList<VolumeMessage>> ListAsync() => Task.FromResult<IReadOnlyList<VolumeMessage>>(Volumes);

    public Task<VolumeMessage> FindAsync(string volume) => Task.FromResult(
        Volumes.FirstOrDefault(v => v.Name == volume)
            ?? throw new CommandException(CommandFailure.NotFound, $"Volume {volume} does not exist"));

    public Task<VolumeStatusMessage> StatusAsync(string volume, bool detail) => Task.FromResult(
        Statuses.GetValueOrDefault(volume)
            ?? throw new CommandException(CommandFailure.Conflict, $"Volume {volume} is not started"));

    public Task<VolumeMessage> CreateAsync(CreateMessage request) => ChangeAsync(
        request.Name,
        $"create {request.Name} replica {request.ReplicaCount} {string.Join(',', request.Bricks)} force={request.Force}");

    public Task<VolumeMessage> StartAsync(string volume, bool force) => ChangeAsync(volume, $"start {volume} force={force}");

    public Task<VolumeMessage> StopAsync(string volume, bool force) => ChangeAsync(volume, $"stop {volume} force={force}");

    public Task<VolumeMessage> DeleteAsync(string volume) => ChangeAsync(volume, $"delete {volume}");

    public Task<VolumeMessage> SetAsync(string volume, IReadOnlyList<SettingMessage> options) => ChangeAsync(
        volume, $"set {volume} {string.Join(',', options.Select(o => $"{o.Key}={o.Value}"))}");

    public Task<VolumeMessage> ResetAsync(string volume, string? key, bool force) =>
        ChangeAsync(volume, $"reset {volume} {key ?? "(all)"} force={force}");

    public Task<IReadOnlyList<OptionMessage>> OptionsAsync(string volume, string? key) =>
        Refusal is null ? Task.FromResult<IReadOnlyList<OptionMessage>>(Options) : throw Refusal;

    public Task<IReadOnlyList<OptionHelpMessage>> OptionHelpAsync() => Task.FromResult<IReadOnlyList<OptionHelpMessage>>(
        [new OptionHelpMessage("auth.reject", null, "Who may not.")]);

    public Task<IReadOnlyList<PeerMessage>> PeersAsync() => Task.FromResult<IReadOnlyList<PeerMessage>>(
        [new PeerMessage(Node, "oracle1", Connected: true, IsLocal: true)]);

    private Task<VolumeMessage> ChangeAsync(string volume, string call)
    {
        Calls.Add(call);
        return Refusal is null ? Task.FromResult(Volume(volume, "Created", "/b1")) : throw Refusal;
    }
}
