using Myrmex.Base;

namespace Myrmex.Features.Leases;

/// <summary>What becomes of a fop that leases of others are, or were, in the way of.</summary>
internal enum LeaseVerdict
{
    /// <summary>Nothing is in its way.</summary>
    Go,

    /// <summary>Something is, and it must not wait.</summary>
    MustNotWait,

    /// <summary>Too many wait already.</summary>
    TooMany,

    /// <summary>Something is still; it waits at its client, and comes again.</summary>
    ComeAgain,

    /// <summary>Its client has gone.</summary>
    Gone,
}

/// <summary>How a verdict is answered.</summary>
internal static class LeaseAnswers
{
    public static TReply Fail<TReply>(LeaseVerdict verdict)
        where TReply : Reply, IReply<TReply>
    {
        var reply = TReply.Fail(verdict == LeaseVerdict.Gone ? Errno.ENOTCONN : Errno.EAGAIN);
        if (verdict is LeaseVerdict.MustNotWait or LeaseVerdict.ComeAgain)
        {
            reply.NeedXData().SetInt(
                LeaseKeys.Wait, verdict == LeaseVerdict.ComeAgain ? LeaseKeys.ComeAgain : LeaseKeys.MustNotWait);
        }

        return reply;
    }
}
