using System;
using Myrmex.Runtime;

namespace Myrmex.Unit.Tests.Kit;

internal sealed class NoNetwork : INetwork
{
    public IListener Listen(LinkAddress address, LinkOptions options, Func<Link, ILinkHandler> accept) =>
        throw new NotSupportedException();

    public Link Connect(LinkAddress address, LinkOptions options, ILinkHandler handler) => throw new NotSupportedException();
}
