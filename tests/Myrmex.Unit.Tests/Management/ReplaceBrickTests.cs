using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Management;
using Myrmex.Management.Bricks;
using Myrmex.Replication.Engine;
using Myrmex.Replication.Journal;
using Myrmex.Runtime.Linux;
using Myrmex.Volumes;
using Xunit;
using static Myrmex.Unit.Tests.Management.FakeNode;

namespace Myrmex.Unit.Tests.Management;

/// <summary>
/// New members in the places of others, on one node: what the volume, the store and the directories are after it, and
/// what is refused. The members themselves are not there: the test changes <c>conf</c> as their leader would. Needs
/// root, for trusted attributes.
/// </summary>
public sealed class ReplaceBrickTests : IAsyncLifetime
{
    private const string Conf = "conf";
    private const string Want = "want";
    private static readonly CancellationToken Forever = CancellationToken.None;
    private readonly FakeNode _node = new();

    public async Task InitializeAsync() => await _node.StartAsync();

    public async Task DisposeAsync() => await _node.DisposeAsync();

    [RootFact]
    public async Task TheVolumeTheWantedMembersAndTheNewJournalAgree()
    {
        var volume = await CreateAsync(3, 1, 2, 3);
        var after = await ReplaceAsync(2, 4);
        Assert.Equal([0, 3, 2], after.Bricks.Select(b => b.Index));
        Assert.Equal([0, 3, 2], after.Bricks.Select(b => b.Member));
        Assert.Equal(4, after.ReplicaSets[0].NextMember);
        Assert.Equal((MemberStatus.Learner, after.Bricks[1].Incarnation), JournalOf(4));
        Assert.NotEqual(0ul, after.Bricks[1].FileSystem);
        var wanted = await ConfigurationAsync(volume, Want);
        Assert.Equal(
            after.Bricks.Select(b => ((int)b.Member!, b.Incarnation)),
            wanted!.Members.Select(m => ((int)m.Id.Value, m.Incarnation)));
        Assert.Equal((ReplicaMode.Quorum, 2, 2), (wanted.Mode, wanted.WriteQuorum, wanted.ElectionQuorum));
        Assert.Equal([0, 1, 2], (await ConfigurationAsync(volume, Conf))!.Members.Select(m => (int)m.Id.Value));
        Assert.Equal(volume.Id, BrickDirectory.ReadVolumeId(_node.Brick(2), out _));
        Assert.True(Directory.Exists(volume.Bricks[1].JournalDirectory));
        await _node.Supervisor.RoundAsync(Forever);
        Assert.Equal((false, true), (IsOnline(2), IsOnline(4)));
        Assert.Equal(49152, _node.Session.Volfiles.PortOf(_node.Brick(4) + ".member"));
        Assert.Equal(0, _node.Session.Volfiles.PortOf(_node.Brick(2) + ".member"));
        var files = Directory.EnumerateFiles(_node.Options.VolfileDirectory).Select(File.ReadAllText).ToList();
        Assert.Equal(3, files.Count);
        Assert.All(files, f => Assert.Contains("/b4.member", f));
        Assert.DoesNotContain(files, f => f.Contains("/b2.member"));
        Assert.Contains(_node.Session.View.Events.Rows.Values, e => e.Value.Type == "BRICK_REPLACE");
    }

    [RootFact]
    public async Task OneAtATimeAndTheSameOneAgain()
    {
        var volume = await CreateAsync(3, 1, 2, 3);
        await ReplaceAsync(2, 4);
        Assert.Equal(
            "Another brick of replica set 0 is being replaced. Try again when 'volume status demo replication' shows it as "
            + "a member; 'force' does not help.",
            await WhyNotAsync(ReplaceAsync(1, 5)));

        // The disk of the one that is not yet a member dies too.
        var again = await ReplaceAsync(4, 6);
        Assert.Equal([0, 4, 2], again.Bricks.Select(b => b.Member));
        await LeadAsync(again, isDone: false);
        await WhyNotAsync(ReplaceAsync(1, 5));
        await LeadAsync(again, isDone: true);
        Assert.Equal([5, 4, 2], (await ReplaceAsync(1, 5)).Bricks.Select(b => b.Member));
        Assert.Equal([$"rs/{volume.Id}/0/conf", $"rs/{volume.Id}/0/want"], await KeysAsync());
    }

    [RootFact]
    public async Task WithoutAMajorityOfThoseThatStayNothingIsChanged()
    {
        await CreateAsync(3, 1, 2, 3);
        _node.Processes.Broken.Add(_node.Brick(1));
        _node.Processes.Die();
        await UntilAsync(() => IsOnline(2) && IsOnline(3) && !IsOnline(1));
        Assert.Equal(
            "Only 1 of the 2 bricks that stay in replica set 0 are online, and that is no majority. Bring them back first; "
            + "'force' does not help.",
            await WhyNotAsync(ReplaceAsync(2, 4)));
        Assert.StartsWith("Only 1 of the 2", await WhyNotAsync(ResetAsync(3)));
        Assert.False(Directory.Exists(_node.Brick(4)));
        await ReplaceAsync(1, 4); // The one that died.
    }

    [RootFact]
    public async Task OfTwoCopiesTheOneThatIsInStepStays()
    {
        var volume = await CreateAsync(2, 1, 2);
        await _node.Store.CommitAsync(
            StateTransaction.Always(Operation.PutValue(
                $"rs/{volume.Id}/0/isr", StoreState.EncodeSet(MemberSet.Of(new MemberId(1))))), Forever);
        await UntilAsync(() => _node.Session.View.Find($"rs/{volume.Id}/0/isr")?.Value.Span[0] == 2);
        Assert.StartsWith(
            $"Only brick localhost:{_node.Brick(2)} has everything that was written", await WhyNotAsync(ReplaceAsync(2, 3)));
        await ReplaceAsync(1, 3);
        Assert.Equal(ReplicaMode.InSync, (await ConfigurationAsync(volume, Want))!.Mode);
    }

    [RootFact]
    public async Task WhatCannotBeReplacedIsRefused()
    {
        await _node.CreateAsync("plain", 8);
        Assert.Equal(
            "replace-brick is not permitted on distribute only volumes. Please use add-brick and remove-brick operations "
            + "instead.",
            await WhyNotAsync(_node.Commands.ReplaceBrickAsync("plain", new(Text(8), Text(9)), Forever)));
        var volume = await CreateAsync(3, 1, 2, 3);
        Assert.Equal($"brick: {Text(9)} does not exist in volume: demo", await WhyNotAsync(ReplaceAsync(9, 4)));
        foreach (var used in new[] { 1, 2, 3, 8 })
        {
            Assert.Equal(
                $"Brick: {Text(used)} not available. Brick may be containing or be contained by an existing brick.",
                await WhyNotAsync(ReplaceAsync(2, used)));
        }

        await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(_node.Brick(4)).FullName, "data"), "kept");
        Assert.Contains("it is not empty: there is data", await WhyNotAsync(ReplaceAsync(2, 4)));
        Assert.Equal("Host nohost is not in 'Peer in Cluster' state", await WhyNotAsync(
            _node.Commands.ReplaceBrickAsync("demo", new(Text(2), "nohost:/x"), Forever)));
        Assert.Equal(volume.Bricks, _node.Commands.Find("demo").Bricks);
    }

    [RootFact]
    public async Task ANewBrickThatCannotBeServedIsTakenBack()
    {
        var volume = await CreateAsync(3, 1, 2, 3);
        _node.Processes.Broken.Add(_node.Brick(4));
        await WhyNotAsync(ReplaceAsync(2, 4));
        Assert.False(Directory.Exists(_node.Brick(4)));
        Assert.Equal(volume.Bricks, _node.Commands.Find("demo").Bricks);
        Assert.Equal([$"rs/{volume.Id}/0/conf"], await KeysAsync());
        await UntilAsync(() => IsOnline(2));
    }

    /// <summary>Out of service it stays, whoever starts again; the renewed directory has a new member.</summary>
    [RootFact]
    public async Task ADirectoryIsRenewedInItsPlace()
    {
        var volume = await CreateAsync(3, 1, 2, 3);
        Assert.Equal(
            "Source brick must be stopped. Please use gluster volume reset-brick <volname> <dst-brick> start.",
            await WhyNotAsync(RenewAsync(2)));
        Assert.True((await ResetAsync(2)).Bricks[1].IsReset);
        Assert.Equal((true, false), (IsOnline(1), IsOnline(2)));
        await _node.KillAsync();
        await _node.StartAsync();
        await UntilAsync(() => IsOnline(1) && IsOnline(3));
        Assert.False(IsOnline(2));
        Assert.True((await ResetAsync(2)).Bricks[1].IsReset);
        Assert.Equal(
            "When destination brick is new, please use gluster volume replace-brick <volname> <src-brick> <dst-brick> "
            + "commit force",
            await WhyNotAsync(RenewAsync(2, 4)));
        Assert.EndsWith(
            "it is not empty: there is .glusterfs/journal. Empty the directory, .glusterfs included; 'force' does not "
            + "help.", await WhyNotAsync(RenewAsync(2)));
        Assert.Equal((MemberStatus.Voter, volume.Bricks[1].Incarnation), JournalOf(2));

        // Emptied, with what a root directory of a volume has on it.
        Directory.Delete(Path.Combine(_node.Brick(2), ".glusterfs", "journal"), recursive: true);
        Sys.PathSetXattr(_node.Brick(2), BrickDirectory.GfidXattr, new Gfid(0, 1).ToArray());
        Sys.PathSetXattr(_node.Brick(2), "user.left", "x"u8);
        File.SetUnixFileMode(_node.Brick(2), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var after = await RenewAsync(2);
        Assert.Equal((3, 3, false), (after.Bricks[1].Index, after.Bricks[1].Member, after.Bricks[1].IsReset));
        Assert.Equal((MemberStatus.Learner, after.Bricks[1].Incarnation), JournalOf(2));
        Assert.Equal(volume.Id, BrickDirectory.ReadVolumeId(_node.Brick(2), out _));
        Assert.True(Sys.PathGetXattr(_node.Brick(2), "user.left", []) < 0);
        Assert.Equal("755", Convert.ToString((int)File.GetUnixFileMode(_node.Brick(2)), 8));
        Assert.Equal([0, 3, 2], (await ConfigurationAsync(volume, Want))!.Members.Select(m => (int)m.Id.Value));
        await UntilAsync(() => IsOnline(2));
        Assert.Contains("option member 3\n", File.ReadAllText(
            Directory.EnumerateFiles(_node.Options.VolfileDirectory).First(f => f.EndsWith("b2.vol"))));
    }

    /// <summary>The brick process never saw the new disk: nothing needs to be stopped.</summary>
    [RootFact]
    public async Task ADirectoryOfABrickThatIsNotOnlineCanBeRenewedAtOnce()
    {
        await CreateAsync(3, 1, 2, 3);
        _node.Processes.Broken.Add(_node.Brick(2));
        _node.Processes.Die();
        await UntilAsync(() => IsOnline(1) && IsOnline(3) && !IsOnline(2));
        Directory.Delete(_node.Brick(2), recursive: true);
        _node.Processes.Broken.Clear();
        Assert.Equal(3, (await RenewAsync(2)).Bricks[1].Member);
        Assert.True(IsOnline(2));
    }

    [RootFact]
    public async Task ARenewalThatFailsLeavesTheDirectoryAsItWas()
    {
        var volume = await CreateAsync(3, 1, 2, 3);
        await ResetAsync(2);
        Directory.Delete(Path.Combine(_node.Brick(2), ".glusterfs", "journal"), recursive: true);
        _node.Processes.Broken.Add(_node.Brick(2));
        await WhyNotAsync(RenewAsync(2));
        Assert.Equal(volume.Id, BrickDirectory.ReadVolumeId(_node.Brick(2), out _));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_node.Brick(2)));
        Assert.True(_node.Commands.Find("demo").Bricks[1].IsReset);
        _node.Processes.Broken.Clear();
        await RenewAsync(2);
    }

    [RootFact]
    public async Task AStartWithForceTakesABrickIntoServiceAgain()
    {
        var volume = await CreateAsync(3, 1, 2, 3);
        await ResetAsync(2);
        await _node.Commands.StopAsync("demo", force: false, Forever);
        await _node.Commands.StartAsync("demo", force: false, Forever);
        Assert.Equal((true, false), (IsOnline(1), IsOnline(2)));
        Assert.False((await _node.Commands.StartAsync("demo", force: true, Forever)).Bricks[1].IsReset);
        Assert.True(IsOnline(2));
        Assert.Equal(volume.Bricks, _node.Commands.Find("demo").Bricks);
    }

    [RootFact]
    public async Task AVolumeThatIsNotStartedGetsItsNewMemberToo()
    {
        var volume = await CreateAsync(3, 1, 2, 3);
        await _node.Commands.StopAsync("demo", force: false, Forever);
        Directory.Delete(_node.Brick(2), recursive: true);
        await WhyNotAsync(_node.Commands.StartAsync("demo", force: false, Forever));
        await ReplaceAsync(2, 4);
        await _node.Commands.StartAsync("demo", force: false, Forever);
        Assert.True(IsOnline(4));
        Assert.NotNull(await ConfigurationAsync(volume, Want));
    }

    private static async Task<string> WhyNotAsync(Task command) =>
        (await Assert.ThrowsAsync<CommandException>(() => command)).Message;

    /// <summary>A started volume whose bricks are served.</summary>
    private async Task<Volume> CreateAsync(int copies, params int[] bricks)
    {
        await _node.Commands.CreateAsync(
            new CreateRequest("demo", [.. bricks.Select(Text)]) { ReplicaCount = copies, Force = true }, Forever);
        return await _node.Commands.StartAsync("demo", force: false, Forever);
    }

    private string Text(int brick) => $"localhost:{_node.Brick(brick)}";

    private bool IsOnline(int brick) => _node.Supervisor.StateOf(_node.Brick(brick)).Online;

    private Task<Volume> ReplaceAsync(int source, int target) => _node.Commands.ReplaceBrickAsync(
        "demo", new ReplaceBrickRequest(Text(source), Text(target)) { Force = true }, Forever);

    private Task<Volume> ResetAsync(int brick) => _node.Commands.ResetBrickAsync("demo", Text(brick), Forever);

    private Task<Volume> RenewAsync(int brick, int? target = null) => _node.Commands.ReplaceBrickAsync(
        "demo", new ReplaceBrickRequest(Text(brick), Text(target ?? brick)) { IsReset = true, Force = true }, Forever);

    private async Task<string[]> KeysAsync() =>
        [.. (await _node.Store.RangeAsync(KeyRange.Prefix("rs/"), Forever)).Select(e => e.Key)];

    private async Task<ReplicaConfiguration?> ConfigurationAsync(Volume volume, string key)
    {
        var entry = await _node.Store.GetAsync($"rs/{volume.Id}/0/{key}", Forever);
        return entry is null ? null : ReplicaConfiguration.Decode(entry.Value.Span);
    }

    /// <summary>What the member that leads does with the wanted members.</summary>
    private async Task LeadAsync(Volume volume, bool isDone)
    {
        var key = $"rs/{volume.Id}/0/conf";
        var before = (await ConfigurationAsync(volume, Conf))!;
        var wanted = (await ConfigurationAsync(volume, Want))! with { Epoch = before.Epoch + 1 };
        var value = (isDone ? wanted : before with { Pending = wanted }).Encode();
        await _node.Store.CommitAsync(StateTransaction.Always(Operation.PutValue(key, value)), Forever);
        await UntilAsync(() => _node.Session.View.Find(key)!.Value.Span.SequenceEqual(value));
    }

    private (MemberStatus Status, ulong Incarnation) JournalOf(int brick)
    {
        var options = new JournalOptions { Path = Path.Combine(_node.Brick(brick), ".glusterfs", "journal") };
        var error = ReplicaJournal.Open(LinuxDisk.Shared, options, out var journal, out var problem);
        Assert.True(error == Errno.Ok, problem);
        using (journal)
        {
            return (journal!.State.Status, (ulong)journal.State.Incarnation);
        }
    }
}
