using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>
/// Where a reply keeps attributes, for code that treats many fops alike. Replies with one set have it as
/// <see cref="Post"/>; replies with none point at a shared blank that nobody reads.
/// </summary>
internal interface IIattView<TReply>
    where TReply : Reply
{
    static abstract bool HasPre { get; }

    static abstract bool HasPost { get; }

    static abstract ref Iatt Pre(TReply reply);

    static abstract ref Iatt Post(TReply reply);
}

/// <summary>A reply without attributes.</summary>
internal readonly struct NoIatt<TReply> : IIattView<TReply>
    where TReply : Reply
{
    private static Iatt _blank;

    public static bool HasPre => false;

    public static bool HasPost => false;

    public static ref Iatt Pre(TReply reply) => ref _blank;

    public static ref Iatt Post(TReply reply) => ref _blank;
}

internal readonly struct StatIatt : IIattView<StatReply>
{
    public static bool HasPre => false;

    public static bool HasPost => true;

    public static ref Iatt Pre(StatReply reply) => ref reply.Iatt;

    public static ref Iatt Post(StatReply reply) => ref reply.Iatt;
}

internal readonly struct FstatIatt : IIattView<FstatReply>
{
    public static bool HasPre => false;

    public static bool HasPost => true;

    public static ref Iatt Pre(FstatReply reply) => ref reply.Iatt;

    public static ref Iatt Post(FstatReply reply) => ref reply.Iatt;
}

internal readonly struct ReadIatt : IIattView<ReadReply>
{
    public static bool HasPre => false;

    public static bool HasPost => true;

    public static ref Iatt Pre(ReadReply reply) => ref reply.Iatt;

    public static ref Iatt Post(ReadReply reply) => ref reply.Iatt;
}

internal readonly struct ReadlinkIatt : IIattView<ReadlinkReply>
{
    public static bool HasPre => false;

    public static bool HasPost => true;

    public static ref Iatt Pre(ReadlinkReply reply) => ref reply.Iatt;

    public static ref Iatt Post(ReadlinkReply reply) => ref reply.Iatt;
}

internal readonly struct WriteIatt : IIattView<WriteReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(WriteReply reply) => ref reply.Pre;

    public static ref Iatt Post(WriteReply reply) => ref reply.Post;
}

internal readonly struct TruncateIatt : IIattView<TruncateReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(TruncateReply reply) => ref reply.Pre;

    public static ref Iatt Post(TruncateReply reply) => ref reply.Post;
}

internal readonly struct FtruncateIatt : IIattView<FtruncateReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(FtruncateReply reply) => ref reply.Pre;

    public static ref Iatt Post(FtruncateReply reply) => ref reply.Post;
}

internal readonly struct FsyncIatt : IIattView<FsyncReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(FsyncReply reply) => ref reply.Pre;

    public static ref Iatt Post(FsyncReply reply) => ref reply.Post;
}

internal readonly struct SetattrIatt : IIattView<SetattrReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(SetattrReply reply) => ref reply.Pre;

    public static ref Iatt Post(SetattrReply reply) => ref reply.Post;
}

internal readonly struct FsetattrIatt : IIattView<FsetattrReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(FsetattrReply reply) => ref reply.Pre;

    public static ref Iatt Post(FsetattrReply reply) => ref reply.Post;
}

internal readonly struct FallocateIatt : IIattView<FallocateReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(FallocateReply reply) => ref reply.Pre;

    public static ref Iatt Post(FallocateReply reply) => ref reply.Post;
}

internal readonly struct DiscardIatt : IIattView<DiscardReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(DiscardReply reply) => ref reply.Pre;

    public static ref Iatt Post(DiscardReply reply) => ref reply.Post;
}

internal readonly struct ZerofillIatt : IIattView<ZerofillReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(ZerofillReply reply) => ref reply.Pre;

    public static ref Iatt Post(ZerofillReply reply) => ref reply.Post;
}

internal readonly struct GetxattrIatt : IIattView<GetxattrReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(GetxattrReply reply) => ref reply.Pre;

    public static ref Iatt Post(GetxattrReply reply) => ref reply.Post;
}

internal readonly struct FgetxattrIatt : IIattView<FgetxattrReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(FgetxattrReply reply) => ref reply.Pre;

    public static ref Iatt Post(FgetxattrReply reply) => ref reply.Post;
}

internal readonly struct XattropIatt : IIattView<XattropReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(XattropReply reply) => ref reply.Pre;

    public static ref Iatt Post(XattropReply reply) => ref reply.Post;
}

internal readonly struct FxattropIatt : IIattView<FxattropReply>
{
    public static bool HasPre => true;

    public static bool HasPost => true;

    public static ref Iatt Pre(FxattropReply reply) => ref reply.Pre;

    public static ref Iatt Post(FxattropReply reply) => ref reply.Post;
}
