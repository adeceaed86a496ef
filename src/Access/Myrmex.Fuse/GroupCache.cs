using System;
using System.Buffers.Text;
using System.Threading;
using Myrmex.Base;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Fuse;

/// <summary>
/// Supplementary groups of processes, read from /proc when a fop needs them and kept for a few seconds. The kernel
/// sends only
/// uid and gid with a request. A fixed number of entries; a process that falls on an entry of another replaces it.
/// </summary>
internal sealed class GroupCache(IClock clock, long timeoutNs)
{
    private const int StatusBytesMax = 8192;

    private readonly Lock _lock = new(); // Guards the entries; a leaf lock, not held while /proc is read.
    private readonly Entry[] _entries = new Entry[FuseLimits.GroupCacheEntries];

    /// <summary>Gives the call the groups of its process. Root needs none; a process that is gone has none.</summary>
    public void AddTo(Call call)
    {
        if (call.Uid == 0 || call.Pid <= 0)
        {
            return;
        }

        var index = (int)((uint)(call.Pid * 31) ^ call.Uid) & (FuseLimits.GroupCacheEntries - 1);
        var now = clock.MonotonicNs;
        lock (_lock)
        {
            ref var entry = ref _entries[index];
            if (entry.Pid == call.Pid && entry.Uid == call.Uid && entry.UntilNs > now)
            {
                call.SetGroups(entry.Groups.AsSpan(0, entry.Count));
                return;
            }
        }

        Span<uint> groups = stackalloc uint[Call.GroupsMax];
        var count = Read(call.Pid, groups);
        call.SetGroups(groups[..count]);
        lock (_lock)
        {
            ref var entry = ref _entries[index];
            entry.Groups ??= new uint[Call.GroupsMax];
            groups[..count].CopyTo(entry.Groups);
            entry.Count = count;
            entry.Pid = call.Pid;
            entry.Uid = call.Uid;
            entry.UntilNs = now + timeoutNs;
        }
    }

    /// <summary>Parses the "Groups:" line of a /proc/PID/status; answers how many groups were found.</summary>
    internal static int Parse(ReadOnlySpan<byte> status, Span<uint> groups)
    {
        var at = status.IndexOf("\nGroups:"u8);
        if (at < 0)
        {
            return 0;
        }

        var line = status[(at + 8)..];
        var end = line.IndexOf((byte)'\n');
        line = end < 0 ? line : line[..end];
        var count = 0;
        while (count < groups.Length)
        {
            line = line.TrimStart("\t "u8);
            if (!Utf8Parser.TryParse(line, out uint group, out var used))
            {
                break;
            }

            groups[count++] = group;
            line = line[used..];
        }

        return count;
    }

    private static int Read(int pid, Span<uint> groups)
    {
        Span<byte> path = stackalloc byte[32];
        "/proc/"u8.CopyTo(path);
        Utf8Formatter.TryFormat(pid, path[6..], out var digits);
        "/status\0"u8.CopyTo(path[(6 + digits)..]);
        Span<byte> status = stackalloc byte[StatusBytesMax];
        var got = Sys.ReadProcFile(path[..(6 + digits + 8)], status);
        return got <= 0 ? 0 : Parse(status[..got], groups);
    }

    private struct Entry
    {
        public int Pid;
        public uint Uid;
        public long UntilNs;
        public uint[]? Groups;
        public int Count;
    }
}
