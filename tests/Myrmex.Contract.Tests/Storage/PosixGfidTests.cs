using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime;
using Xunit;

namespace Myrmex.Contract.Tests.Storage;

/// <summary>Clients that give one gfid to many inodes at once: one of these has it, at any time.</summary>
[Trait("Tier", "contract")]
public sealed class PosixGfidTests : IDisposable
{
    private const int Clients = 4;
    private const int Rounds = 600;

    private readonly StorageRig _rig = PosixRig.Started();
    private readonly Gfid[] _gfids = [StorageRig.NewGfid(), StorageRig.NewGfid()];
    private int _made;

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task AGfidIsNeverThatOfTwoInodes()
    {
        using var log = new System.IO.StringWriter();
        Log.WriteTo(System.IO.TextWriter.Synchronized(log));
        using var over = new CancellationTokenSource();
        var looking = Begin(() => LookAround(over.Token));
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(n => Begin(() => MakeAndRemove(n))));
        await over.CancelAsync();
        await looking;
        Log.WriteTo(null);
        Assert.DoesNotContain("gfid", string.Concat(log.ToString().Split('\n').Where(l => l.Contains(" E posix")))); // What is on its way is no fault.
        Assert.True(_made > Rounds / 4);
        var names = _rig.List(Gfid.Root).Select(e => e.Name).ToList();
        var found = names.Select(n => _rig.Lookup(Gfid.Root, n)).ToList();
        Assert.Distinct(found.Select(i => i.Gfid));
        for (var i = 0; i < names.Count; i++)
        {
            Assert.Equal(found[i].Gfid, _rig.Stat(found[i].Gfid).Gfid); // By its handle.
            Assert.Equal(Errno.Ok, Remove(names[i], found[i].Type == FileMode.Directory, _rig.Caller));
        }

        Assert.All(_gfids, g => Assert.Equal(Errno.ESTALE, _rig.TryStat(g)));
        Assert.All(_gfids, g =>
        {
            Assert.Equal(Errno.Ok, MakeFile("last", g, _rig.Caller));
            Assert.Equal(Errno.Ok, Remove("last", isDirectory: false, _rig.Caller));
        });
    }

    private static Task Begin(Action work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>At names that are being made, and taken away again when their gfid is in use.</summary>
    private void LookAround(CancellationToken over)
    {
        var call = new Call();
        for (var i = 0; !over.IsCancellationRequested; i++)
        {
            _ = StorageRig.Outcome(_rig.Store.Lookup(
                new LookupFop { Parent = Gfid.Root, Name = $"{i / 2 % Clients}-{i % 2}" }, call));
        }
    }

    private void MakeAndRemove(int client)
    {
        var random = new Random(client);
        var call = new Call();
        for (var round = 0; round < Rounds; round++)
        {
            var name = $"{client}-{random.Next(2)}";
            var gfid = _gfids[random.Next(_gfids.Length)];
            var isDirectory = random.Next(3) == 0;
            var error = isDirectory ? MakeDirectory(name, gfid, call) : MakeFile(name, gfid, call);
            Assert.True(error is Errno.Ok or Errno.EEXIST, $"{error}");
            if (error == Errno.Ok)
            {
                Interlocked.Increment(ref _made);
            }

            // Of another's name, which may be on its way.
            _ = StorageRig.Outcome(_rig.Store.Lookup(
                new LookupFop { Parent = Gfid.Root, Name = $"{random.Next(Clients)}-{random.Next(2)}" }, call));
            if (random.Next(4) > 0)
            {
                error = Remove(name, isDirectory: false, call);
                error = error == Errno.EISDIR ? Remove(name, isDirectory: true, call) : error;
                Assert.True(error is Errno.Ok or Errno.ENOENT, $"{error}");
            }
        }
    }

    private Errno MakeFile(string name, Gfid gfid, Call call)
    {
        const uint Flags = OpenFlags.ReadWrite | OpenFlags.Exclusive;
        var fd = _rig.NewFd(gfid, Flags);
        var error = StorageRig.Outcome(_rig.Store.Create(
            new CreateFop
            {
                Parent = Gfid.Root,
                Name = name,
                Mode = 0x1A4,
                Flags = Flags,
                Fd = fd,
                XData = StorageRig.WithGfid(gfid),
            },
            call));
        if (error == Errno.Ok)
        {
            _rig.Release(fd);
        }

        return error;
    }

    private Errno MakeDirectory(string name, Gfid gfid, Call call) => StorageRig.Outcome(_rig.Store.Mkdir(
        new MkdirFop { Parent = Gfid.Root, Name = name, Mode = 0x1ED, XData = StorageRig.WithGfid(gfid) }, call));

    private Errno Remove(string name, bool isDirectory, Call call) => isDirectory
        ? StorageRig.Outcome(_rig.Store.Rmdir(new RmdirFop { Parent = Gfid.Root, Name = name }, call))
        : StorageRig.Outcome(_rig.Store.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = name }, call));
}
