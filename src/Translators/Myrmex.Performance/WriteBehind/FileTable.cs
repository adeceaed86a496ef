using System.Collections.Generic;
using System.Threading;
using Myrmex.Base;

namespace Myrmex.Performance;

/// <summary>The files that somebody has open for writing, by gfid; a file is here as long as it has a handle.</summary>
internal sealed class FileTable(IPendingFileOwner owner, int slot)
{
    private const int ShardCount = 16;

    private readonly Shard[] _shards = MakeShards();

    /// <summary>The handle of an open file, made when missing.</summary>
    public FileHandle HandleOf(in Gfid gfid, Fd fd) => fd.Get(slot) as FileHandle ?? MakeHandle(in gfid, fd);

    /// <summary>The handle of an open file that has been written to; null otherwise.</summary>
    public FileHandle? TryHandleOf(Fd fd) => fd.Get(slot) as FileHandle;

    public PendingFile? Find(in Gfid gfid)
    {
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            return shard.Files.GetValueOrDefault(gfid);
        }
    }

    /// <summary>Ends a handle; the file is forgotten with its last one. No write of it may be pending.</summary>
    public void Drop(FileHandle handle, Fd fd)
    {
        var shard = ShardOf(handle.File.Gfid);
        lock (shard.Guard)
        {
            fd.Set(slot, null);
            if (--handle.File.HandleCount == 0)
            {
                shard.Files.Remove(handle.File.Gfid);
            }
        }
    }

    public List<PendingFile> List()
    {
        var files = new List<PendingFile>();
        foreach (var shard in _shards)
        {
            lock (shard.Guard)
            {
                files.AddRange(shard.Files.Values);
            }
        }

        return files;
    }

    private static Shard[] MakeShards()
    {
        var shards = new Shard[ShardCount];
        for (var i = 0; i < ShardCount; i++)
        {
            shards[i] = new Shard();
        }

        return shards;
    }

    private FileHandle MakeHandle(in Gfid gfid, Fd fd)
    {
        var shard = ShardOf(in gfid);
        lock (shard.Guard)
        {
            if (fd.Get(slot) is FileHandle known)
            {
                return known;
            }

            if (!shard.Files.TryGetValue(gfid, out var file))
            {
                file = new PendingFile(gfid, owner);
                shard.Files.Add(gfid, file);
            }

            file.HandleCount++;
            var handle = new FileHandle(file);
            fd.Set(slot, handle);
            return handle;
        }
    }

    private Shard ShardOf(in Gfid gfid) => _shards[(gfid.GetHashCode() >> 4) & (ShardCount - 1)];

    private sealed class Shard
    {
        /// <summary>Guards the files, the handle counts and the slots of their fds; a leaf lock.</summary>
        public Lock Guard { get; } = new();

        public Dictionary<Gfid, PendingFile> Files { get; } = [];
    }
}
