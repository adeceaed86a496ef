using System.Collections.Generic;
using System.Linq;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// The entries that were in the journal after the checkpoint when a member started. Those that had been committed may
/// be in the store in any part, so all that become committed again are replayed; the window is over when its last entry
/// is applied, or before an entry of a newer term than all of its own: what it had from there on was never committed.
/// </summary>
public sealed class ReplayWindow
{
    private readonly Term _lastTerm;

    /// <param name="entries">In order; lent for this call.</param>
    /// <param name="ahead">
    /// The store may have effects of other entries too, of terms up to this one: none for no others. They come before
    /// any of a later term.
    /// </param>
    public ReplayWindow(IReadOnlyList<JournalEntry> entries, Term ahead = default)
    {
        IsOpen = ahead != Term.None;
        Last = entries.Count == 0 ? JournalIndex.None : entries[^1].Index;
        _lastTerm = entries.Count == 0 ? Term.None : entries[^1].Term;
        _lastTerm = ahead > _lastTerm ? ahead : _lastTerm;
        var operations = new List<JournalOperation>();
        foreach (var entry in entries.Where(e => e.Header.Kind == EntryKind.Operation))
        {
            if (OperationCodec.TryDecode(entry.Meta.Span, out var operation))
            {
                operations.Add(operation);
            }
            else
            {
                Problem = Errno.EUCLEAN;
            }
        }

        Operations = operations;
    }

    /// <summary>Nothing to replay.</summary>
    public static ReplayWindow Empty { get; } = new([]);

    /// <summary>EUCLEAN when an entry cannot be understood.</summary>
    public Errno Problem { get; }

    public JournalIndex Last { get; }

    /// <summary>More belongs to it than was in the journal.</summary>
    public bool IsOpen { get; }

    public IReadOnlyList<JournalOperation> Operations { get; }

    /// <summary>Nothing of the window comes from this committed entry on.</summary>
    public bool IsOverBefore(JournalEntry entry) => (!IsOpen && entry.Index > Last) || entry.Term > _lastTerm;

    /// <summary>Nothing of the window comes after this committed entry.</summary>
    public bool IsOverAfter(JournalEntry entry) => !IsOpen && entry.Index >= Last;
}
