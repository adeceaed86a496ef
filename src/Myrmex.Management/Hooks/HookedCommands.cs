using System;
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

    public Task<Volume> StartAsync(VolumeTarget target, bool force, CancellationToken cancellation) => AroundAsync(
        target, v => HookCall.Start(v.Name, Started(), IsStarted(v), workingDirectory),
        () => commands.StartAsync(target, force, cancellation), cancellation);

    public Task<Volume> StopAsync(VolumeTarget target, bool force, CancellationToken cancellation) => AroundAsync(
        target, v => HookCall.Stop(v.Name, Started(), IsStarted(v)),
        () => commands.StopAsync(target, force, cancellation), cancellation);

    public Task<Volume> DeleteAsync(VolumeTarget target, CancellationToken cancellation) => AroundAsync(
        target, v => HookCall.Delete(v.Name), () => commands.DeleteAsync(target, cancellation), cancellation);

    public Task<Volume> SetAsync(
        VolumeTarget target, IReadOnlyList<VolumeSetting> settings, CancellationToken cancellation) => AroundAsync(
        target, v => HookCall.Set(v.Name, settings, workingDirectory),
        () => commands.SetAsync(target, settings, cancellation), cancellation);

    public Task<Volume> ResetAsync(
        VolumeTarget target, string? key, bool force, CancellationToken cancellation) => AroundAsync(
        target, v => HookCall.Reset(v.Name, workingDirectory),
        () => commands.ResetAsync(target, key, force, cancellation), cancellation);

    public Task<Volume> ResetAsync(
        VolumeTarget target, IReadOnlyList<string> keys, CancellationToken cancellation) => AroundAsync(
        target, v => HookCall.Reset(v.Name, workingDirectory),
        () => commands.ResetAsync(target, keys, cancellation), cancellation);

    public Task<Volume> AddBrickAsync(
        VolumeTarget target, AddBrickRequest request, CancellationToken cancellation) => AroundAsync(
        target, v => HookCall.AddBrick(v.Name, workingDirectory),
        () => commands.AddBrickAsync(target, request, cancellation), cancellation);

    /// <summary>There are no hooks around it.</summary>
    public Task<Volume> ReplaceBrickAsync(
        VolumeTarget target, ReplaceBrickRequest request, CancellationToken cancellation) =>
        commands.ReplaceBrickAsync(target, request, cancellation);

    /// <summary>There are no hooks around it.</summary>
    public Task<Volume> ResetBrickAsync(VolumeTarget target, string source, CancellationToken cancellation) =>
        commands.ResetBrickAsync(target, source, cancellation);

    /// <summary>
    /// A name that came from a request is an argument of programs only when there is such a volume, and no program runs
    /// for a command whose caller expects another volume than there is.
    /// </summary>
    private async Task<Volume> AroundAsync(
        VolumeTarget target, Func<Volume, HookCall> call, Func<Task<Volume>> command, CancellationToken cancellation)
    {
        var volume = await commands.CheckAsync(target, cancellation);
        return await hooks.AroundAsync(call(volume), command, cancellation);
    }

    private int Started() => commands.List().Count(IsStarted);

    private static bool IsStarted(Volume volume) => volume.Status == VolumeStatus.Started;
}
