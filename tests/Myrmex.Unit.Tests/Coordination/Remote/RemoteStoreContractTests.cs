using System.IO;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Coordination;
using Myrmex.Coordination.Remote;
using Myrmex.Runtime.Linux;
using Xunit;

namespace Myrmex.Unit.Tests.Coordination.Remote;

/// <summary>
/// The contract on a store that is reached over a real unix socket. Leases end by the time of the store behind it,
/// which the test owns.
/// </summary>
public sealed class RemoteStoreContractTests : StateStoreContract
{
    private const int HistoryRevisionsMax = 100;

    private readonly string _directory = Directory.CreateTempSubdirectory("myrmex-remote-").FullName;
    private readonly ManualClock _clock = new();
    private readonly LinuxRuntime _runtime = new(new LinuxRuntimeOptions { Reactors = 2, Workers = 1 });
    private SqliteStore? _behind;
    private StateStoreServer? _server;

    protected override long LeaseSeconds => 10;

    private string SocketPath => Path.Combine(_directory, "state.sock");

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        _server?.Dispose();
        await (_behind?.DisposeAsync() ?? ValueTask.CompletedTask);
        _runtime.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void TheSocketIsForItsOwnerOnly() =>
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(SocketPath));

    [Fact]
    public async Task AQuietWatchDoesNotFallBehindTheHistory()
    {
        var from = await Store.PutAsync("often", Bytes(""), Forever);
        var watch = WatchAsync("rare", from, changes: 1);
        for (var i = 0; i < 3 * HistoryRevisionsMax; i++)
        {
            await Store.PutAsync("often", Bytes(""), Forever);
            await Task.Yield();
        }

        await Store.PutAsync("rare", Bytes("x"), Forever);
        Assert.Equal(["put rare=x"], await watch);
    }

    protected override Task<IStateStore> OpenAsync()
    {
        _behind = SqliteStore.Open(Path.Combine(_directory, "state.db"), _clock, HistoryRevisionsMax);
        _server = new StateStoreServer(_runtime.Seams);
        _server.Use(_behind, new Gfid(1, 2));
        _server.Listen(SocketPath);
        return Task.FromResult<IStateStore>(new RemoteStore(SocketPath, _runtime.Seams));
    }

    protected override Task PassAsync(long milliseconds)
    {
        _clock.AdvanceMs(milliseconds);
        return Task.CompletedTask;
    }

    protected override async Task CompactAsync()
    {
        for (var i = 0; i <= HistoryRevisionsMax; i++)
        {
            await Store.PutAsync("compact", Bytes(""), Forever);
        }
    }
}
