using System;
using System.Threading.Tasks;

namespace Myrmex.Base;

/// <summary>What is true of a fop whatever its arguments. Source: src/fops.txt.</summary>
[Flags]
public enum FopTraits
{
    None = 0,
    Exists = 1,

    /// <summary>Changes the volume.</summary>
    Mutates = 2,

    /// <summary>Sending it twice has the effect of sending it once.</summary>
    Idempotent = 4,

    /// <summary>May wait for the disk: runs on a worker, not on a reactor.</summary>
    Blocks = 8,

    /// <summary>Works on a name in a directory.</summary>
    Entry = 16,

    /// <summary>Request or reply carries payload.</summary>
    Bulk = 32,

    /// <summary>Names an open file.</summary>
    OnFd = 64,

    /// <summary>May wait for the disk but seldom does: runs on the reactor as long as the disk is quick.</summary>
    Brief = 128,
}

/// <summary>A fop as a value: knows its number and how to call itself on a handler.</summary>
public interface IFop<TSelf, TReply>
    where TSelf : struct, IFop<TSelf, TReply>
    where TReply : Reply, IReply<TReply>
{
    static abstract FopCode Code { get; }

    static abstract ValueTask<TReply> Invoke(FopHandler handler, in TSelf fop, Call call);

    /// <summary>The request's dictionary, lent; null when it has none.</summary>
    static abstract XData? XDataOf(in TSelf fop);

    /// <summary>The same fop with another dictionary, which it borrows.</summary>
    static abstract TSelf WithXData(in TSelf fop, XData? xdata);

    /// <summary>The open file it works on; null for a fop without one, and for those that open one.</summary>
    static abstract Fd? FdOf(in TSelf fop);

    /// <summary>The second open file of a fop with two.</summary>
    static abstract Fd? SecondFdOf(in TSelf fop);
}

/// <summary>A reply type that can be made empty or as a failure, by code that treats all fops alike.</summary>
public interface IReply<TSelf>
{
    static abstract TSelf Rent();

    static abstract TSelf Fail(Errno error);

    /// <summary>
    /// Becomes an answer of its own with the same content, but without fd numbers, payload and lists, which no fop that
    /// changes something answers with.
    /// </summary>
    void CopyFrom(TSelf other);
}

/// <summary>Facts about fops by their code.</summary>
public static partial class FopTable
{
    /// <summary>Traits of a procedure number; <see cref="FopTraits.None"/> when there is no such fop.</summary>
    public static FopTraits TraitsOf(FopCode code) =>
        (uint)code < CodeLimit ? TraitsByCode[(int)code] : FopTraits.None;

    public static bool Has(this FopCode code, FopTraits trait) => (TraitsOf(code) & trait) == trait;
}
