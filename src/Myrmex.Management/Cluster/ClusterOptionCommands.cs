using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.State;
using Myrmex.Volumes;

namespace Myrmex.Management.Cluster;

/// <summary>Changes of the options of all volumes at once.</summary>
internal sealed class ClusterOptionCommands(ClusterView view, ClusterWriter writer) : IClusterOptionCommands
{
    public IReadOnlyDictionary<string, string> Settings =>
        ClusterOptionValues.Read(view.Find(StateKeys.ClusterOptions));

    public Task SetAsync(
        IReadOnlyList<VolumeSetting> settings, Precondition? expected, CancellationToken cancellation) => ChangeAsync(
        options =>
        {
            foreach (var setting in settings)
            {
                options[setting.Key] = setting.Value;
            }
        }, settings.GroupBy(s => s.Key).ToDictionary(g => g.Key, g => g.Last().Value), expected, cancellation);

    public Task ResetAsync(
        string? key, Precondition? expected, CancellationToken cancellation) => ChangeAsync(
        options =>
        {
            if (key is null)
            {
                options.Clear();
            }
            else
            {
                options.Remove(key);
            }
        }, new Dictionary<string, string> { ["reset"] = key ?? "all" }, expected, cancellation);

    private async Task ChangeAsync(
        System.Action<Dictionary<string, string>> change, Dictionary<string, string> data,
        Precondition? expected, CancellationToken cancellation)
    {
        for (var attempt = 0; attempt < Limits.CommandAttemptsMax; attempt++)
        {
            var entry = view.Find(StateKeys.ClusterOptions);
            var options = new Dictionary<string, string>(ClusterOptionValues.Read(entry));
            var unchanged = Condition.Unchanged(StateKeys.ClusterOptions, entry?.Modified ?? Revision.None);
            var tag = ClusterOptionValues.TagOf(options);
            if (expected?.Holds(tag) == false)
            {
                // The caller may have seen on another node what the view does not show yet: only the store knows.
                if (await writer.CommitAsync([unchanged], [], told: null, cancellation))
                {
                    throw expected.Failed("What is set for all volumes", tag);
                }

                continue;
            }

            change(options);
            var changed = await writer.CommitAsync(
                [unchanged],
                [Operation.PutValue(StateKeys.ClusterOptions, ClusterOptionValues.ToBytes(options))],
                writer.NewEvent(EventTypes.ClusterSet, data: data), cancellation);
            if (changed)
            {
                return;
            }
        }

        throw new CommandException(
            CommandFailure.Conflict, "other commands keep changing the same options at the same time; try again");
    }
}
