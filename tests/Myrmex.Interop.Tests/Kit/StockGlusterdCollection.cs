using Xunit;

namespace Myrmex.Interop.Tests.Kit;

/// <summary>Classes that start a stock glusterd. It has directories and sockets that are the machine's: one at a time.</summary>
[CollectionDefinition(Name)]
public sealed class StockGlusterdCollection
{
    public const string Name = "stock glusterd";
}
