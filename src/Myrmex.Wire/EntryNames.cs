using Myrmex.Base;

namespace Myrmex.Wire;

/// <summary>What a peer may send as the name of a directory entry.</summary>
public static class EntryNames
{
    /// <summary>Of a fop that makes, changes or removes the entry: 1 to 255 bytes, no slash, not "." or "..".</summary>
    public static Errno Check(Name name) => name.CheckEntry();

    /// <summary>Of a LOOKUP: may also be empty (the file is meant that the gfid names), "." or "..".</summary>
    public static Errno CheckLookup(Name name) => name.IsEmpty || name.IsDotOrDotDot ? Errno.Ok : Check(name);
}
