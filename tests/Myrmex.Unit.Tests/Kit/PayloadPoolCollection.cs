using Xunit;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>Tests that look at the payload pool of the process: they run alone.</summary>
[CollectionDefinition("payload pool", DisableParallelization = true)]
public sealed class PayloadPoolCollection;
