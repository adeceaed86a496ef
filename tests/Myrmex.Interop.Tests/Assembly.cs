using Xunit;

// The machines these tests run on have few cores, and a mount that waits for a busy one proves nothing: one test at a time.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyTrait("Tier", "interop")]
[assembly: TestFramework("Myrmex.Interop.Tests.Kit.InteropFramework", "Myrmex.Interop.Tests")]
