using System;
using System.Collections.Generic;
using System.Linq;
using Xunit;
using Xunit.Abstractions;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>
/// Starts the collections that take longest first, so that none of them is left to run alone at the end. A class that is not listed
/// comes later; a name that has gone costs time and nothing else.
/// </summary>
public sealed class LongestFirst : ITestCollectionOrderer
{
    /// <summary>Ends of the names of collections: of the class, or of the collection of several.</summary>
    private static readonly string[] Long =
    [
        StockGlusterdCollection.Name, nameof(JournalFailoverTests), nameof(Etcd.ManagedEtcdTests), nameof(Etcd.EtcdFailureTests),
        nameof(JournalLockTests), nameof(ThinClientTests), nameof(ExactlyOnceTests), nameof(JournalLeadTests), nameof(DrainTests),
        nameof(ProxyUpgradeTests), nameof(GfproxyTests), nameof(StockClientFileTests), nameof(GfapiTests), nameof(ManagementTests),
        nameof(BrickAdminTests), nameof(CrashTests), nameof(Etcd.EtcdThreeMemberContractTests), nameof(AppendTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> collections) =>
        collections.OrderBy(c => PlaceOf(c.DisplayName)).ThenBy(c => c.DisplayName, StringComparer.Ordinal);

    private static int PlaceOf(string collection)
    {
        var place = Array.FindIndex(Long, name => collection.EndsWith(name, StringComparison.Ordinal));
        return place >= 0 ? place : Long.Length;
    }
}
