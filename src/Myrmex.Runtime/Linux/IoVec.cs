using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>struct iovec: one piece of a gathering or scattering call.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct IoVec(byte* address, nint length)
{
    public byte* Address = address;
    public nint Length = length;
}
