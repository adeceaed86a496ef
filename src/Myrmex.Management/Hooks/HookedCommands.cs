using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Volumes;

namespace Myrmex.Management.Hooks;

/// <summary>
/// The commands on volumes with the programs of the administrator around them: those before a command are waited for,
/// those after it are not. Hooks run on the node that got the command.
/// </summary>
internal sealed class HookedCommands(VolumeCommands commands, HookRunner hooks, string workingDirectory)
    : IVolumeCommands, IAddBrickCommand, IReplaceBrickCommands
{
    public IReadOnlyList<Volume> List() => commands.List();

    public Volume Find(string name) => commands.Find(name);

    public VolumeReport Status(string name, bool detail) => commands.Status(name, detail);

    public IReadOnlyList<OptionReport> Get(string name, string? key) => commands.Get(name, key);

    public Task<Volume> CreateAsync(CreateRequest request, CancellationToken cancellation) => hooks.AroundAsync(
        HookCall.Create(request.Name), () => commands.CreateAsync(request, cancellation), cancellation);

    public Task<Volume> StartAsync(string name, bool force, CancellationToken cancellation)
    {
        var (started, isStarted) = Started(name);
        return hooks.AroundAsync(
            HookCall.Start(name, started, isStarted, workingDirectory),
            () => commands.StartAsync(name, force, cancellation), cancellation);
    }

    public Task<Volume> StopAsync(string name, bool force, CancellationToken cancellation)
    {
        var (started, isStarted) = Started(name);
        return hooks.AroundAsync(
            HookCall.Stop(name, started, isStarted), () => commands.StopAsync(name, force, cancellation), cancellation);
    }

    public Task<Volume> DeleteAsync(string name, CancellationToken cancellation) => hooks.AroundAsync(
        HookCall.Delete(Known(name)), () => commands.DeleteAsync(name, cancellation), cancellation);

    public Task<Volume> SetAsync(
        string name, IReadOnlyList<VolumeSetting> settings, CancellationToken cancellation) => hooks.AroundAsync(
        HookCall.Set(Known(name), settings, workingDirectory), () => commands.SetAsync(name, settings, cancellation),
        cancellation);

    public Task<Volume> ResetAsync(string name, string? key, bool force, CancellationToken cancellation) =>
        hooks.AroundAsync(
            HookCall.Reset(Known(name), workingDirectory), () => commands.ResetAsync(name, key, force, cancellation),
            cancellation);

    public Task<Volume> ResetAsync(string name, IReadOnlyList<string> keys, CancellationToken cancellation) =>
        hooks.AroundAsync(
            HookCall.Reset(Known(name), workingDirectory), () => commands.ResetAsync(name, keys, cancellation),
            cancellation);

    public Task<Volume> AddBrickAsync(string name, AddBrickRequest request, CancellationToken cancellation) =>
        hooks.AroundAsync(
            HookCall.AddBrick(Known(name), workingDirectory),
            () => commands.AddBrickAsync(name, request, cancellation), cancellation);

    /// <summary>There are no hooks around it.</summary>
    public Task<Volume> ReplaceBrickAsync(
        string name, ReplaceBrickRequest request, CancellationToken cancellation) =>
        commands.ReplaceBrickAsync(name, request, cancellation);

    /// <summary>There are no hooks around it.</summary>
    public Task<Volume> ResetBrickAsync(string name, string source, CancellationToken cancellation) =>
        commands.ResetBrickAsync(name, source, cancellation);

    /// <summary>A name that came from a request is an argument of programs only when there is such a volume.</summary>
    private string Known(string name) => commands.Find(name).Name;

    private (int Started, bool IsStarted) Started(string name) => (
        commands.List().Count(v => v.Status == VolumeStatus.Started),
        commands.Find(name).Status == VolumeStatus.Started);
}
