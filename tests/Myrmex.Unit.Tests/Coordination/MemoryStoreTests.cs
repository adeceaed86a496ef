using System.Threading.Tasks;
using Myrmex.Coordination;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>The contract on the store without a disk.</summary>
public sealed class MemoryStoreTests : LocalStoreContract
{
    protected override Task<IStateStore> OpenAsync() =>
        Task.FromResult<IStateStore>(new MemoryStore(Clock, HistoryRevisionsMax));
}
