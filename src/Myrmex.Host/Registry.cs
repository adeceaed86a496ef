using System.Collections.Generic;
using Myrmex.Graph;
using Myrmex.Management.Cluster;
using Myrmex.Protocol;

namespace Myrmex.Host;

/// <summary>The one list of all translators; a graph can be built from these types and no others.</summary>
internal static class Registry
{
    /// <summary>The doors of this process.</summary>
    public static ExportTable Exports { get; } = new();

    /// <summary>The state store of the cluster, for translators that need it.</summary>
    public static ProcessStore Store { get; } = new();

    /// <summary>What translators have to tell administrators.</summary>
    public static EventSender Events { get; } = new(Store.Find);

    public static IReadOnlyList<TranslatorRegistration> All { get; } =
    [
        ClientTranslator.Registration,
        ServerTranslator.Registration(Exports),
        Cluster.Aha.Aha.Registration,
        Cluster.Dht.Distribute.Registration,
        Cluster.Journal.JournalBrick.Registration(Store.Find, Events.Tell),
        Cluster.JournalClient.JournalClient.Registration,
        Features.CacheLeases.CacheLeases.Registration,
        Features.ClientLocks.Registration,
        Features.Leases.Leases.Registration,
        Features.Locks.Registration,
        Features.Outcomes.Outcomes.Registration,
        Features.ReadOnly.Registration,
        Features.Upcall.Upcall.Registration,
        Features.Utime.Registration,
        Storage.MemoryTranslator.Registration,
        Storage.PosixTranslator.Registration,
        .. Features.TransparentTypes.All,
        Debug.DelayGen.Registration,
        Debug.ErrorGen.Registration,
        Debug.IoStats.Registration,
        Debug.Trace.Registration,
        Performance.OpenBehind.Registration,
        Performance.QuickRead.Registration,
        Performance.SharedCache.Registration,
        Performance.WriteBehind.Registration,
        .. Performance.TransparentTypes.All,
    ];
}
