using System;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// The user and group under which this thread makes files. Only the calling thread changes, because the calls go to the
/// kernel directly and not through the C library, which would change all threads.
/// </summary>
public static unsafe partial class Sys
{
    private const int PrGetSecureBits = 27;
    private const int PrSetSecureBits = 28;
    private const int NoSetuidFixup = 4;

    private static readonly nint SetFsUidNumber = IsX64 ? 122 : 151;
    private static readonly nint SetFsGidNumber = IsX64 ? 123 : 152;

    [ThreadStatic]
    private static sbyte _canSwitchIds; // 0: not tried yet, 1: yes, -1: no.

    /// <summary>
    /// Prepares this thread so that a file-system user other than root keeps its capabilities. False when the process
    /// may not: files are then made as root and must be given away afterwards.
    /// </summary>
    public static bool CanSwitchIds()
    {
        if (_canSwitchIds == 0)
        {
            var bits = Result(NativePrctl(PrGetSecureBits, 0, 0, 0, 0));
            var isSet = bits >= 0 && Result(NativePrctl(PrSetSecureBits, bits | NoSetuidFixup, 0, 0, 0)) >= 0;
            _canSwitchIds = (sbyte)(isSet ? 1 : -1);
        }

        return _canSwitchIds > 0;
    }

    /// <summary>
    /// Sets the file-system user and group of this thread; ask <see cref="CanSwitchIds"/> first, and set 0 and 0
    /// afterwards.
    /// </summary>
    public static void SetFileSystemIds(uint uid, uint gid)
    {
        NativeSyscall(SetFsGidNumber, (nint)gid, 0, 0, 0, 0, 0);
        NativeSyscall(SetFsUidNumber, (nint)uid, 0, 0, 0, 0, 0);
    }

    // prctl is variadic in C; on Linux x86-64 and arm64 integer arguments are passed like fixed ones.
    [LibraryImport(Libc, EntryPoint = "prctl", SetLastError = true)]
    private static partial int NativePrctl(int option, nint a, nint b, nint c, nint d);
}
