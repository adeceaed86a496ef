using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text.Json;
using System.Threading;
using Myrmex.Coordination;
using Myrmex.Runtime;

namespace Myrmex.Management.Cluster;

/// <summary>One row: its value and the revision that last changed it.</summary>
internal readonly record struct StateRow<T>(T Value, Revision Modified);

/// <summary>
/// The keys below a prefix of a view, decoded once each, by what follows the prefix. A value that cannot be read (from
/// a newer version, or damaged) is logged and left out; it is never written over by mistake, because every change has
/// a condition on the revision of the key. Rows are of one revision, that of the last change told by the view.
/// </summary>
internal sealed class StateTable<T>
{
    private readonly string _prefix;
    private readonly Func<StateEntry, T> _read;
    private readonly Lock _lock = new(); // Guards _rows; a leaf lock.
    private ImmutableSortedDictionary<string, StateRow<T>> _rows =
        ImmutableSortedDictionary.Create<string, StateRow<T>>(StringComparer.Ordinal);

    /// <param name="view">Must not be loaded yet.</param>
    public StateTable(StateView view, string prefix, Func<StateEntry, T> read)
    {
        _prefix = prefix;
        _read = read;
        view.Changed += Follow;
    }

    /// <summary>
    /// Raised after a change is visible, with the names that changed, appeared or went. Handlers must not wait.
    /// </summary>
    public event Action<IReadOnlyList<string>>? Changed;

    public ImmutableSortedDictionary<string, StateRow<T>> Rows
    {
        get
        {
            lock (_lock)
            {
                return _rows;
            }
        }
    }

    public string KeyOf(string name) => _prefix + name;

    public bool TryFind(string name, out StateRow<T> row) => Rows.TryGetValue(name, out row);

    private void Follow(StateSnapshot snapshot, IReadOnlyList<StateViewChange> changes)
    {
        var names = new List<string>();
        var rows = Rows; // Only this handler changes it.
        foreach (var change in changes)
        {
            if (!change.Key.StartsWith(_prefix, StringComparison.Ordinal))
            {
                continue;
            }

            var name = change.Key[_prefix.Length..];
            names.Add(name);
            rows = change.After is { } entry && TryRead(entry, out var value)
                ? rows.SetItem(name, new StateRow<T>(value, entry.Modified)) : rows.Remove(name);
        }

        if (names.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            _rows = rows;
        }

        Changed?.Invoke(names);
    }

    private bool TryRead(StateEntry entry, out T value)
    {
        try
        {
            value = _read(entry);
            return true;
        }
        catch (Exception e) when (e is JsonException or FormatException or NotSupportedException or StateStoreException)
        {
            Log.Error("state", "a value cannot be read", ("key", entry.Key), ("reason", e.Message));
            value = default!; // Not looked at.
            return false;
        }
    }
}
