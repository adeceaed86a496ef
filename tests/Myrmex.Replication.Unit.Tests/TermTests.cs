using Xunit;

namespace Myrmex.Replication.Unit.Tests;

public sealed class TermTests
{
    [Fact]
    public void TermsAndIndexesAreOrderedByTheirValues()
    {
        Assert.True(Term.None < new Term(1));
        Assert.True(new Term(ulong.MaxValue) > new Term(1));
        Assert.True(new JournalIndex(2) >= new JournalIndex(2));
        Assert.Equal("7", new JournalIndex(7).ToString());
    }
}
