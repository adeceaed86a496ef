using Xunit;

// Tests wait for timers and other processes most of their time: each of them keeps an eighth of two cores busy. With more, the
// pauses that some of them measure would be those of the machine.
[assembly: CollectionBehavior(MaxParallelThreads = 5)]
[assembly: TestCollectionOrderer("Myrmex.Interop.Tests.Kit.LongestFirst", "Myrmex.Interop.Tests")]
[assembly: AssemblyTrait("Tier", "interop")]
[assembly: TestFramework("Myrmex.Interop.Tests.Kit.InteropFramework", "Myrmex.Interop.Tests")]
