using System;
using System.Collections.Generic;
using System.Text;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Features.Outcomes;
using Myrmex.Graph;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>A plain volume whose bricks remember outcomes, and the proxies in front of it.</summary>
internal sealed class ChangeVolume
{
    /// <summary>The session of the only client.</summary>
    public static readonly UInt128 Session = new(0x0102030405060708, 0x1112131415161718);

    private readonly List<Translator> _outcomes = [];

    public ChangeVolume(int bricks)
    {
        Bricks = new DhtBricks(bricks);
        for (var i = 0; i < bricks; i++)
        {
            RestartBrick(i);
        }

        Bricks.Clock.Advance(60_000_000_000); // The bricks have been up for longer than any change is old.
        Plain = new DhtVolume(Bricks);
    }

    public DhtBricks Bricks { get; }

    /// <summary>A client without proxy, for what happens before and for looking afterwards.</summary>
    public DhtVolume Plain { get; }

    /// <summary>The brick process has been started again: it remembers nothing.</summary>
    public void RestartBrick(int brick)
    {
        var top = new Outcomes(Bricks.Place($"outcomes-{brick}", [Bricks.Rules[brick]], [], []));
        if (_outcomes.Count <= brick)
        {
            _outcomes.Add(top);
        }

        _outcomes[brick] = top;
        Bricks.Tops[brick] = top;
    }

    /// <summary>A proxy that has just started.</summary>
    public async Task<DhtVolume> ProxyAsync(ProxyState state)
    {
        for (var i = 0; i < _outcomes.Count; i++)
        {
            Bricks.Tops[i] = new ChangeWire(Bricks.Place($"wire-{i}", [_outcomes[i]], [], []), state);
            state.Bricks.Add(_outcomes[i]);
        }

        var volume = new DhtVolume(Bricks);
        for (var i = 0; i < _outcomes.Count; i++)
        {
            Bricks.Tops[i] = _outcomes[i];
        }

        return await volume.MountAsync();
    }

    /// <summary>The call of a change as a proxy gets it.</summary>
    /// <param name="rival">The number of another client that has changes, too; 0 for the usual one.</param>
    public Call NewCall(ulong number, bool mayBeKnown, long ageMs = 0, uint rival = 0)
    {
        var call = DhtVolume.NewCall();
        call.Change = new Change(Session + rival, number, 0, mayBeKnown)
        {
            SentNs = Bricks.Clock.MonotonicNs - (ageMs * 1_000_000),
        };
        return call;
    }

    /// <summary>Everything that lies on the bricks, without times.</summary>
    public string Describe()
    {
        var text = new StringBuilder();
        for (var i = 0; i < Bricks.Memory.Count; i++)
        {
            text.Append("brick ").Append(i).Append('\n');
            DescribeDirectory(text, i, Gfid.Root, "/");
        }

        return text.ToString();
    }

    /// <summary>Nobody holds a lock that a plan takes: neither on a name, nor on a layout, nor on a file.</summary>
    public async Task AssertNoLocksAsync(IEnumerable<Gfid> gfids, IEnumerable<string> names)
    {
        var call = DhtVolume.NewCall();
        call.Client = new ClientIdentity("stranger", "test");
        call.LockOwner = LkOwner.From(77);
        foreach (var brick in _outcomes)
        {
            foreach (var gfid in gfids)
            {
                foreach (var domain in new[] { "dht.layout.heal", "dht.file.migrate" })
                {
                    var flock = new Flock(LockType.Write, 0, 0, 0, 0, default);
                    var inode = new InodelkFop
                    {
                        Gfid = gfid,
                        Command = LockCommand.SetLock,
                        Type = LockType.Write,
                        Flock = flock,
                        Domain = domain,
                    };
                    var reply = await brick.Inodelk(in inode, call);
                    Assert.True(reply.Error != Errno.EAGAIN, $"{domain} of {gfid} is locked");
                    reply.Release();
                }
            }

            foreach (var name in names)
            {
                var entry = new EntrylkFop
                {
                    Gfid = Gfid.Root,
                    Command = EntryLockCommand.LockNonBlocking,
                    Type = LockType.Write,
                    Name = name,
                    NameLength = (ulong)name.Length,
                    Domain = "dht.entry.sync",
                };
                var reply = await brick.Entrylk(in entry, call);
                Assert.True(reply.Error != Errno.EAGAIN, $"{name} is locked");
                reply.Release();
            }

            brick.ClientGone(call.Client);
        }

        call.Release();
    }

    private void DescribeDirectory(StringBuilder text, int brick, Gfid gfid, string path)
    {
        var fd = Plain.NewFd(gfid, isDirectory: true);
        var ask = new ReaddirpFop { Gfid = gfid, Fd = fd, Size = 1 << 20 };
        var reply = Bricks.Memory[brick].Readdirp(in ask, DhtVolume.NewCall()).AsTask().Result;
        Assert.Equal(Errno.Ok, reply.Error);
        var names = new SortedSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < reply.Entries.Count; i++)
        {
            if (!reply.Entries.NameOf(i).IsDotOrDotDot)
            {
                names.Add(reply.Entries.NameOf(i).ToString());
            }
        }

        reply.Release();
        foreach (var name in names)
        {
            var (error, iatt, linkTo) = Plain.OnBrick(brick, gfid, name);
            Assert.Equal(Errno.Ok, error);
            text.Append($"{path}{name} {iatt.Gfid} {iatt.Mode:x} {iatt.Uid} {iatt.Size}");
            text.Append($" {(iatt.IsDirectory ? 0 : iatt.Nlink)} {linkTo} {Values(brick, iatt)}\n");
            if (iatt.IsDirectory)
            {
                DescribeDirectory(text, brick, iatt.Gfid, $"{path}{name}/");
            }
        }
    }

    /// <summary>The user's attributes, and the content.</summary>
    private string Values(int brick, Iatt iatt)
    {
        var get = Bricks.Memory[brick].Getxattr(new GetxattrFop { Gfid = iatt.Gfid }, DhtVolume.NewCall()).AsTask().Result;
        var values = new SortedSet<string>(StringComparer.Ordinal);
        if (get.IsOk && get.Values is not null)
        {
            foreach (var pair in get.Values)
            {
                var key = Encoding.UTF8.GetString(pair.Key);
                if (key.StartsWith("user.", StringComparison.Ordinal) || key.EndsWith("dht.mds", StringComparison.Ordinal))
                {
                    values.Add($"{key}={Convert.ToHexString(pair.Value)}");
                }
            }
        }

        get.Release();
        if (!iatt.IsRegular)
        {
            return string.Join(',', values);
        }

        var fd = Plain.NewFd(iatt.Gfid);
        var read = Bricks.Memory[brick].Read(
            new ReadFop { Gfid = iatt.Gfid, Fd = Fd.Anonymous(iatt.Gfid), Size = 4096 }, DhtVolume.NewCall()).AsTask().Result;
        values.Add(read.IsOk ? Encoding.UTF8.GetString(read.Data.Span) : read.Error.ToString());
        read.Release();
        return string.Join(',', values);
    }
}
