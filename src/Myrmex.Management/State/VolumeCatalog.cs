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
/// <param name="scheduler">For pauses while a store elsewhere is away; null for one that never is.</param>
internal sealed class VolumeCatalog(IStateStore store, IScheduler? scheduler = null)
{
    private readonly Lock _lock = new(); // Guards _volumes, _modified, _revision and _reached; a leaf lock.
    private ImmutableSortedDictionary<string, Volume> _volumes =
        ImmutableSortedDictionary.Create<string, Volume>(StringComparer.Ordinal);
    private ImmutableDictionary<string, Revision> _modified = ImmutableDictionary<string, Revision>.Empty;
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

    /// <summary>
    /// The revision that changed the volume last, as far as it is known here; none when there is no volume.
    /// </summary>
    public Revision RevisionOf(string name)
    {
        lock (_lock)
        {
            return _modified.GetValueOrDefault(name);
        }
    }

    /// <summary>Reads everything; call once before use.</summary>
    public async Task LoadAsync(CancellationToken cancellation)
    {
        var result = await store.CommitAsync(
            StateTransaction.Always(new Operation.Get(KeyRange.Prefix(StateKeys.Volumes), Limit: 0)), cancellation);
        var entries = result.Results[0].Entries;
        var volumes = entries.Select(Read);
        Publish(
            _volumes.Clear().AddRange(volumes.Select(v => KeyValuePair.Create(v.Name, v))),
            _modified.Clear().AddRange(entries.Select(e => KeyValuePair.Create(NameOf(e), e.Modified))),
            result.Revision);
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
                await ReloadAsync(cancellation);
                Changed?.Invoke([.. before.Union(Volumes.Keys)]);
            }
        }
    }

    /// <summary>Reads again; a store that is away is waited for, as the watch would.</summary>
    private async Task ReloadAsync(CancellationToken cancellation)
    {
        const long RetryMs = 500;
        while (true)
        {
            try
            {
                await LoadAsync(cancellation);
                return;
            }
            catch (StateStoreException e) when (scheduler is not null)
            {
                Log.Warning("volumes", "the volumes cannot be read", ("reason", e.Message));
                await Pauses.WaitAsync(scheduler, RetryMs, cancellation);
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

    private static string NameOf(StateEntry entry) => entry.Key[StateKeys.Volumes.Length..];

    private static Volume Read(StateEntry entry) => VolumeJson.FromBytes(entry.Value.Span);

    private async Task FollowAsync(Revision from, CancellationToken cancellation)
    {
        // All keys are watched, so that revisions that change no volume are seen to have passed.
        await foreach (var batch in store.WatchAsync(KeyRange.All, from, cancellation))
        {
            var volumes = Volumes;
            var modified = _modified; // Only the follower changes it.
            var names = new List<string>();
            foreach (var change in batch.Changes)
            {
                if (!change.Entry.Key.StartsWith(StateKeys.Volumes, StringComparison.Ordinal))
                {
                    continue;
                }

                var name = NameOf(change.Entry);
                var isPut = change.Kind == ChangeKind.Put;
                names.Add(name);
                volumes = isPut ? volumes.SetItem(name, Read(change.Entry)) : volumes.Remove(name);
                modified = isPut ? modified.SetItem(name, change.Entry.Modified) : modified.Remove(name);
            }

            Publish(volumes, modified, batch.Revision);
            if (names.Count > 0)
            {
                Changed?.Invoke(names);
            }
        }
    }

    private void Publish(
        ImmutableSortedDictionary<string, Volume> volumes, ImmutableDictionary<string, Revision> modified,
        Revision revision)
    {
        TaskCompletionSource reached;
        lock (_lock)
        {
            _volumes = volumes;
            _modified = modified;
            _revision = revision;
            reached = _reached;
            _reached = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        reached.SetResult();
    }
}
