namespace Myrmex.Base;

/// <summary>Turns the fd numbers of one connection into open files, for the decoder of requests.</summary>
public interface IFdSource
{
    /// <summary>
    /// The open file behind <paramref name="number"/>, or null when there is none. -2 stands for an anonymous fd of
    /// <paramref name="gfid"/>; <paramref name="index"/> is 0 for the first fd of a fop and 1 for the second.
    /// </summary>
    Fd? Resolve(long number, in Gfid gfid, int index);

    /// <summary>A new fd for OPEN, CREATE or OPENDIR; it gets its number when the fop has succeeded.</summary>
    Fd New(in Gfid gfid, uint flags, bool isDirectory);
}
