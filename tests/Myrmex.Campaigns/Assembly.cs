using Xunit;

// A campaign wants the machine for itself.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
[assembly: AssemblyTrait("Tier", "campaign")]
[assembly: TestFramework("Myrmex.Interop.Tests.Kit.InteropFramework", "Myrmex.Campaigns")]
