using System;
using System.Collections.Generic;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Runtime;
using Myrmex.Runtime.Linux;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>A store under test: one leaf translator, and short forms of the fops that wait for the answer.</summary>
public abstract class StorageRig : IDisposable
{
    private static readonly LinuxRuntime Runtime = new(new LinuxRuntimeOptions { Reactors = 1, Workers = 4, Name = "contract" });

    private TranslatorGraph? _graph;

    protected static Seams Seams => Runtime.Seams;

    public TranslatorGraph Graph => _graph ?? throw new InvalidOperationException("not started");

    public Translator Store => Graph.Top;

    /// <summary>Whose fops the short forms send.</summary>
    public Call Caller { get; } = new();

    /// <summary>The store has a directory on a local file system.</summary>
    public virtual string? Directory => null;

    /// <summary>Times are stored for every inode, whether the client stamps them or not.</summary>
    public virtual bool StampsEveryInode => false;

    protected abstract VolfileDocument Document { get; }

    protected abstract IReadOnlyList<TranslatorRegistration> Types { get; }

    public void Start()
    {
        _graph = TranslatorGraph.Build(Document, Types, Seams, new GraphOrigin());
        _graph.Start();
    }

    /// <summary>Ends the store and begins again on what it left.</summary>
    public void Restart()
    {
        Graph.Stop();
        Start();
    }

    public virtual void Dispose()
    {
        _graph?.Stop();
        GC.SuppressFinalize(this);
    }

    public static Gfid NewGfid() => Seams.NewGfid();

    /// <summary>The answer of a fop, which may come from a worker.</summary>
    public static TReply Wait<TReply>(ValueTask<TReply> task) => task.AsTask().GetAwaiter().GetResult();

    /// <summary>Takes the answer of a fop that must succeed, and its iatt with <paramref name="take"/>.</summary>
    public static T Ok<TReply, T>(ValueTask<TReply> task, Func<TReply, T> take)
        where TReply : Reply
    {
        var reply = Wait(task);
        Xunit.Assert.Equal(Errno.Ok, reply.Error);
        var taken = take(reply);
        reply.Release();
        return taken;
    }

    /// <summary>The outcome of a fop.</summary>
    public static Errno Outcome<TReply>(ValueTask<TReply> task)
        where TReply : Reply
    {
        var reply = Wait(task);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    public static Name Bytes(params byte[] bytes) => new(bytes);

    public Fd NewFd(Gfid gfid, uint flags = OpenFlags.ReadWrite, bool isDirectory = false) =>
        new(gfid, flags, isDirectory, Graph.SlotCount);

    public static XData WithGfid(Gfid gfid)
    {
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, gfid);
        return xdata;
    }

    public Gfid Mkdir(Gfid parent, Name name, uint mode = 0x1ED, Gfid gfid = default)
    {
        gfid = gfid.IsNull ? NewGfid() : gfid;
        return Ok(
            Store.Mkdir(new MkdirFop { Parent = parent, Name = name, Mode = mode, XData = WithGfid(gfid) }, Caller),
            r => r.Iatt.Gfid);
    }

    public Gfid Mknod(Gfid parent, Name name, uint mode = FileMode.Regular | 0x1A4, Gfid gfid = default)
    {
        gfid = gfid.IsNull ? NewGfid() : gfid;
        return Ok(
            Store.Mknod(new MknodFop { Parent = parent, Name = name, Mode = mode, XData = WithGfid(gfid) }, Caller),
            r => r.Iatt.Gfid);
    }

    public Gfid Symlink(Gfid parent, Name name, Name target) => Ok(
        Store.Symlink(new SymlinkFop { Parent = parent, Name = name, Target = target, XData = WithGfid(NewGfid()) }, Caller),
        r => r.Iatt.Gfid);

    public Fd Create(Gfid parent, Name name, uint mode = 0x1A4, uint flags = OpenFlags.ReadWrite)
    {
        var gfid = NewGfid();
        var fd = NewFd(gfid, flags);
        fd.Gfid = Ok(
            Store.Create(
                new CreateFop { Parent = parent, Name = name, Mode = mode, Flags = flags, Fd = fd, XData = WithGfid(gfid) }, Caller),
            r => r.Iatt.Gfid);
        return fd;
    }

    /// <summary>A closed file with content.</summary>
    public Gfid File(Gfid parent, Name name, string content = "")
    {
        var fd = Create(parent, name);
        if (content.Length > 0)
        {
            Write(fd, 0, content);
        }

        Release(fd);
        return fd.Gfid;
    }

    public Fd Open(Gfid gfid, uint flags = OpenFlags.ReadWrite)
    {
        var fd = NewFd(gfid, flags);
        Ok(Store.Open(new OpenFop { Gfid = gfid, Flags = flags, Fd = fd }, Caller), r => r.Error);
        return fd;
    }

    public Fd Opendir(Gfid gfid)
    {
        var fd = NewFd(gfid, OpenFlags.ReadOnly, isDirectory: true);
        Ok(Store.Opendir(new OpendirFop { Gfid = gfid, Fd = fd }, Caller), r => r.Error);
        return fd;
    }

    public void Release(Fd fd)
    {
        if (fd.IsDirectory)
        {
            Ok(Store.Releasedir(new ReleasedirFop { Gfid = fd.Gfid, Fd = fd }, Caller), r => r.Error);
        }
        else
        {
            Ok(Store.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, Caller), r => r.Error);
        }
    }

    public int Write(Fd fd, long offset, string content, uint flags = 0) =>
        Write(fd, offset, Encoding.UTF8.GetBytes(content), flags);

    public int Write(Fd fd, long offset, ReadOnlySpan<byte> content, uint flags = 0)
    {
        var data = Payload.CopyOf(content);
        var written = Ok(
            Store.Write(new WriteFop { Gfid = fd.Gfid, Fd = fd, Offset = offset, Data = data, Flags = flags }, Caller), r => r.OpRet);
        data.Release();
        return written;
    }

    public byte[] Read(Fd fd, long offset = 0, uint size = 65536, uint flags = 0) => Ok(
        Store.Read(new ReadFop { Gfid = fd.Gfid, Fd = fd, Offset = offset, Size = size, Flags = flags }, Caller),
        r => r.Data.Span.ToArray());

    public string Text(Gfid gfid) => Encoding.UTF8.GetString(Read(Fd.Anonymous(gfid)));

    public Iatt Stat(Gfid gfid) => Ok(Store.Stat(new StatFop { Gfid = gfid }, Caller), r => r.Iatt);

    public Iatt Lookup(Gfid parent, Name name) =>
        Ok(Store.Lookup(new LookupFop { Parent = parent, Name = name }, Caller), r => r.Iatt);

    public Errno TryLookup(Gfid parent, Name name) =>
        Outcome(Store.Lookup(new LookupFop { Parent = parent, Name = name }, Caller));

    public Errno TryStat(Gfid gfid) => Outcome(Store.Stat(new StatFop { Gfid = gfid }, Caller));

    public Errno Unlink(Gfid parent, Name name, XData? xdata = null) =>
        Outcome(Store.Unlink(new UnlinkFop { Parent = parent, Name = name, XData = xdata }, Caller));

    public Errno Rmdir(Gfid parent, Name name, int flags = 0) =>
        Outcome(Store.Rmdir(new RmdirFop { Parent = parent, Name = name, Flags = flags }, Caller));

    public Errno Rename(Gfid oldParent, Name oldName, Gfid newParent, Name newName) => Outcome(Store.Rename(
        new RenameFop { OldParent = oldParent, OldName = oldName, NewParent = newParent, NewName = newName }, Caller));

    public Errno Link(Gfid gfid, Gfid parent, Name name) =>
        Outcome(Store.Link(new LinkFop { Gfid = gfid, NewParent = parent, NewName = name }, Caller));

    public Errno Setxattr(Gfid gfid, string name, byte[] value, uint flags = 0)
    {
        var values = XData.Rent();
        values.SetBytes(Encoding.UTF8.GetBytes(name), value);
        return Outcome(Store.Setxattr(new SetxattrFop { Gfid = gfid, Values = values, Flags = flags }, Caller));
    }

    /// <summary>The value, or null when the fop failed with ENODATA.</summary>
    public byte[]? Getxattr(Gfid gfid, string name)
    {
        var reply = Wait(Store.Getxattr(new GetxattrFop { Gfid = gfid, Name = name, NameLength = (uint)name.Length }, Caller));
        byte[]? value = null;
        if (reply.IsOk)
        {
            Xunit.Assert.True(reply.Values!.TryGetBytes(Encoding.UTF8.GetBytes(name), out var bytes));
            value = bytes.ToArray();
        }
        else
        {
            Xunit.Assert.Equal(Errno.ENODATA, reply.Error);
        }

        reply.Release();
        return value;
    }

    public Errno TryGetxattr(Gfid gfid, string name) =>
        Outcome(Store.Getxattr(new GetxattrFop { Gfid = gfid, Name = name, NameLength = (uint)name.Length }, Caller));

    /// <summary>Names and types of a directory in the order of the listing, "." and ".." left out.</summary>
    public List<(string Name, uint Type, ulong Ino)> List(Gfid gfid, uint size = 4096)
    {
        var fd = Opendir(gfid);
        var all = new List<(string Name, uint Type, ulong Ino)>();
        ulong offset = 0;
        for (var isAtEnd = false; !isAtEnd;)
        {
            var reply = Wait(Store.Readdir(new ReaddirFop { Gfid = gfid, Fd = fd, Offset = (long)offset, Size = size }, Caller));
            Xunit.Assert.Equal(Errno.Ok, reply.Error);
            for (var i = 0; i < reply.Entries.Count; i++)
            {
                var name = Encoding.Latin1.GetString(reply.Entries.NameOf(i).Span);
                Xunit.Assert.NotEqual(0u, reply.Entries[i].Ino);
                Xunit.Assert.True(reply.Entries[i].Offset <= long.MaxValue);
                offset = reply.Entries[i].Offset;
                if (name is not ("." or ".."))
                {
                    all.Add((name, reply.Entries[i].Type, reply.Entries[i].Ino));
                }
            }

            isAtEnd = reply.Entries.Count == 0 || reply.Hint == Errno.ENOENT;
            reply.Release();
        }

        Release(fd);
        return all;
    }
}
