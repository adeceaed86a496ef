using Xunit;

// Tests wait for timers and other processes most of their time: each of them keeps an eighth of two cores busy.
[assembly: CollectionBehavior(MaxParallelThreads = 6)]
[assembly: TestCollectionOrderer("Myrmex.Interop.Tests.Kit.LongestFirst", "Myrmex.Interop.Tests")]
[assembly: AssemblyTrait("Tier", "interop")]
[assembly: TestFramework("Myrmex.Interop.Tests.Kit.InteropFramework", "Myrmex.Interop.Tests")]
