using System.Collections.Generic;
using System.Linq;
using Myrmex.Graph;
using Myrmex.Host;
using Myrmex.Unit.Tests.Kit;
using Xunit;

namespace Myrmex.Unit.Tests.Serving;

/// <summary>What has failed is made anew after 1 s, 2 s, … 60 s, and after 1 s again once it was well for ten minutes.</summary>
public sealed class RestartsTests
{
    private const string Path = "/v/brick.vol";
    private const long WellMs = 600_000;

    private readonly ManualTime _time = new();
    private readonly List<long> _triesMs = [];
    private readonly Restarts _restarts;

    public RestartsTests() => _restarts = new Restarts("brick", TestPlace.Seams(_time), path =>
    {
        Assert.Equal(Path, path);
        _triesMs.Add(_time.MonotonicNs / 1_000_000);
    });

    [Fact]
    public void PausesGrowToAMinute()
    {
        long[] pauses = [1, 2, 4, 8, 16, 32, 60, 60, 60];
        Assert.Equal(pauses.Select(p => p * 1_000), pauses.Select(_ => FailAndWait()));
    }

    [Fact]
    public void WhoWasWellForLongBeginsWithShortPausesAgain()
    {
        _ = FailAndWait();
        Assert.Equal(2_000, FailAndWait());
        _restarts.Started(Path);
        _time.Advance(WellMs - 1);
        Assert.Equal(4_000, FailAndWait());
        _restarts.Started(Path);
        _time.Advance(WellMs + 1);
        Assert.Equal(1_000, FailAndWait());
    }

    [Fact]
    public void WhatIsSaidTwiceIsDoneOnce()
    {
        _restarts.Failed(Path, "by the member");
        _restarts.Failed(Path, "by its door");
        Assert.True(_restarts.MustRestart(Path));
        _time.Advance(120_000);
        Assert.Single(_triesMs);
        _restarts.Started(Path);
        Assert.False(_restarts.MustRestart(Path));
    }

    /// <summary>A member whose disk is full fails before its start is over.</summary>
    [Fact]
    public void WhatFailsWhileItIsStartedIsTriedAgain()
    {
        _restarts.Failed(Path, "the disk is full");
        _restarts.Started(Path);
        Assert.True(_restarts.MustRestart(Path));
        _time.Advance(1_000);
        Assert.Single(_triesMs);
        Assert.True(_restarts.MustRestart(Path));
        _restarts.Started(Path);
        Assert.False(_restarts.MustRestart(Path));
        _time.Advance(120_000);
        Assert.Single(_triesMs);
    }

    [Fact]
    public void AFailedTryIsPlannedAgainAndAGoodOneIsTheLast()
    {
        _restarts.Failed(Path, "the disk");
        _time.Advance(1_000);
        Assert.Single(_triesMs);
        _restarts.NotStarted(Path, Member(), "the disk is away");
        _time.Advance(1_999);
        Assert.Single(_triesMs);
        _time.Advance(1);
        Assert.Equal(2, _triesMs.Count);
        _restarts.Started(Path);
        _time.Advance(WellMs);
        Assert.Equal(2, _triesMs.Count);
    }

    [Fact]
    public void WhatIsNotWantedAnyMoreIsNotTriedAgain()
    {
        _restarts.Failed(Path, "the disk");
        _restarts.Keep([]);
        _time.Advance(120_000);
        Assert.Empty(_triesMs);
        Assert.False(_restarts.MustRestart(Path));
    }

    [Fact]
    public void OnlyMembersOfReplicaSetsThatCannotStartAreTriedAgain()
    {
        var plain = new VolfileDocument();
        plain.Add("posix", "storage/posix");
        _restarts.NotStarted(Path, plain, "no directory");
        _restarts.NotStarted(Path, document: null, "cannot be read");
        _time.Advance(120_000);
        Assert.Empty(_triesMs);
        Assert.Null(_restarts.ProblemOf("/b"));

        _restarts.NotStarted(Path, Member(), "no journal");
        Assert.StartsWith("no journal (it is tried again every 1 s", _restarts.ProblemOf("/b"));
        Assert.Null(_restarts.ProblemOf("/other"));
        _time.Advance(1_000);
        Assert.Single(_triesMs);
        _restarts.Started(Path);
        Assert.Null(_restarts.ProblemOf("/b"));
    }

    /// <summary>Milliseconds to the next try.</summary>
    private long FailAndWait()
    {
        var (count, before) = (_triesMs.Count, _time.MonotonicNs / 1_000_000);
        _restarts.Failed(Path, "the disk");
        while (_triesMs.Count == count)
        {
            Assert.True((_time.MonotonicNs / 1_000_000) - before < 120_000, "it is not tried again");
            _time.Advance(100);
        }

        return _triesMs[^1] - before;
    }

    private static VolfileDocument Member()
    {
        var document = new VolfileDocument();
        document.Add("posix", "storage/posix");
        document.Add("journal", "cluster/journal").Over("posix");
        document.Add("server", "protocol/server").Over("/b");
        return document;
    }
}
