using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Myrmex.Graph;
using Myrmex.Replication.Simulation;
using Myrmex.Runtime.Simulation;

namespace Myrmex.Replication.Unit.Tests.SharedCacheTests;

/// <summary>
/// Clients behind two proxies and clients of the brick do random fops on few objects, while links are cut and dropped,
/// proxies stand still, the brick is started anew, and clocks run at different rates. Each object is a register, and its
/// history must be one that a single copy could have given.
/// </summary>
internal sealed class CacheHistory
{
    private const int OpsOfClientMax = 10;
    private const int FileBytes = 140_000;
    private const int ValueOffset = 70_000;

    private static readonly ObjectKind[] Kinds = Enum.GetValues<ObjectKind>();

    private readonly SimRandom _random;
    private readonly List<HistoryOperation>[] _histories;
    private readonly ObjectKind[] _objects;
    private ulong _lastValue;
    private int _clientsDone;

    /// <param name="bricks">With several there is distribution, whose renames and links are no single step.</param>
    public CacheHistory(ulong seed, BrickFault fault = BrickFault.None, int bricks = 1)
        : this(seed, new CacheBed(seed, fault, driftPpmMax: 50_000, bricks), hasSteps: bricks > 1)
    {
    }

    /// <param name="hasSteps">Renames and links are no single step.</param>
    public CacheHistory(ulong seed, CacheWorld bed, bool hasSteps)
    {
        _random = new SimRandom((seed * 101) + 7);
        Bed = bed;
        bed.Tune(_random);
        var kinds = !hasSteps ? Kinds : [ObjectKind.Content, ObjectKind.Time, ObjectKind.Attribute];
        _objects = [.. Enumerable.Range(0, 1 + _random.Below(2)).Select(_ => kinds[_random.Below(kinds.Length)])];
        _histories = [.. _objects.Select(_ => new List<HistoryOperation>())];
    }

    private enum ObjectKind
    {
        Content,
        Time,
        Attribute,
        Name,
        Links,
    }

    public CacheWorld Bed { get; }

    public int Troubles { get; private set; }

    /// <summary>Operations whose outcome is known.</summary>
    public int Answered { get; private set; }

    public long Hits => Bed.Proxies.Sum(p => p.Hits);

    /// <summary>What is wrong; null for nothing.</summary>
    public string? Run()
    {
        Array.ForEach(new[] { Bed.Direct, Bed.Proxies[0], Bed.Proxies[1] }, LookAtRoot);
        for (var i = 0; i < _objects.Length; i++)
        {
            Make(i);
        }

        Bed.WaitForLeases();
        CacheUser[] users = [Bed.Proxies[0], Bed.Proxies[0], Bed.Proxies[1], Bed.Proxies[1], Bed.Direct, Bed.Direct];
        foreach (var user in users)
        {
            _ = SimTasks.Start(user.Node, () => ClientAsync(user));
        }

        Bed.World.After(_random.Below(300), Disturb);
        var areDone = Bed.World.RunUntil(() => _clientsDone == users.Length, 300_000);
        Array.ForEach(Bed.Proxies, p => p.Cache!.Store.Close()); // They have one.
        if (!areDone)
        {
            return "a client waits for ever";
        }

        for (var i = 0; i < _objects.Length; i++)
        {
            if (!LinearizabilityChecker.IsLinearizable(_histories[i]))
            {
                return $"{_objects[i]}: "
                    + string.Join("; ", _histories[i].OrderBy(o => o.Invoked).Select(o => o.ToString()));
            }
        }

        return null;
    }

    private static string FileOf(int index) => $"file{index}";

    /// <summary>As mounts do: distribution learns, or makes, the layout.</summary>
    private void LookAtRoot(CacheUser user) =>
        Bed.Do(user, (top, call) => top.Lookup(new LookupFop { Gfid = Gfid.Root }, call)).Release();

    private void Make(int index)
    {
        var name = FileOf(index);
        var made = Bed.Do(Bed.Direct, (top, call) => top.Mknod(CacheBed.MknodOf(name), call));
        Invariant.Check(made.IsOk);
        made.Release();
        var data = Payload.CopyOf(new byte[FileBytes]);
        Bed.Do(Bed.Direct, (top, call) => top.Write(
            new WriteFop
            {
                Gfid = CacheBed.GfidOf(name),
                Fd = call.AnonymousFd(CacheBed.GfidOf(name)),
                Data = data,
            },
            call)).Release();
        data.Release();
        Bed.Do(Bed.Direct, (top, call) => top.Setattr(TimeOf(name, 0), call)).Release();
    }

    private static SetattrFop TimeOf(string name, ulong value) => new()
    {
        Gfid = CacheBed.GfidOf(name),
        Valid = SetattrValid.Mtime,
        Iatt = new Iatt { Mtime = (long)value },
    };

    private void Disturb()
    {
        if (_clientsDone == 6)
        {
            return;
        }

        Troubles++;
        Bed.Disturb(_random);
        Bed.World.After(_random.Between(20, 1_500), Disturb);
    }

    private async Task ClientAsync(CacheUser user)
    {
        var random = _random.Fork();
        var count = 4 + random.Below(OpsOfClientMax - 3);
        for (var i = 0; i < count; i++)
        {
            var pause = new TaskCompletionSource();
            user.Node.Seams.Scheduler.Schedule(random.Chance(Bed.Haste) ? random.Below(40) : random.Below(1_500), pause.SetResult);
            await pause.Task;
            var index = random.Below(_objects.Length);
            if (_histories[index].Count < LinearizabilityChecker.OperationsMax - 6)
            {
                await OperateAsync(user, index, random);
            }
        }

        _clientsDone++;
    }

    private async Task OperateAsync(CacheUser user, int index, SimRandom random)
    {
        var invoked = Bed.World.NowNs;
        var isRead = random.Chance(0.6);
        var kind = _objects[index];
        var outcome = isRead ? await ReadAsync(user.Top, kind, FileOf(index), random)
            : kind == ObjectKind.Name ? await RenameAsync(user.Top, FileOf(index), random)
            : kind == ObjectKind.Links ? await LinkAsync(user.Top, FileOf(index), random)
            : await WriteAsync(user.Top, kind, FileOf(index), ++_lastValue);
        if (outcome is not { } done)
        {
            return; // It has no effect, and says nothing.
        }

        Answered += done.IsKnown ? 1 : 0;
        if (done.IsKnown || !isRead)
        {
            _histories[index].Add(new HistoryOperation(
                done.Kind, done.Value, invoked, done.IsKnown ? Bed.World.NowNs : long.MaxValue));
        }
    }

    private static async Task<Outcome?> WriteAsync(Translator top, ObjectKind kind, string name, ulong value)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, value);
        Errno error;
        switch (kind)
        {
            case ObjectKind.Content:
                var data = Payload.CopyOf(bytes);
                var call = new Call();
                var fop = new WriteFop
                {
                    Gfid = CacheBed.GfidOf(name),
                    Fd = call.AnonymousFd(CacheBed.GfidOf(name)),
                    Offset = ValueOffset,
                    Data = data,
                };
                error = Take(await top.Write(in fop, call));
                data.Release();
                break;
            case ObjectKind.Time:
                error = Take(await top.Setattr(TimeOf(name, value), new Call()));
                break;
            default:
                var values = XData.Rent();
                values.SetBytes("user.v"u8, bytes);
                error = Take(await top.Setxattr(
                    new SetxattrFop { Gfid = CacheBed.GfidOf(name), Values = values }, new Call()));
                values.Release();
                break;
        }

        return new Outcome(HistoryKind.Write, value, error == Errno.Ok);
    }

    /// <summary>A name is made, or taken away. What is refused says what was there.</summary>
    private async Task<Outcome?> RenameAsync(Translator top, string name, SimRandom random)
    {
        var other = "name" + name;
        if (random.Chance(0.5))
        {
            var fresh = $"fresh{++_lastValue}";
            var error = Take(await top.Mknod(CacheBed.MknodOf(fresh) with { Name = other }, new Call()));
            var value = CacheBed.GfidOf(fresh).Low;
            return error == Errno.EEXIST ? new Outcome(HistoryKind.Refusal, value, true)
                : new Outcome(HistoryKind.Acquire, value, error == Errno.Ok);
        }

        var gone = Take(await top.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = other }, new Call()));
        return gone == Errno.ENOENT ? new Outcome(HistoryKind.Read, 0, true)
            : new Outcome(HistoryKind.Write, 0, gone == Errno.Ok);
    }

    /// <summary>The value is the number of names beyond the first.</summary>
    private async Task<Outcome?> LinkAsync(Translator top, string name, SimRandom random)
    {
        var link = "link" + name;
        var kind = random.Below(3);
        if (kind == 0)
        {
            var fop = new LinkFop { Gfid = CacheBed.GfidOf(name), NewParent = Gfid.Root, NewName = link };
            var error = Take(await top.Link(fop, new Call()));
            return error == Errno.EEXIST ? null : new Outcome(HistoryKind.Write, 1, error == Errno.Ok);
        }

        if (kind == 1)
        {
            var error = Take(await top.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = link }, new Call()));
            return error == Errno.ENOENT ? null : new Outcome(HistoryKind.Write, 0, error == Errno.Ok);
        }

        var fresh = $"fresh{++_lastValue}";
        Take(await top.Mknod(CacheBed.MknodOf(fresh), new Call()));
        var rename = new RenameFop { OldParent = Gfid.Root, OldName = fresh, NewParent = Gfid.Root, NewName = link };
        var moved = Take(await top.Rename(rename, new Call()));
        return moved == Errno.ENOENT ? null : new Outcome(HistoryKind.Write, 0, moved == Errno.Ok);
    }

    private static async Task<Outcome?> ReadAsync(Translator top, ObjectKind kind, string name, SimRandom random)
    {
        switch (kind)
        {
            case ObjectKind.Content:
                return await ReadContentAsync(top, name, random);
            case ObjectKind.Time:
                var iatt = await LookAsync(top, name, random);
                return new Outcome(HistoryKind.Read, (ulong)iatt.Mtime, !iatt.IsNull);
            case ObjectKind.Links:
                var links = await LookAsync(top, name, random);
                return new Outcome(HistoryKind.Read, links.Nlink - 1, !links.IsNull);
            case ObjectKind.Attribute:
                return await ReadAttributeAsync(top, name, random);
            default:
                var reply = await top.Lookup(new LookupFop { Parent = Gfid.Root, Name = "name" + name }, new Call());
                var found = reply.IsOk ? reply.Iatt.Gfid.Low : 0;
                return new Outcome(HistoryKind.Read, found, Take(reply) is Errno.Ok or Errno.ENOENT);
        }
    }

    private static async Task<Outcome?> ReadContentAsync(Translator top, string name, SimRandom random)
    {
        var (offset, size) = random.Below(3) switch
        {
            0 => (0L, FileBytes),
            1 => (65_536L, 65_536),
            _ => (ValueOffset, 8),
        };
        var call = new Call();
        var gfid = CacheBed.GfidOf(name);
        var fop = new ReadFop { Gfid = gfid, Fd = call.AnonymousFd(gfid), Offset = offset, Size = (uint)size };
        var reply = await top.Read(in fop, call);
        var value = reply.IsOk
            ? BinaryPrimitives.ReadUInt64LittleEndian(reply.Data.Span[(int)(ValueOffset - offset)..]) : 0;
        return new Outcome(HistoryKind.Read, value, Take(reply) == Errno.Ok);
    }

    private static async Task<Outcome?> ReadAttributeAsync(Translator top, string name, SimRandom random)
    {
        Reply reply;
        XData? values;
        if (random.Chance(0.5))
        {
            var answer = await top.Getxattr(
                new GetxattrFop { Gfid = CacheBed.GfidOf(name), Name = "user.v" }, new Call());
            (reply, values) = (answer, answer.Values);
        }
        else
        {
            var request = XData.Rent();
            request.SetInt("user.v"u8, 0);
            var answer = await top.Lookup(
                new LookupFop { Parent = Gfid.Root, Name = name, XData = request }, new Call());
            request.Release();
            (reply, values) = (answer, answer.XData);
        }

        var value = values is not null && values.TryGetBytes("user.v"u8, out var bytes)
            ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : 0;
        return new Outcome(HistoryKind.Read, value, Take(reply) is Errno.Ok or Errno.ENODATA);
    }

    private static async Task<Iatt> LookAsync(Translator top, string name, SimRandom random)
    {
        var gfid = CacheBed.GfidOf(name);
        var call = new Call();
        switch (random.Below(4))
        {
            case 0:
                var stat = await top.Stat(new StatFop { Gfid = gfid }, call);
                return Take(stat, stat.Iatt);
            case 1:
                var fstat = await top.Fstat(new FstatFop { Gfid = gfid, Fd = call.AnonymousFd(gfid) }, call);
                return Take(fstat, fstat.Iatt);
            case 2:
                var named = await top.Lookup(new LookupFop { Parent = Gfid.Root, Name = name }, call);
                return Take(named, named.Iatt);
            default:
                var nameless = await top.Lookup(new LookupFop { Gfid = gfid }, call);
                return Take(nameless, nameless.Iatt);
        }
    }

    private static Iatt Take(Reply reply, Iatt iatt) => Take(reply) == Errno.Ok ? iatt : default;

    private static Errno Take(Reply reply)
    {
        var error = reply.Error;
        reply.Release();
        return error;
    }

    /// <param name="IsKnown">It was answered; else it may take effect at any time, or never.</param>
    private readonly record struct Outcome(HistoryKind Kind, ulong Value, bool IsKnown);
}
