using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using Myrmex.Base;
using Myrmex.Cluster.JournalClient;
using Myrmex.Graph;
using Myrmex.Runtime.Simulation;
using Xunit;

namespace Myrmex.Replication.Unit.Tests.JournalClientTests;

/// <summary>A cluster/journal-client over three members that a test leads, in virtual time.</summary>
internal sealed class ClientBed : SimClientBed<JournalClient>
{
    public const int MemberCount = 3;

    public ClientBed(ulong seed = 1, bool connects = true, params (string Key, string Value)[] options)
        : base(seed)
    {
        Node = World.AddNode("client");
        Random = new SimRandom(seed);
        Members = [.. Enumerable.Range(0, MemberCount).Select(
            i => new FakeMember(PlaceOf($"member-{i}", i, []), this, i))];
        Client = new JournalClient(PlaceOf("client", MemberCount, Members, options));
        Run(() => Client.Start());
        if (connects)
        {
            Run(() => Array.ForEach(Members, m => m.Connect()));
        }
    }

    public override SimNode Node { get; }

    public SimRandom Random { get; }

    public FakeMember[] Members { get; }

    public override JournalClient Client { get; }

    public ModelSet Set { get; } = new();

    public List<GraphEvent> Events { get; } = [];

    /// <summary>The member that leads; -1 for none.</summary>
    public int Leader { get; private set; }

    /// <summary>What a member that does not lead says about who does; the truth when not set.</summary>
    public Func<FakeMember, int?>? Hint { get; set; }

    /// <summary>Most milliseconds of a way.</summary>
    public int DelayMsMax { get; set; } = 2;

    /// <summary>The share of requests on a broken link that still arrive.</summary>
    public double LateShare { get; set; }

    /// <summary>Names in the one directory.</summary>
    public List<string> Directory { get; } = [];

    public Gfid File { get; } = new(7, 8);

    public void Lead(int number)
    {
        var former = Leader;
        Leader = number;
        if (former >= 0 && former != number)
        {
            Members[former].LostLead();
        }
    }

    public int? HintOf(FakeMember member) => Hint is { } hint ? hint(member) : Leader >= 0 ? Leader : null;

    public bool ArrivesLate() => Random.Chance(LateShare);

    public void After(Action action) => Node.Seams.Scheduler.Schedule(Random.Below(DelayMsMax + 1), action);

    public Fd NewFd(uint flags = OpenFlags.ReadWrite, bool isDirectory = false) =>
        new(File, flags, isDirectory, MemberCount + 1);

    public Fd Open(uint flags = OpenFlags.ReadWrite)
    {
        var fd = NewFd(flags);
        Assert.Equal(Errno.Ok, Do((c, call) => c.Open(new OpenFop { Gfid = File, Flags = flags, Fd = fd }, call)));
        return fd;
    }

    public Fd Opendir()
    {
        var fd = NewFd(isDirectory: true);
        Assert.Equal(Errno.Ok, Do((c, call) => c.Opendir(new OpendirFop { Gfid = File, Fd = fd }, call)));
        return fd;
    }

    public Errno Read(Fd fd) => Do((c, call) => c.Read(new ReadFop { Fd = fd, Size = 10 }, call));

    public Errno Count() => Do((c, call) => c.Xattrop(new XattropFop { Gfid = File }, call));

    public Errno Lock(Fd fd, ulong owner, long start, LockType type = LockType.Write) =>
        Do((c, call) => c.Lk(LockOf(fd, start, type), call), CallOf(owner));

    public static LkFop LockOf(Fd fd, long start, LockType type) => new()
    {
        Gfid = fd.Gfid,
        Fd = fd,
        Command = LockCommand.SetLock,
        Type = type,
        Flock = new Flock(type, 0, start, 1, 5, default),
    };

    public static Call CallOf(ulong owner) => new() { LockOwner = LkOwner.From(owner), Pid = 5 };

    public string Dump()
    {
        var dump = new StateDump();
        Client.DumpState(dump);
        return dump.ToString();
    }

    /// <summary>Each member lists the names in an order of its own, with cookies of its own.</summary>
    public void List(int member, long cookie, int count, ReaddirReply reply)
    {
        var step = 3 + member;
        Assert.True(cookie % step == 0, $"member {member} has not given out cookie {cookie}");
        var ordered = Directory.OrderBy(name => Rank(name, member)).ThenBy(n => n, StringComparer.Ordinal).ToList();
        for (var i = (int)(cookie / step); i < ordered.Count && reply.Entries.Count < count; i++)
        {
            reply.Entries.Add(Encoding.UTF8.GetBytes(ordered[i])).Offset = (ulong)((i + 1) * step);
        }

        reply.OpRet = reply.Entries.Count;
    }

    private static int Rank(string name, int member) =>
        name.Aggregate(member, (hash, c) => ((hash * (31 + member)) + c) % 1009);

    private TranslatorPlace PlaceOf(
        string name, int slot, IReadOnlyList<Translator> subvolumes, params (string, string)[] options) => new()
        {
            Name = name,
            Type = subvolumes.Count == 0 ? "test/member" : "cluster/journal-client",
            Slot = slot,
            Subvolumes = subvolumes,
            Options = OptionsOf(options),
            Seams = Node.Seams,
            TopListener = subvolumes.Count == 0 ? null : Events.Add,
        };

    public static OptionValues OptionsOf(params (string Key, string Value)[] options) => new(
        JournalClient.Registration.Options, options.Select(o => KeyValuePair.Create(o.Key, o.Value)));
}
