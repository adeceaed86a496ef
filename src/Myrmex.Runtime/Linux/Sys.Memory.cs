using System;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>The allocator of the C library. Not for the fop path.</summary>
public static partial class Sys
{
    /// <summary>
    /// What malloc says about itself; all zero where the C library does not tell (musl, glibc before 2.33).
    /// </summary>
    public static MallocInfo MallocInfo()
    {
        try
        {
            return NativeMallinfo2();
        }
        catch (EntryPointNotFoundException)
        {
            return default;
        }
    }

    [LibraryImport(Libc, EntryPoint = "mallinfo2")]
    private static partial MallocInfo NativeMallinfo2();
}
