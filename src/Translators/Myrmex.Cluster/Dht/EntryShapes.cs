using Myrmex.Base;

namespace Myrmex.Cluster.Dht;

/// <summary>What the frame of a fop that makes a file needs to know of it.</summary>
internal interface IEntryShape<TFop, TReply>
{
    static abstract (Gfid Parent, Name Name, XData? XData) EntryOf(in TFop fop);

    /// <summary>The same fop with another dictionary.</summary>
    static abstract TFop With(in TFop fop, XData xdata);

    /// <summary>It is no error when the name exists.</summary>
    static abstract bool MayExist(in TFop fop);

    /// <summary>The file that was made.</summary>
    static abstract Gfid GfidOf(TReply reply);
}

internal readonly struct CreateShape : IEntryShape<CreateFop, CreateReply>
{
    public static (Gfid Parent, Name Name, XData? XData) EntryOf(in CreateFop fop) => (fop.Parent, fop.Name, fop.XData);

    public static CreateFop With(in CreateFop fop, XData xdata) => fop with { XData = xdata };

    public static bool MayExist(in CreateFop fop) => (fop.Flags & OpenFlags.Exclusive) == 0;

    public static Gfid GfidOf(CreateReply reply) => reply.Iatt.Gfid;
}

internal readonly struct MknodShape : IEntryShape<MknodFop, MknodReply>
{
    public static (Gfid Parent, Name Name, XData? XData) EntryOf(in MknodFop fop) => (fop.Parent, fop.Name, fop.XData);

    public static MknodFop With(in MknodFop fop, XData xdata) => fop with { XData = xdata };

    public static bool MayExist(in MknodFop fop) => false;

    public static Gfid GfidOf(MknodReply reply) => reply.Iatt.Gfid;
}

internal readonly struct SymlinkShape : IEntryShape<SymlinkFop, SymlinkReply>
{
    public static (Gfid Parent, Name Name, XData? XData) EntryOf(in SymlinkFop fop) =>
        (fop.Parent, fop.Name, fop.XData);

    public static SymlinkFop With(in SymlinkFop fop, XData xdata) => fop with { XData = xdata };

    public static bool MayExist(in SymlinkFop fop) => false;

    public static Gfid GfidOf(SymlinkReply reply) => reply.Iatt.Gfid;
}

internal readonly struct PutShape : IEntryShape<PutFop, PutReply>
{
    public static (Gfid Parent, Name Name, XData? XData) EntryOf(in PutFop fop) => (fop.Parent, fop.Name, fop.XData);

    public static PutFop With(in PutFop fop, XData xdata) => fop with { XData = xdata };

    public static bool MayExist(in PutFop fop) => true;

    public static Gfid GfidOf(PutReply reply) => reply.Iatt.Gfid;
}
