using System.Linq;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Base;

/// <summary>Lock owners of clients that share a connection.</summary>
public sealed class ClientOwnerTests
{
    [Fact]
    public void EachClientHasOwnersOfItsOwn()
    {
        var (one, two) = (new ClientIdentity("same", "a"), new ClientIdentity("same", "a"));
        var owner = LkOwner.From(5);
        Assert.NotEqual(ClientOwner.Of(one, owner), ClientOwner.Of(two, owner));
        Assert.NotEqual(ClientOwner.Of(one, owner), ClientOwner.Of(one, LkOwner.From(6)));
        Assert.Equal(ClientOwner.Of(one, owner), ClientOwner.Of(one, owner));
        Assert.True(ClientOwner.IsOf(one, ClientOwner.Of(one, owner)));
        Assert.False(ClientOwner.IsOf(two, ClientOwner.Of(one, owner)));
        Assert.False(ClientOwner.IsOf(one, new LkOwner("short"u8)));
    }

    /// <summary>A credential of 400 bytes must hold it twice over: a door behind a proxy puts another number before it.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(56)]
    [InlineData(57)]
    [InlineData(LkOwner.LengthMax)]
    public void LongOwnersStayShortAndDifferent(int length)
    {
        var client = new ClientIdentity("c", "a");
        var bytes = Enumerable.Range(0, length).Select(i => (byte)i).ToArray();
        var owner = ClientOwner.Of(client, ClientOwner.Of(client, new LkOwner(bytes)));
        Assert.InRange(owner.Length, 16, 72);
        if (length > 0)
        {
            bytes[^1] ^= 1;
            Assert.NotEqual(owner, ClientOwner.Of(client, ClientOwner.Of(client, new LkOwner(bytes))));
        }
    }
}
