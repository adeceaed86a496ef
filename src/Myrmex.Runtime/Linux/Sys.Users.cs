using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>The user database, through the name service of the C library. These calls may wait for the network.</summary>
public static unsafe partial class Sys
{
    /// <summary>
    /// getpwuid_r: the login name is at <paramref name="entry"/>'s <see cref="Passwd.Name"/>, inside the buffer. 0 or an errno
    /// number; a uid without entry leaves the result null.
    /// </summary>
    [LibraryImport(Libc, EntryPoint = "getpwuid_r")]
    public static partial int GetPwUid(uint uid, Passwd* entry, byte* buffer, nuint length, Passwd** result);

    /// <summary>getgrouplist: -1 when there are more groups than room; the count is then the room needed.</summary>
    [LibraryImport(Libc, EntryPoint = "getgrouplist")]
    public static partial int GetGroupList(byte* user, uint group, uint* groups, int* count);

    /// <summary>struct passwd of glibc and musl on 64-bit machines.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Passwd
    {
        public byte* Name;
        public byte* Password;
        public uint Uid;
        public uint Gid;
        public byte* Gecos;
        public byte* Home;
        public byte* Shell;
    }
}
