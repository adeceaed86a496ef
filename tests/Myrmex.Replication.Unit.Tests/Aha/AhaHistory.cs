using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.AhaTests;

/// <summary>
/// Several users of one client at once, while proxies die, freeze, are cut off, drain and lose answers, all by a seed;
/// then all answers are compared with what the volume holds. Problems are collected instead of thrown.
/// </summary>
internal sealed class AhaHistory
{
    private const int Users = 6;
    private const int FopsOfAUser = 50;
    private const int Names = 40;
    private const long TroubleNs = 25_000_000_000;

    private readonly SimRandom _random;
    private readonly List<Fd> _logs = [];
    private readonly List<Fd> _directories = [];
    private readonly List<long>[] _written = [.. Enumerable.Range(0, Users).Select(_ => new List<long>())];
    private long _counted;
    private long _ids;
    private bool _isQuiet = true;

    public AhaHistory(ulong seed)
    {
        _random = new SimRandom(seed * 7919);
        Bed = new AhaBed(seed, 2 + _random.Below(3), options: ("wait", "0"));
        foreach (var proxy in Bed.Proxies)
        {
            proxy.DelayMsMax = 1 + _random.Below(15);
            var losesOneIn = 5 + _random.Below(60);
            proxy.Executed = code => !_isQuiet && code != FopCode.Stat && _random.Below(losesOneIn) == 0 && Lose(proxy);
        }
    }

    public AhaBed Bed { get; }

    public int Troubles { get; private set; }

    public long LongestNs { get; private set; }

    public SortedSet<string> Problems { get; } = new(StringComparer.Ordinal);

    public void Run()
    {
        var shared = Bed.Create("log", OpenFlags.ReadWrite | OpenFlags.Append);
        for (var i = 0; i < Names; i++)
        {
            var fop = AhaBed.MknodOf($"fixed-{i}");
            Assert.Equal(Errno.Ok, Bed.Do((c, call) => c.Mknod(fop, call)));
        }

        for (var user = 0; user < Users; user++)
        {
            var directory = Bed.NewFd(Gfid.Root, isDirectory: true);
            Assert.Equal(
                Errno.Ok, Bed.Do((c, call) => c.Opendir(new OpendirFop { Gfid = Gfid.Root, Fd = directory }, call)));
            _directories.Add(directory);
            _logs.Add(Bed.Create($"log-{user}"));
            Assert.Equal(Errno.Ok, Bed.Lock(shared, (ulong)user + 1, user));
        }

        var all = Enumerable.Range(0, Users).Select(user => Bed.Begin(() => UseAsync(user, shared))).ToList();
        _isQuiet = false;
        ScheduleTrouble();
        Assert.True(Bed.World.RunUntil(() => all.TrueForAll(t => t.IsCompleted), 900_000), "a user waits for ever");
        all.ForEach(t => t.GetAwaiter().GetResult());
        CheckEnd(shared);
    }

    private bool Lose(ProxyNode proxy)
    {
        Bed.World.After(0, () => Bed.World.Network.DropLinks(Bed.Node, proxy.Node));
        return true;
    }

    private void ScheduleTrouble() => Bed.World.After(_random.Below(700), () =>
    {
        if (Bed.World.NowNs > TroubleNs)
        {
            Calm();
            return;
        }

        Trouble(Bed.Proxies[_random.Below(Bed.Proxies.Length)]);
        ScheduleTrouble();
    });

    private void Trouble(ProxyNode proxy)
    {
        if (!proxy.Node.IsUp)
        {
            return;
        }

        Troubles++;
        switch (_random.Below(6))
        {
            case 0 or 1:
                proxy.Crash(_random.Chance(0.7) ? SimCrash.Process : SimCrash.Power, _random.Below(500));
                Bed.World.After(_random.Below(3_000), proxy.Restart);
                break;
            case 2:
                proxy.Node.Freeze(_random.Below(6_000));
                break;
            case 3:
                Bed.World.Network.Cut(Bed.Node, proxy.Node);
                Bed.World.After(_random.Below(5_000), () => Bed.World.Network.Mend(Bed.Node, proxy.Node));
                break;
            case 4:
                Bed.World.Network.DropLinks(Bed.Node, proxy.Node);
                break;
            default:
                proxy.IsDraining = true;
                Bed.World.After(_random.Below(3_000), () => proxy.IsDraining = false);
                break;
        }
    }

    private void Calm()
    {
        _isQuiet = true;
        Bed.World.Network.MendAll();
        foreach (var proxy in Bed.Proxies)
        {
            proxy.Restart();
            proxy.IsDraining = false;
        }
    }

    private async Task<bool> UseAsync(int user, Fd shared)
    {
        var call = AhaBed.CallOf((ulong)user + 1);
        for (var i = 0; i < FopsOfAUser; i++)
        {
            var beganNs = Bed.World.NowNs;
            await DoAsync(user, $"{user}-{i}", shared, call);
            LongestNs = Math.Max(LongestNs, Bed.World.NowNs - beganNs);
            await PauseAsync(_random.Below(700));
        }

        while (!_isQuiet)
        {
            await PauseAsync(500);
        }

        await CountAsync(shared.Gfid, call);
        return true;
    }

    private Task DoAsync(int user, string name, Fd shared, Call call) => _random.Below(7) switch
    {
        0 => CountAsync(shared.Gfid, call),
        1 => AppendAsync(shared, call),
        2 or 3 => WriteAsync(user, call),
        4 => NamesAsync(name, call),
        5 => ListAsync(_directories[user], call),
        _ => MakeAsync(name, call),
    };

    private async Task CountAsync(Gfid gfid, Call call)
    {
        var values = XData.Rent();
        values.SetBytes("trusted.count"u8, [0, 0, 0, 1]);
        var fop = new XattropFop { Gfid = gfid, Kind = XattropKind.AddArray32, Values = values };
        Expect("XATTROP", await OutcomeOf(Bed.Client.Xattrop(fop, call)));
        _counted++;
        values.Release();
    }

    private async Task AppendAsync(Fd shared, Call call)
    {
        var data = Payload.CopyOf(BitConverter.GetBytes(++_ids));
        var fop = new WriteFop { Gfid = shared.Gfid, Fd = shared, Data = data };
        Expect("append", await OutcomeOf(Bed.Client.Write(fop, call)));
        data.Release();
    }

    /// <summary>Two writes to one place, one after the other: the second must win, whatever comes late.</summary>
    private async Task WriteAsync(int user, Call call)
    {
        var log = _logs[user];
        var id = ++_ids;
        for (var i = 0; i < 2; i++)
        {
            var data = Payload.CopyOf(BitConverter.GetBytes(i == 0 ? -id : id));
            var fop = new WriteFop
            {
                Gfid = log.Gfid,
                Fd = log,
                Offset = _written[user].Count * 8L,
                Data = data,
            };
            Expect("WRITE", await OutcomeOf(Bed.Client.Write(fop, call)));
            data.Release();
        }

        _written[user].Add(id);
        Expect("FSYNC", await OutcomeOf(Bed.Client.Fsync(new FsyncFop { Gfid = log.Gfid, Fd = log }, call)));
    }

    /// <summary>A name of its own is made, moved, linked and removed: a second execution of any would be refused.</summary>
    private async Task NamesAsync(string name, Call call)
    {
        Expect("MKNOD", await OutcomeOf(Bed.Client.Mknod(AhaBed.MknodOf(name), call)));
        var rename = new RenameFop
        {
            OldParent = Gfid.Root,
            OldName = name,
            NewParent = Gfid.Root,
            NewName = name + "-moved",
        };
        Expect("RENAME", await OutcomeOf(Bed.Client.Rename(rename, call)));
        var link = new LinkFop { Gfid = AhaBed.GfidOf(name), NewParent = Gfid.Root, NewName = name + "-link" };
        Expect("LINK", await OutcomeOf(Bed.Client.Link(link, call)));
        foreach (var left in new[] { "-moved", "-link" })
        {
            var unlink = new UnlinkFop { Parent = Gfid.Root, Name = name + left };
            Expect("UNLINK", await OutcomeOf(Bed.Client.Unlink(unlink, call)));
        }
    }

    /// <summary>A file is made, must not be there before, is written through its fd and stays.</summary>
    private async Task MakeAsync(string name, Call call)
    {
        var fd = Bed.NewFd(Gfid.Null);
        Expect("CREATE", await OutcomeOf(Bed.Client.Create(AhaBed.CreateOf("made-" + name, fd), call)));
        var data = Payload.CopyOf([1, 2, 3]);
        var write = new WriteFop { Gfid = fd.Gfid, Fd = fd, Data = data };
        Expect("WRITE", await OutcomeOf(Bed.Client.Write(write, call)));
        data.Release();
        Expect("FLUSH", await OutcomeOf(Bed.Client.Flush(new FlushFop { Gfid = fd.Gfid, Fd = fd }, call)));
        Expect("RELEASE", await OutcomeOf(Bed.Client.Release(new ReleaseFop { Gfid = fd.Gfid, Fd = fd }, call)));
    }

    /// <summary>What is in the directory all the time is listed once.</summary>
    private async Task ListAsync(Fd directory, Call call)
    {
        var found = new List<string>();
        for (var offset = 0L; ;)
        {
            var ask = new ReaddirFop { Gfid = directory.Gfid, Fd = directory, Offset = offset, Size = 512 };
            var reply = await Bed.Client.Readdir(ask, call);
            Expect("READDIR", reply.Error);
            for (var i = 0; reply.IsOk && i < reply.Entries.Count; i++)
            {
                found.Add(reply.Entries.NameOf(i).ToString());
                offset = (long)reply.Entries[i].Offset;
            }

            var isEnd = !reply.IsOk || reply.Entries.Count == 0;
            reply.Release();
            if (isEnd)
            {
                break;
            }
        }

        if (found.Count(n => n.StartsWith("fixed-", StringComparison.Ordinal)) != Names
            || found.Distinct(StringComparer.Ordinal).Count() != found.Count)
        {
            Problems.Add("a listing is not complete, or has a name twice");
        }
    }

    private void Expect(string fop, Errno error)
    {
        if (error != Errno.Ok)
        {
            Problems.Add($"{fop} answers {error}");
        }
    }

    private void CheckEnd(Fd shared)
    {
        Bed.World.RunFor(60_000);
        for (var user = 0; user < Users; user++)
        {
            if (!_written[user].SelectMany(BitConverter.GetBytes).SequenceEqual(Bed.ReadAll(_logs[user])))
            {
                Problems.Add("a file has not what was written last");
            }

            if (Bed.IsFree(shared.Gfid, user))
            {
                Problems.Add("a lock is not held");
            }
        }

        var log = Bed.ReadAll(shared).Chunk(8).Select(b => BitConverter.ToInt64(b)).ToList();
        if (log.Distinct().Count() != log.Count || log.Count != _ids - _written.Sum(w => w.Count))
        {
            Problems.Add("an append took effect twice, or not at all");
        }

        if (Count(shared.Gfid) != _counted)
        {
            Problems.Add("a count took effect twice, or not at all");
        }

        if (Bed.Get("kept.fops") != "0" || Bed.Get("kept.bytes") != "0" || Bed.Get("kept.waiting") != "0"
            || Bed.Get("kept.in-order") != "0" || Bed.Get("session.outstanding") != "0")
        {
            Problems.Add("something is still kept");
        }
    }

    private long Count(Gfid gfid)
    {
        var call = new Call();
        var reply = Bed.Store.Volume.Getxattr(new GetxattrFop { Gfid = gfid, Name = "trusted.count" }, call).Result;
        reply.Values!.TryGetBytes("trusted.count"u8, out var bytes);
        return System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes);
    }

    private Task PauseAsync(long ms)
    {
        var pause = new TaskCompletionSource();
        Bed.Node.Seams.Scheduler.Schedule(ms, pause.SetResult);
        return pause.Task;
    }

    private static async ValueTask<Errno> OutcomeOf<TReply>(ValueTask<TReply> task)
        where TReply : Reply
    {
        var reply = await task;
        var error = reply.Error;
        reply.Release();
        return error;
    }
}
