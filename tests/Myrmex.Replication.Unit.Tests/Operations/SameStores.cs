using System;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Cluster.Journal;
using Myrmex.Contract.Tests.Storage;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.Operations;

/// <summary>Two stores hold the same.</summary>
internal static class SameStores
{
    /// <param name="what">Said when they do not.</param>
    /// <returns>The digest of both.</returns>
    public static async Task<StoreDigest> AssertAsync(StorageRig one, StorageRig other, string what = "")
    {
        var expected = await StoreDigest.TakeAsync(one.Store);
        var actual = await StoreDigest.TakeAsync(other.Store);
        Assert.Equal(Errno.Ok, expected.Error);
        Assert.Equal(Errno.Ok, actual.Error);
        Assert.True(expected.Hash.AsSpan().SequenceEqual(actual.Hash), $"{what}\n{expected.DifferencesTo(actual)}");
        return expected;
    }
}
