using System;
using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Replication;

namespace Myrmex.Cluster.Journal;

/// <summary>
/// Makes a store from what <see cref="StoreCopySource"/> has read, on the store's own loop: <see
/// cref="StoreCopyWriter"/> does it.
/// </summary>
internal sealed class StoreCopyTarget : IStoreCopyTarget
{
    private readonly StoreCopies _copies;
    private readonly StoreCopyWriter _writer;
    private volatile bool _isAbandoned;

    public StoreCopyTarget(StoreCopies copies, Action<Errno> ready)
    {
        _copies = copies;
        _writer = new StoreCopyWriter(copies.Store, copies.Redo);
        copies.Member.Suspend(() => Run(() => _writer.BeginAsync(copies.MustWipe), ready));
    }

    public void Take(IReadOnlyList<JournalEntry> items, Action<Errno> done) =>
        Run(() => _writer.TakeAsync(items), done);

    public IReadOnlyList<ReadOnlyMemory<byte>> TakeWants() => _writer.TakeWants();

    public void Replay(IReadOnlyList<JournalEntry> entries, Action<Errno> done) =>
        Run(() => _writer.ReplayAsync(entries), done);

    public void Finish(Action<Errno> done) => Run(
        async () =>
        {
            var error = await _writer.FinishAsync();
            return error == Errno.Ok ? await _copies.SyncAsync() : error;
        },
        done);

    public void Installed(JournalIndex index, JournalIndex elidedThrough)
    {
        _copies.MustWipe = false;
        _copies.Member.GoOnAfter(index, elidedThrough);
    }

    public void Abandon() => _isAbandoned = true;

    private void Run(Func<ValueTask<Errno>> work, Action<Errno> done) => _copies.Run(async () =>
    {
        var error = _isAbandoned ? Errno.ECANCELED : await work();
        _copies.MustWipe |= error is not (Errno.Ok or Errno.ECANCELED);
        done(error);
    });
}
