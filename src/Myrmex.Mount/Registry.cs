using System.Collections.Generic;
using Myrmex.Graph;
using Myrmex.Protocol;

namespace Myrmex.Host;

/// <summary>The translators that graphs of clients are made of.</summary>
internal static class Registry
{
    public static IReadOnlyList<TranslatorRegistration> All { get; } =
    [
        ClientTranslator.Registration,
        Cluster.Aha.Aha.Registration,
        Cluster.Dht.Distribute.Registration,
        Cluster.JournalClient.JournalClient.Registration,
        Features.ReadOnly.Registration,
        Features.Utime.Registration,
        .. Features.TransparentTypes.All,
        Debug.DelayGen.Registration,
        Debug.ErrorGen.Registration,
        Debug.IoStats.Registration,
        Debug.Trace.Registration,
        Performance.OpenBehind.Registration,
        Performance.QuickRead.Registration,
        Performance.WriteBehind.Registration,
        .. Performance.TransparentTypes.All,
    ];
}
