using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Runtime;
using Myrmex.Volumes;

namespace Myrmex.Management.State;

/// <summary>
/// The volumes of the state store in memory, followed by a watch, for those who may not wait: the volume file service
/// and the supervisor. A look at <see cref="Volumes"/> is a consistent picture of one revision.
/// </summary>
internal sealed class VolumeCatalog(IStateStore store)
{
    private readonly Lock _lock = new(); // Guards _volumes, _revision and _reached; a leaf lock.
    private ImmutableSortedDictionary<string, Volume> _volumes =
        ImmutableSortedDictionary.Create<string, Volume>(StringComparer.Ordinal);
    private Revision _revision;
    private TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Raised after a change is visible, with the names of the volumes that changed, appeared or went.
    /// </summary>
    public event Action<IReadOnlyList<string>>? Changed;

    public ImmutableSortedDictionary<string, Volume> Volumes
    {
        get
        {
            lock (_lock)
            {
                return _volumes;
            }
        }
    }

    public Volume? Find(string name) => Volumes.GetValueOrDefault(name);

    /// <summary>Reads everything; call once before use.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        var result = await store.CommitAsync(
            StateTransaction.Always(new Operation.Get(KeyRange.Prefix(StateKeys.Volumes), Limit: 0)), cancellation);
        var volumes = result.Results[0].Entries.Select(Read);
        Publish(_volumes.Clear().AddRange(volumes.Select(v => KeyValuePair.Create(v.Name, v))), result.Revision);
    }

    /// <summary>Follows the store until it is cancelled or the store fails.</summary>
    public async Task FollowAsync(CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                await FollowAsync(_revision.Next, cancellation);
            }
            catch (RevisionCompactedException e)
            {
                Log.Information("volumes", "history is compacted, reading all volumes again", ("oldest", e.Oldest));
                var before = Volumes.Keys;
                await LoadAsync(cancellation);
                Changed?.Invoke([.. before.Union(Volumes.Keys)]);
            }
        }
    }

    /// <summary>Ends when the catalogue shows what was committed at <paramref name="revision"/>.</summary>
    public async Task ReachAsync(Revision revision, CancellationToken cancellation)
    {
        while (true)
        {
            Task reached;
            lock (_lock)
            {
                if (_revision >= revision)
                {
                    return;
                }

                reached = _reached.Task;
            }

            await reached.WaitAsync(cancellation);
        }
    }

    private static Volume Read(StateEntry entry) => VolumeJson.FromBytes(entry.Value.Span);

    private async Task FollowAsync(Revision from, CancellationToken cancellation)
    {
        // All keys are watched, so that revisions that change no volume are seen to have passed.
        await foreach (var batch in store.WatchAsync(KeyRange.All, from, cancellation))
        {
            var volumes = Volumes;
            var names = new List<string>();
            foreach (var change in batch.Changes)
            {
                if (!change.Entry.Key.StartsWith(StateKeys.Volumes, StringComparison.Ordinal))
                {
                    continue;
                }

                var name = change.Entry.Key[StateKeys.Volumes.Length..];
                names.Add(name);
                volumes = change.Kind == ChangeKind.Put
                    ? volumes.SetItem(name, Read(change.Entry)) : volumes.Remove(name);
            }

            Publish(volumes, batch.Revision);
            if (names.Count > 0)
            {
                Changed?.Invoke(names);
            }
        }
    }

    private void Publish(ImmutableSortedDictionary<string, Volume> volumes, Revision revision)
    {
        TaskCompletionSource reached;
        lock (_lock)
        {
            _volumes = volumes;
            _revision = revision;
            reached = _reached;
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        reached.SetResult();
    }
}
