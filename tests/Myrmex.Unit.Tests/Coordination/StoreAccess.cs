using System;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Coordination;

namespace Myrmex.Unit.Tests.Coordination;

/// <summary>Short forms for tests.</summary>
internal static class StoreAccess
{
    public static Task PutAsync(IStateStore store, string key, ReadOnlyMemory<byte> value) =>
        store.PutAsync(key, value, CancellationToken.None);
}
