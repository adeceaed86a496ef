using System.IO;
using System.Threading.Tasks;
using Myrmex.Coordination;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>The contract on the durable store, and what a restart must keep.</summary>
public sealed class SqliteStoreTests : LocalStoreContract
{
    private readonly string _directory = Directory.CreateTempSubdirectory("myrmex-store-").FullName;

    private string FilePath => Path.Combine(_directory, "state.db");

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task AReopenedStoreHasEverythingThatWasAnswered()
    {
        var first = await Store.PutAsync("a", Bytes("1"), Forever);
        await Store.PutAsync("a", Bytes("2"), Forever);
        await Store.PutAsync("b", Bytes("3"), Forever);
        await Store.DeleteAsync("b", Forever);
        await ReopenAsync();
        var entry = await Store.GetAsync("a", Forever);
        Assert.Equal(("2", first, 2L), (Text(entry!), entry!.Created, entry.Version));
        Assert.Equal(new Revision(5), await Store.PutAsync("a", Bytes("4"), Forever));
        Assert.Equal(["put a=1", "put a=2", "put a=4"], await WatchAsync("a", first, changes: 3));
    }

    [Fact]
    public async Task AReopenedStoreGivesLeasesTheirFullTimeAgain()
    {
        var lease = await Store.GrantLeaseAsync(10, Forever);
        await PutLeasedAsync("l", lease);
        Clock.AdvanceMs(9_000);
        await ReopenAsync();
        Clock.AdvanceMs(9_000);
        Assert.NotNull(await Store.GetAsync("l", Forever));
        Clock.AdvanceMs(1_000);
        Assert.Null(await Store.GetAsync("l", Forever));
        await ReopenAsync();
        Assert.False(await Store.KeepLeaseAliveAsync(lease, Forever));
        Assert.NotEqual(lease, await Store.GrantLeaseAsync(10, Forever));
    }

    [Fact]
    public async Task AFileInUseIsRefusedWithItsName()
    {
        var e = Assert.Throws<StateStoreException>(() => SqliteStore.Open(FilePath, Clock));
        Assert.Equal($"{FilePath} is in use by another process", e.Message);
        await Store.PutAsync("a", Bytes("still works"), Forever);
    }

    [Fact]
    public async Task AFileThatIsNoStoreIsRefused()
    {
        await Store.DisposeAsync();
        await File.WriteAllTextAsync(FilePath, new string('x', 10_000));
        Assert.Throws<StateStoreException>(() => SqliteStore.Open(FilePath, Clock));
    }

    [Fact]
    public void TheFileIsForItsOwnerOnly() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(FilePath));

    protected override Task<IStateStore> OpenAsync() =>
        Task.FromResult<IStateStore>(SqliteStore.Open(FilePath, Clock, HistoryRevisionsMax));
}
