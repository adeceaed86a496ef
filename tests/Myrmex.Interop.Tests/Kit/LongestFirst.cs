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
        nameof(JournalVolumeTests), StockGlusterdCollection.Name, nameof(ExactlyOnceTests), nameof(Etcd.ManagedEtcdTests),
        nameof(JournalFailoverTests), nameof(ProxyUpgradeTests), nameof(TakeOverTests), nameof(GfapiTests),
        nameof(JournalLockTests), nameof(ProxyCrashTests), nameof(ThinClientTests), nameof(StockClientFileTests),
        nameof(Etcd.EtcdFailureTests), nameof(JournalFileTests), nameof(DrainTests), nameof(JournalLeadTests),
        nameof(ArbiterTests), nameof(GfproxyTests), nameof(Etcd.EtcdDaemonTests),
        nameof(MyrmexClientDiskFileTests), nameof(OwnClientFileTests),
        nameof(Etcd.EtcdSecuredContractTests), nameof(CrashTests), nameof(Etcd.EtcdThreeMemberContractTests),
        nameof(Etcd.EtcdOneMemberContractTests), nameof(TlsTests), nameof(JournalReplacementTests), nameof(ManagementTests),
    ];

    public IEnumerable<ITestCollection> OrderTestCollections(IEnumerable<ITestCollection> collections) =>
        collections.OrderBy(c => PlaceOf(c.DisplayName)).ThenBy(c => c.DisplayName, StringComparer.Ordinal);

    private static int PlaceOf(string collection)
    {
        var place = Array.FindIndex(Long, name => collection.EndsWith(name, StringComparison.Ordinal));
        return place >= 0 ? place : Long.Length;
    }
}
