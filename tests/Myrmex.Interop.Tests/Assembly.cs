using Xunit;

// Tests wait for timers and other processes most of their time: two classes side by side keep a quarter of two cores busy. More than
// three would starve each other when several start daemons at once.
[assembly: CollectionBehavior(MaxParallelThreads = 3)]
[assembly: TestCollectionOrderer("Myrmex.Interop.Tests.Kit.LongestFirst", "Myrmex.Interop.Tests")]
[assembly: AssemblyTrait("Tier", "interop")]
[assembly: TestFramework("Myrmex.Interop.Tests.Kit.InteropFramework", "Myrmex.Interop.Tests")]
