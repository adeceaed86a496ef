using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>struct mallinfo2 of glibc, field for field; bytes and counts. Source: mallinfo(3).</summary>
[StructLayout(LayoutKind.Sequential)]
public struct MallocInfo
{
    public nuint Arena;
    public nuint Ordblks;
    public nuint Smblks;
    public nuint Hblks;
    public nuint Hblkhd;
    public nuint Usmblks;
    public nuint Fsmblks;
    public nuint Uordblks;
    public nuint Fordblks;
    public nuint Keepcost;
}
