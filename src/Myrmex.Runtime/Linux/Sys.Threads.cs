using System;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>Parking and pinning of threads, and the memory of the process.</summary>
public static unsafe partial class Sys
{
    private const int FutexWaitPrivate = 128;
    private const int FutexWakePrivate = 129;

    private static readonly nint FutexNumber = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 202 : 98;

    /// <summary>Sleeps while the word is <paramref name="expected"/>; may also return early, so check again.</summary>
    public static int FutexWait(int* word, int expected) =>
        Result((int)NativeSyscall(FutexNumber, (nint)word, FutexWaitPrivate, expected, 0, 0, 0));

    /// <summary>Wakes up to <paramref name="count"/> sleepers on the word.</summary>
    public static int FutexWake(int* word, int count) =>
        Result((int)NativeSyscall(FutexNumber, (nint)word, FutexWakePrivate, count, 0, 0, 0));

    /// <summary>Binds the calling thread to one processor.</summary>
    public static int PinThread(int cpu)
    {
        Span<byte> mask = stackalloc byte[128];
        mask.Clear();
        mask[cpu >> 3] = (byte)(1 << (cpu & 7));
        fixed (byte* pointer = mask)
        {
            return Result(NativeSchedSetAffinity(0, mask.Length, pointer));
        }
    }

    /// <summary>Gives free memory of the C heap back to the system, where the C library can.</summary>
    public static void TrimHeap()
    {
        try
        {
            _ = NativeMallocTrim(0);
        }
        catch (EntryPointNotFoundException)
        {
            // Only glibc has it.
        }
    }

    // syscall is variadic in C; on Linux x86-64 and arm64 integer arguments are passed like fixed ones.
    [LibraryImport(Libc, EntryPoint = "syscall", SetLastError = true)]
    private static partial nint NativeSyscall(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    [LibraryImport(Libc, EntryPoint = "malloc_trim")]
    private static partial int NativeMallocTrim(nint keep);

    [LibraryImport(Libc, EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int NativeSchedSetAffinity(int thread, nint size, byte* mask);
}
