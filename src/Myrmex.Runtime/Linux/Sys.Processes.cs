using System;
using System.Collections;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Myrmex.Runtime.Linux;

/// <summary>
/// Child processes without System.Diagnostics.Process: started by the calling thread, with descriptors that they
/// inherit. None of it is for the fop path.
/// </summary>
public static unsafe partial class Sys
{
    public const int SignalUser1 = 10;
    public const int SignalUser2 = 12;

    private const int PrSetParentDeathSignal = 1;
    private const int WaitNoHang = 1;
    private const int MaskBlock = 0;
    private const int MaskUnblock = 1;

    // More than any C library needs for its sigset_t and posix_spawnattr_t.
    private const int SignalSetSize = 128;
    private const int SpawnAttributesSize = 512;

    private const short SpawnSetGroup = 0x02;
    private const short SpawnSetMask = 0x08;

    private const int LimitDescriptors = 7; // RLIMIT_NOFILE

    public static int ParentProcessId => NativeGetParent();

    /// <summary>
    /// Starts a program in a process group of its own, with this process' environment and all descriptors that are not
    /// close-on-exec. Signals that are blocked wait until it unblocks them.
    /// </summary>
    /// <param name="command">The path of the program and its arguments.</param>
    /// <returns>The process id, or negative errno.</returns>
    public static int Spawn(IReadOnlyList<string> command, ReadOnlySpan<int> blocked)
    {
        var set = stackalloc byte[SignalSetSize];
        MakeSet(set, blocked);
        var attributes = stackalloc byte[SpawnAttributesSize];
        _ = NativeSpawnAttributesInit(attributes);
        _ = NativeSpawnAttributesSetFlags(attributes, SpawnSetGroup | SpawnSetMask);
        _ = NativeSpawnAttributesSetGroup(attributes, 0);
        _ = NativeSpawnAttributesSetMask(attributes, set);
        var arguments = new NativeStrings(command);
        var environment = new NativeStrings(EnvironmentWords());
        try
        {
            var pid = 0;
            var error = NativeSpawn(&pid, arguments.First, null, attributes, arguments.Array, environment.Array);
            return error == 0 ? pid : -error;
        }
        finally
        {
            arguments.Free();
            environment.Free();
            _ = NativeSpawnAttributesDestroy(attributes);
        }
    }

    /// <summary>
    /// Puts another program in the place of this one: process id, children and descriptors that are not close-on-exec
    /// stay, and so do signals that are blocked. Returns only when it fails, with negative errno.
    /// </summary>
    public static int Execute(IReadOnlyList<string> command)
    {
        var arguments = new NativeStrings(command);
        var environment = new NativeStrings(EnvironmentWords());
        try
        {
            return Result(NativeExecute(arguments.First, arguments.Array, environment.Array));
        }
        finally
        {
            arguments.Free();
            environment.Free();
        }
    }

    /// <summary>A child that has ended, 0 when none has, or negative errno; ECHILD when there is no child.</summary>
    /// <param name="code">What it ended with: 0 for success, the negative signal that killed it.</param>
    public static int ReapChild(out int code)
    {
        var status = 0;
        var pid = Result(NativeWait(-1, &status, WaitNoHang));
        var signal = status & 0x7F;
        code = signal != 0 ? -signal : (status >> 8) & 0xFF;
        return pid;
    }

    /// <summary>
    /// The kernel sends this process a signal as soon as the thread ends that started it. One that has ended already is
    /// not noticed: compare <see cref="ParentProcessId"/> afterwards.
    /// </summary>
    public static int EndWithParent(int signal) =>
        Result(NativePrctl(PrSetParentDeathSignal, signal, 0, 0, 0));

    /// <summary>Signals that the calling thread does not take for now.</summary>
    public static void BlockSignals(ReadOnlySpan<int> signals) => Mask(MaskBlock, signals);

    /// <summary>What has come for the process meanwhile is delivered.</summary>
    public static void UnblockSignals(ReadOnlySpan<int> signals) => Mask(MaskUnblock, signals);

    /// <summary>
    /// Lets this process, and what it starts, have as many descriptors as the administrator allows (the hard limit).
    /// </summary>
    /// <returns>How many that are, or negative errno.</returns>
    public static long RaiseDescriptorLimit()
    {
        var limits = stackalloc ulong[2]; // rlim_cur, rlim_max.
        var result = Result(NativeGetLimit(LimitDescriptors, limits));
        if (result >= 0 && limits[0] < limits[1])
        {
            limits[0] = limits[1];
            result = Result(NativeSetLimit(LimitDescriptors, limits));
        }

        return result < 0 ? result : (long)Math.Min(limits[0], long.MaxValue);
    }

    private static void Mask(int how, ReadOnlySpan<int> signals)
    {
        var set = stackalloc byte[SignalSetSize];
        MakeSet(set, signals);
        _ = NativeSignalMask(how, set, null);
    }

    private static void MakeSet(byte* set, ReadOnlySpan<int> signals)
    {
        _ = NativeEmptySet(set);
        foreach (var signal in signals)
        {
            _ = NativeAddToSet(set, signal);
        }
    }

    private static List<string> EnvironmentWords()
    {
        var words = new List<string>();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
        {
            words.Add($"{variable.Key}={variable.Value}");
        }

        return words;
    }

    /// <summary>An array of C strings that ends with a null.</summary>
    private readonly struct NativeStrings
    {
        private readonly int _count;

        public NativeStrings(IReadOnlyList<string> words)
        {
            _count = words.Count;
            Array = (byte**)NativeMemory.AllocZeroed((nuint)words.Count + 1, (nuint)sizeof(byte*));
            for (var i = 0; i < words.Count; i++)
            {
                Array[i] = (byte*)Marshal.StringToCoTaskMemUTF8(words[i]);
            }
        }

        public byte** Array { get; }

        public byte* First => Array[0];

        public void Free()
        {
            for (var i = 0; i < _count; i++)
            {
                Marshal.FreeCoTaskMem((nint)Array[i]);
            }

            NativeMemory.Free(Array);
        }
    }

    [LibraryImport(Libc, EntryPoint = "getppid")]
    private static partial int NativeGetParent();

    [LibraryImport(Libc, EntryPoint = "posix_spawn")]
    private static partial int NativeSpawn(
        int* pid, byte* path, void* actions, byte* attributes, byte** arguments, byte** environment);

    [LibraryImport(Libc, EntryPoint = "posix_spawnattr_init")]
    private static partial int NativeSpawnAttributesInit(byte* attributes);

    [LibraryImport(Libc, EntryPoint = "posix_spawnattr_destroy")]
    private static partial int NativeSpawnAttributesDestroy(byte* attributes);

    [LibraryImport(Libc, EntryPoint = "posix_spawnattr_setflags")]
    private static partial int NativeSpawnAttributesSetFlags(byte* attributes, short flags);

    [LibraryImport(Libc, EntryPoint = "posix_spawnattr_setpgroup")]
    private static partial int NativeSpawnAttributesSetGroup(byte* attributes, int group);

    [LibraryImport(Libc, EntryPoint = "posix_spawnattr_setsigmask")]
    private static partial int NativeSpawnAttributesSetMask(byte* attributes, byte* set);

    [LibraryImport(Libc, EntryPoint = "execve", SetLastError = true)]
    private static partial int NativeExecute(byte* path, byte** arguments, byte** environment);

    [LibraryImport(Libc, EntryPoint = "waitpid", SetLastError = true)]
    private static partial int NativeWait(int pid, int* status, int options);

    [LibraryImport(Libc, EntryPoint = "pthread_sigmask")]
    private static partial int NativeSignalMask(int how, byte* set, byte* former);

    [LibraryImport(Libc, EntryPoint = "sigemptyset")]
    private static partial int NativeEmptySet(byte* set);

    [LibraryImport(Libc, EntryPoint = "sigaddset")]
    private static partial int NativeAddToSet(byte* set, int signal);

    [LibraryImport(Libc, EntryPoint = "getrlimit", SetLastError = true)]
    private static partial int NativeGetLimit(int resource, ulong* limits);

    [LibraryImport(Libc, EntryPoint = "setrlimit", SetLastError = true)]
    private static partial int NativeSetLimit(int resource, ulong* limits);
}
