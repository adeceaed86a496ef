using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;
using Myrmex.Runtime;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Makes a store from what <see cref="StoreCopySource"/> has read. All of it is one replay: the items put the store
/// into a state that differs from the one at the start of the copy only by work of later entries, and these follow.
/// </summary>
internal sealed class StoreCopyTarget : IStoreCopyTarget
{
    private readonly StoreCopies _copies;
    private volatile bool _isAbandoned;

    public StoreCopyTarget(StoreCopies copies, Action<Errno> ready)
    {
        _copies = copies;
        copies.Member.Suspend(() => Run(BeginAsync, ready));
    }

    public void Take(IReadOnlyList<JournalEntry> items, Action<Errno> done) => Run(() => ApplyAsync(items), done);

    public void Replay(IReadOnlyList<JournalEntry> entries, Action<Errno> done) => Run(() => ApplyAsync(entries), done);

    public void Finish(Action<Errno> done) => Run(
        async () =>
        {
            var error = await _copies.Redo.EndReplayAsync();
            return error == Errno.Ok ? await _copies.SyncAsync() : error;
        },
        done);

    public void Installed(JournalIndex index) => _copies.Member.GoOnAfter(index);

    public void Abandon() => _isAbandoned = true;

    private void Run(Func<ValueTask<Errno>> work, Action<Errno> done) => _copies.Run(async () =>
        done(_isAbandoned ? Errno.ECANCELED : await work()));

    private async ValueTask<Errno> BeginAsync()
    {
        var error = Errno.Ok;
        if (!_copies.Redo.IsReplay)
        {
            error = await _copies.Redo.BeginReplayAsync([]); // Else a copy before this one was not finished.
        }

        return error == Errno.Ok ? await StoreWipe.RunAsync(_copies.Store) : error;
    }

    private async ValueTask<Errno> ApplyAsync(IReadOnlyList<JournalEntry> entries)
    {
        var error = Errno.Ok;
        for (var i = 0; i < entries.Count && error == Errno.Ok; i++)
        {
            if (entries[i].Header.Kind != EntryKind.Operation)
            {
                continue;
            }

            error = OperationCodec.TryDecode(entries[i].Meta.Span, out var operation)
                ? (await _copies.Redo.ApplyAsync(operation, entries[i].Data)).Error : Errno.EUCLEAN;
            if (error != Errno.Ok)
            {
                Log.Warning(
                    "journal", "a part of a copy cannot be applied", ("fop", operation?.Fop), ("gfid", operation?.Gfid),
                    ("parent", operation?.Parent), ("name", operation?.Name), ("error", error));
            }
        }

        return error;
    }
}
