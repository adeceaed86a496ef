using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>
/// Several users of one client at once, while leaders change, links break and answers get lost, all by a seed; then all
/// answers are compared with what took effect. Problems are collected instead of thrown.
/// </summary>
internal sealed class History
{
    private const int Users = 8;
    private const int FopsOfAUser = 60;

    private readonly SimRandom _random;
    private readonly HashSet<long> _written = [];
    private readonly HashSet<long> _doubtful = [];
    private readonly List<(long Id, long Place)> _placed = [];
    private readonly List<Fd> _fds = [];
    private long _counterSeen; // The highest count that somebody was told.
    private long _counted;
    private long _countsInDoubt;
    private long _writes;
    private bool _isQuiet;

    public History(ulong seed, bool evicts = false)
    {
        _random = new SimRandom(seed * 7919);
        Bed = new ClientBed(seed) { DelayMsMax = 1 + _random.Below(15), LateShare = 0.5 };
        Evicts = evicts;
    }

    public ClientBed Bed { get; }

    public bool Evicts { get; }

    /// <summary>Sessions were thrown away so often: as many fops and more may be in doubt.</summary>
    public int Evictions { get; private set; }

    public int Changes { get; private set; }

    /// <summary>Fops that nobody knows the outcome of.</summary>
    public int InDoubt { get; private set; }

    public SortedSet<string> Problems { get; } = new(StringComparer.Ordinal);

    public void Run()
    {
        foreach (var member in Bed.Members)
        {
            var losesOneIn = 3 + _random.Below(20);
            var busyOneIn = 5 + _random.Below(20);
            member.Loses = code => !_isQuiet && code != FopCode.Stat && _random.Below(losesOneIn) == 0;
            member.Instead = code =>
                !_isQuiet && code is not (FopCode.Lk or FopCode.Stat) && _random.Below(busyOneIn) == 0
                ? Errno.EAGAIN
                : null;
        }

        Bed.Hint = _ => _random.Below(3) switch
        {
            0 => null,
            1 => _random.Below(4),
            _ => Bed.Leader < 0 ? null : Bed.Leader,
        };
        for (var user = 0; user < Users; user++)
        {
            _fds.Add(Bed.NewFd());
        }

        var all = Enumerable.Range(0, Users).Select(user => Bed.Begin(() => UseAsync(user))).ToList();
        ScheduleTrouble();
        Assert.True(Bed.World.RunUntil(() => all.TrueForAll(t => t.IsCompleted), 600_000), "a user waits for ever");
        all.ForEach(t => t.GetAwaiter().GetResult());
        CheckEnd();
    }

    private void ScheduleTrouble() => Bed.World.After(_random.Below(120), () =>
    {
        if (Bed.World.NowNs > 20_000_000_000)
        {
            Calm();
            return;
        }

        Trouble();
        ScheduleTrouble();
    });

    private void Trouble()
    {
        var member = Bed.Members[_random.Below(ClientBed.MemberCount)];
        switch (_random.Below(Evicts ? 7 : 6))
        {
            case 0 or 1:
                Changes++;
                Bed.Lead(_random.Below(ClientBed.MemberCount + 1) - 1);
                break;
            case 2 when member.IsUp:
                Bed.Node.Seams.Scheduler.Post(member.Break);
                break;
            case 3 when !member.IsUp:
                Bed.Node.Seams.Scheduler.Post(member.Connect);
                break;
            case 4:
                member.Hangs = true;
                Bed.World.After(_random.Below(3_000), () => member.Hangs = false);
                break;
            case 6:
                Evictions++;
                Bed.Set.EvictAll();
                break;
        }
    }

    private void Calm()
    {
        _isQuiet = true;
        foreach (var member in Bed.Members)
        {
            member.Hangs = false;
            if (!member.IsUp)
            {
                Bed.Node.Seams.Scheduler.Post(member.Connect);
            }
        }

        Bed.Lead(_random.Below(ClientBed.MemberCount));
    }

    private async Task<bool> UseAsync(int user)
    {
        var fd = _fds[user];
        var call = ClientBed.CallOf((ulong)user + 1);
        var open = new OpenFop { Gfid = Bed.File, Flags = fd.Flags, Fd = fd };
        Expect("OPEN", await OutcomeOf(Bed.Client.Open(open, call)));
        if (!Evicts) // A session with locks is not evicted.
        {
            Expect("LK", await OutcomeOf(Bed.Client.Lk(ClientBed.LockOf(fd, user, LockType.Write), call)));
        }

        for (var i = 0; i < FopsOfAUser; i++)
        {
            await DoAsync(user, i, call);
            await PauseAsync(_random.Below(300));
        }

        while (!_isQuiet)
        {
            await PauseAsync(500);
        }

        await ReadAsync(fd, call);
        return true;
    }

    private Task DoAsync(int user, int step, Call call) => _random.Below(6) switch
    {
        0 or 1 => CountAsync(call),
        2 => WriteAsync(_fds[user], call),
        3 => ReadAsync(_fds[user], call),
        4 => StatAsync(call),
        _ => NameAsync($"{user}-{step}", call),
    };

    private async Task CountAsync(Call call)
    {
        var seen = _counterSeen;
        var reply = await Bed.Client.Xattrop(new XattropFop { Gfid = Bed.File }, call);
        if (Expect("XATTROP", reply.Error))
        {
            _counted++;
            if ((long)reply.Post.Size <= seen)
            {
                Problems.Add("a count is not above one that was told before");
            }

            _counterSeen = Math.Max(_counterSeen, (long)reply.Post.Size);
        }
        else
        {
            _countsInDoubt++;
        }

        reply.Release();
    }

    private async Task WriteAsync(Fd fd, Call call)
    {
        var id = ++_writes;
        var data = Payload.CopyOf(BitConverter.GetBytes(id));
        var reply = await Bed.Client.Write(new WriteFop { Fd = fd, Data = data }, call);
        if (Expect("WRITE", reply.Error))
        {
            _written.Add(id);
            _placed.Add((id, (long)reply.Post.Size));
        }
        else
        {
            _doubtful.Add(id);
        }

        reply.Release();
        data.Release();
    }

    private async Task ReadAsync(Fd fd, Call call) =>
        Expect("READ", await OutcomeOf(Bed.Client.Read(new ReadFop { Fd = fd, Size = 1 }, call)));

    private async Task StatAsync(Call call)
    {
        var seen = _counterSeen;
        var reply = await Bed.Client.Stat(new StatFop { Gfid = Bed.File }, call);
        if (Expect("STAT", reply.Error) && (long)reply.Iatt.Size < seen)
        {
            Problems.Add("a read is older than what was told before");
        }

        reply.Release();
    }

    /// <summary>A name of its own is made and removed: a second execution of either would be refused.</summary>
    private async Task NameAsync(string name, Call call)
    {
        var made = await OutcomeOf(Bed.Client.Mknod(new MknodFop { Parent = Bed.File, Name = name }, call));
        if (Expect("MKNOD", made))
        {
            var unlink = new UnlinkFop { Parent = Bed.File, Name = name };
            Expect("UNLINK", await OutcomeOf(Bed.Client.Unlink(unlink, call)));
        }
    }

    private bool Expect(string fop, Errno error)
    {
        if (error == Errno.EIO && Evictions > 0)
        {
            InDoubt++;
        }
        else if (error != Errno.Ok)
        {
            Problems.Add($"{fop} answers {error}");
        }

        return error == Errno.Ok;
    }

    private void CheckEnd()
    {
        var log = Bed.Set.Log;
        if (log.Distinct().Count() != log.Count)
        {
            Problems.Add("a write took effect twice");
        }

        if (!_written.IsSubsetOf(log) || log.Exists(id => !_written.Contains(id) && !_doubtful.Contains(id)))
        {
            Problems.Add("a write that was answered is not there, or one is there that was refused");
        }

        if (_placed.Exists(p => log[(int)p.Place - 1] != p.Id))
        {
            Problems.Add("a write was told another place than it has");
        }

        if (Bed.Set.Counter < _counted || Bed.Set.Counter > _counted + _countsInDoubt)
        {
            Problems.Add("a count took effect twice, or not at all");
        }

        if (!Evicts && Enumerable.Range(0, Users).Any(
            u => !Bed.Set.Locks.Exists(l => l.Owner.Equals(LkOwner.From((ulong)u + 1)) && l.Start == u)))
        {
            Problems.Add("a lock is not held at the leader");
        }
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
