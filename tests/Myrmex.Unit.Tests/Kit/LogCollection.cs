using Xunit;

namespace Myrmex.Unit.Tests.Kit;

/// <summary>Tests that read the log of the process: they run alone.</summary>
[CollectionDefinition("log", DisableParallelization = true)]
public sealed class LogCollection;
