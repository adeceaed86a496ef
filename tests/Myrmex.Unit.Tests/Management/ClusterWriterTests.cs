using System.Collections.Generic;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Myrmex.Management.Cluster;
using Myrmex.Management.Nodes;
using Myrmex.Management.State;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Management;

/// <summary>A change whose answer was lost is told as what became of it.</summary>
public sealed class ClusterWriterTests : IAsyncLifetime
{
    private readonly MemoryStore _store = new(LinuxClock.Shared);
    private readonly CancellationTokenSource _stop = new();
    private LosingStore _losing = null!; // These three are set by InitializeAsync.
    private ClusterView _view = null!;
    private ClusterWriter _writer = null!;
    private Task _follow = Task.CompletedTask;

    public async Task InitializeAsync()
    {
        _losing = new LosingStore(_store);
        _view = new ClusterView(_losing, RealTime.Seams.Scheduler);
        _writer = new ClusterWriter(_losing, _view, RealTime.Seams);
        await _view.LoadAsync(_stop.Token);
        _follow = _view.FollowAsync(_stop.Token);
    }

    public async Task DisposeAsync()
    {
        await _stop.CancelAsync();
        await _follow.ContinueWith(_ => { }, TaskScheduler.Default);
        _stop.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AChangeIsMadeOnceWhetherItsRequestOrItsAnswerWasLost(bool made)
    {
        _losing.LoseNext(made);
        Assert.True(await CommitAsync("x", Revision.None, "1"));
        Assert.Equal(1, Assert.Single(await _store.RangeAsync(KeyRange.Single("x"), _stop.Token)).Version);
        var told = Assert.Single(_view.Events.Rows);
        Assert.Equal(1, told.Value.Value.Seq);
    }

    /// <summary>
    /// The condition of a command must not be newer than what it was decided on: it would not hear of what came in
    /// between.
    /// </summary>
    [Fact]
    public async Task WhatIsFoundInTheViewIsNeverAheadOfItsTables()
    {
        var seen = new List<(bool Row, bool Entry)>();
        _view.Nodes.Changed += _ => seen.Add(
            (_view.VolumeLocks.TryFind("v", out var _), _view.Find(StateKeys.BrickCounter) is not null));
        var made = await _store.CommitAsync(
            StateTransaction.Always(
                Put(NodeKeys.Nodes + "n"), Put(StateKeys.VolumeLock("v")), Put(StateKeys.BrickCounter)), _stop.Token);
        await _view.ReachAsync(made.Revision, _stop.Token);
        Assert.Equal([(false, false)], seen);
        Assert.True(_view.VolumeLocks.TryFind("v", out var _));
        Assert.NotNull(_view.Find(StateKeys.BrickCounter));

        static Operation Put(string key) => Operation.PutValue(key, "{}"u8.ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task OthersMayHaveToldMoreMeanwhile(bool made)
    {
        _losing.LoseNext(made, async () =>
        {
            var other = new ClusterWriter(_store, _view, RealTime.Seams);
            await other.TellAsync(other.NewEvent("OTHER"), _stop.Token);
        });
        Assert.True(await CommitAsync("x", Revision.None, "1"));
        Assert.Equal(1, Assert.Single(await _store.RangeAsync(KeyRange.Single("x"), _stop.Token)).Version);
        Assert.Equal(2, _view.Events.Rows.Count);
    }

    [Fact]
    public async Task AChangeOfSomebodyElseIsNotTakenForTheOwn()
    {
        _losing.LoseNext(made: false, () => _store.PutAsync("x", Encoding.ASCII.GetBytes("2"), _stop.Token));
        Assert.False(await CommitAsync("x", Revision.None, "1"));
        Assert.Empty(_view.Events.Rows);
    }

    private Task<bool> CommitAsync(string key, Revision known, string value) => _writer.CommitAsync(
        [Condition.Unchanged(key, known)], [Operation.PutValue(key, Encoding.ASCII.GetBytes(value))],
        _writer.NewEvent("TEST"), _stop.Token);

    /// <summary>Loses one change, before or after it is made.</summary>
    private sealed class LosingStore(IStateStore inner) : ForwardingStore(inner)
    {
        private System.Func<Task>? _meanwhile;
        private bool _loses;
        private bool _made;

        public void LoseNext(bool made, System.Func<Task>? meanwhile = null)
        {
            _loses = true;
            _made = made;
            _meanwhile = meanwhile;
        }

        public override async Task<TransactionResult> CommitAsync(
            StateTransaction transaction, CancellationToken cancellation)
        {
            if (!_loses || transaction.Then.Count == 0 || transaction.Then[0] is Operation.Get)
            {
                return await Inner.CommitAsync(transaction, cancellation);
            }

            _loses = false;
            if (_made)
            {
                await Inner.CommitAsync(transaction, cancellation);
            }

            if (_meanwhile is not null)
            {
                await _meanwhile();
            }

            throw new StateStoreException("no answer");
        }
    }
}
