using Xunit;

// Most tests wait for timers most of their time: two classes run side by side, more would starve each other on few cores.
[assembly: CollectionBehavior(MaxParallelThreads = 2)]
[assembly: AssemblyTrait("Tier", "interop")]
[assembly: TestFramework("Myrmex.Interop.Tests.Kit.InteropFramework", "Myrmex.Interop.Tests")]
