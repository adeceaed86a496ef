using System.Collections.Generic;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Performance;
using Myrmex.Storage;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>performance/shared-cache over storage/memory, which promises to tell and tells of every change.</summary>
public sealed class SharedCacheRig : StorageRig
{
    protected override VolfileDocument Document
    {
        get
        {
            var document = new VolfileDocument();
            document.Add("brick", "test/leased");
            document.Add("cache", "performance/shared-cache").Over("brick").With("cache", "on");
            return document;
        }
    }

    protected override IReadOnlyList<TranslatorRegistration> Types =>
    [
        new("test/leased", static place => new Leased(place), [], Maturity.Experimental) { SubvolumesMin = 0 },
        SharedCache.Registration,
    ];

    public static SharedCacheRig Started()
    {
        var rig = new SharedCacheRig();
        rig.Start();
        return rig;
    }

    private sealed class Leased(TranslatorPlace place)
        : Uniform<Policy>(place, new Policy(new MemoryTranslator(StoreOf(place)), new Watcher())), ICacheLease
    {
        public void WatchLease(ICacheLeaseWatcher? watcher)
        {
            Policy.Watcher.Current = watcher;
            Policy.Watcher.Lease = this;
            watcher?.LeaseExtended(this, long.MaxValue);
        }

        private static TranslatorPlace StoreOf(TranslatorPlace place) => new()
        {
            Name = place.Name,
            Type = "storage/memory",
            Slot = place.Slot,
            Subvolumes = [],
            Options = new OptionValues(MemoryTranslator.Registration.Options, new Dictionary<string, string>()),
            Seams = place.Seams,
        };
    }

    private sealed class Watcher
    {
        public ICacheLeaseWatcher? Current { get; set; }

        public ICacheLease? Lease { get; set; }

        /// <summary>Any inode may be another one from here on.</summary>
        public void TellOfAll()
        {
            if (Lease is { } lease)
            {
                Current?.LeaseLost(lease);
                Current?.LeaseExtended(lease, long.MaxValue);
            }
        }
    }

    private readonly struct Policy(Translator store, Watcher watcher) : IFopPolicy
    {
        public Watcher Watcher => watcher;

        public ValueTask<TReply> Handle<TFop, TReply>(Translator next, in TFop fop, Call call)
            where TFop : struct, IFop<TFop, TReply>
            where TReply : Reply, IReply<TReply>
        {
            if (!ChangedInodes.By(in fop).IsNothing)
            {
                watcher.TellOfAll();
            }

            return TFop.Invoke(store, in fop, call);
        }
    }
}

/// <summary>The contract of a store through the cache of a proxy.</summary>
public sealed class SharedCacheContractTests : StorageContract
{
    protected override StorageRig NewRig() => SharedCacheRig.Started();
}
