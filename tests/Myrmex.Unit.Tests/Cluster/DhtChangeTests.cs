using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading.Tasks;
using Myrmex.Base;
using Xunit;

namespace Myrmex.Unit.Tests.Cluster;

/// <summary>
/// A proxy dies in the middle of a client's change, and the client asks another one. For each fop and each place of its
/// data and names the first proxy is cut at every step in each way, a step that is late arrives at every moment of the
/// second run; the client must get what it would have got, once, and the bricks must look as if nothing had happened.
/// </summary>
public sealed class DhtChangeTests
{
    private const int BrickCount = 3;
    private const string LinkFileMode = "8200";

    private static readonly Gfid NewGfid = Gfid.FromBytes([9, 9, 9, 9, 9, 9, 0x49, 9, 0x89, 9, 9, 9, 9, 9, 9, 1]);

    /// <summary>What a fop has answered, as far as two runs must agree.</summary>
    internal readonly record struct Answer(Errno Error, int OpRet, Gfid Gfid, uint Nlink, long Size);

    /// <summary>One fop on one arrangement.</summary>
    /// <param name="Prepare">Makes the arrangement; answers the fop.</param>
    internal sealed record Scenario(
        string Name, Func<ChangeVolume, Task<Func<DhtVolume, Call, Task<Answer>>>> Prepare);

    public static TheoryData<string> Groups => [.. All().Select(s => s.Name.Split(' ')[0]).Distinct()];

    [Theory]
    [MemberData(nameof(Groups))]
    public async Task AnotherProxyFinishesWhatOneHasBegun(string group)
    {
        var runs = 0;
        foreach (var scenario in All().Where(s => s.Name.Split(' ')[0] == group))
        {
            var (answer, bricks, steps) = await ReferenceAsync(scenario);
            Assert.True(steps > 0, scenario.Name);
            for (var step = 1; step <= steps; step++)
            {
                foreach (var kind in new[] { CutKind.AnswerLost, CutKind.NotSent })
                {
                    await CutAsync(scenario, step, kind, arrival: 0, answer, bricks);
                    runs++;
                }

                for (var arrival = 1; await CutAsync(scenario, step, CutKind.Late, arrival, answer, bricks); arrival++)
                {
                    runs++;
                }
            }
        }

        Assert.True(runs > 5);
    }

    public static TheoryData<int> Places => [.. Enumerable.Range(0, BrickCount)];

    /// <summary>
    /// Two clients rename the same file, or one removes it; the proxy of one of them dies in the middle. Whatever the other does
    /// meanwhile, one of them has done it and the other has found nothing.
    /// </summary>
    [Theory]
    [MemberData(nameof(Places))]
    public async Task WhoComesBetweenTheRunsOfARenameDoesNotDoItAsWell(int newHashed)
    {
        var runs = 0;
        foreach (var scenario in Renames().Where(s => s.Name.StartsWith($"rename-{newHashed} ", StringComparison.Ordinal)))
        {
            var (answer, _, steps) = await ReferenceAsync(scenario);
            for (var step = 1; step <= steps; step++)
            {
                foreach (var kind in new[] { CutKind.AnswerLost, CutKind.NotSent })
                {
                    await RaceAsync(scenario, step, kind, removes: false, answer);
                    // A name beside its data is removed without a lock, so it can go under a rename that is under way.
                    if (scenario.Name.Split(' ') is [_, _, var data, _, var oldHashed, ..] && data != oldHashed)
                    {
                        await RaceAsync(scenario, step, kind, removes: true, answer);
                    }

                    runs++;
                }
            }
        }

        Assert.True(runs > 100);
    }

    private static async Task RaceAsync(Scenario scenario, int step, CutKind kind, bool removes, Answer expected)
    {
        var what = $"{scenario.Name}, cut {kind} at step {step}, rival {(removes ? "removes" : "renames")}";
        var volume = new ChangeVolume(BrickCount);
        var run = await PrepareAsync(scenario, volume);
        var oldName = Enumerable.Range(0, BrickCount).Select(b => volume.Plain.NameOn(Gfid.Root, b, "old"))
            .First(n => volume.Plain.LookupAsync(Gfid.Root, n).Result.Error == Errno.Ok);
        var gfid = (await volume.Plain.LookupAsync(Gfid.Root, oldName)).Iatt.Gfid;
        var first = new ProxyState { CutAt = step, Kind = kind };
        await run(await volume.ProxyAsync(first), volume.NewCall(1, mayBeKnown: false));
        Assert.True(first.IsCut, what);

        var rival = RivalAsync(await volume.ProxyAsync(new ProxyState()), volume.NewCall(1, mayBeKnown: false, rival: 1), oldName, removes);
        var answer = await run(await volume.ProxyAsync(new ProxyState()), volume.NewCall(1, mayBeKnown: true, ageMs: 5000));
        var other = await rival.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.True(
            (answer == expected && other == Errno.ENOENT) || (answer.Error == Errno.ENOENT && other == Errno.Ok),
            $"{what}: {answer} and {other}");
        await volume.AssertNoLocksAsync([Gfid.Root, gfid], [oldName, "third"]);
        var names = volume.Describe().Split('\n')
            .Count(l => l.Split(' ') is [_, var id, var mode, ..] && id == gfid.ToString() && mode != LinkFileMode);
        Assert.True(names == (removes && other == Errno.Ok ? 0 : 1), $"{what}: {answer} and {other}\n{volume.Describe()}");
    }

    private static async Task<Errno> RivalAsync(DhtVolume dht, Call call, string oldName, bool removes)
    {
        Reply reply = removes
            ? await dht.Dht.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = oldName }, call)
            : await dht.Dht.Rename(
                new RenameFop { OldParent = Gfid.Root, OldName = oldName, NewParent = Gfid.Root, NewName = "third" }, call);
        var error = reply.Error;
        reply.Release();
        return error;
    }

    private static async Task<(Answer Answer, string Bricks, int Steps)> ReferenceAsync(Scenario scenario)
    {
        var volume = new ChangeVolume(BrickCount);
        var run = await PrepareAsync(scenario, volume);
        var proxy = new ProxyState();
        var dht = await volume.ProxyAsync(proxy);
        var answer = await run(dht, volume.NewCall(1, mayBeKnown: false));
        return (answer, await DescribeAsync(scenario, volume), proxy.Sent);
    }

    /// <summary>That attributes may differ on some bricks is noted there, and mended by the next look-up.</summary>
    private static async Task<string> DescribeAsync(Scenario scenario, ChangeVolume volume)
    {
        if (scenario.Name.StartsWith("setxattr", StringComparison.Ordinal))
        {
            await (await new DhtVolume(volume.Bricks).MountAsync()).LookupAsync(Gfid.Root, "d");
        }

        return volume.Describe();
    }

    private static async Task<Func<DhtVolume, Call, Task<Answer>>> PrepareAsync(Scenario scenario, ChangeVolume volume)
    {
        await volume.Plain.MountAsync();
        return await scenario.Prepare(volume);
    }

    /// <summary>False when the second run has ended before the late step was to arrive.</summary>
    private static async Task<bool> CutAsync(
        Scenario scenario, int step, CutKind kind, int arrival, Answer expected, string bricks)
    {
        var volume = new ChangeVolume(BrickCount);
        var run = await PrepareAsync(scenario, volume);
        var first = new ProxyState { CutAt = step, Kind = kind };
        var dead = await volume.ProxyAsync(first);
        var lost = await run(dead, volume.NewCall(1, mayBeKnown: false));
        var what = $"{scenario.Name}, cut at {step} {kind}, arrival {arrival}";
        Assert.True(first.IsCut, what);

        var hasArrived = kind != CutKind.Late;
        var second = new ProxyState
        {
            BeforeFop = async place =>
            {
                if (place == arrival && !hasArrived)
                {
                    hasArrived = true;
                    await first.Held!();
                }
            },
        };
        var fresh = await volume.ProxyAsync(second);
        var task = run(fresh, volume.NewCall(1, mayBeKnown: true, ageMs: 5000));
        Assert.True(task.IsCompleted, $"{what}: it waits");
        var answer = await task;
        var isLast = !hasArrived;
        if (isLast)
        {
            await first.Held!();
        }

        var trace = string.Join('\n', [what, $"first answer {lost}", .. first.Trace, "--", .. second.Trace]);
        Assert.True(answer == expected, $"{answer}, not {expected}: {trace}");
        var now = await DescribeAsync(scenario, volume);
        Assert.True(now == bricks, $"{trace}\n{now}\nnot\n{bricks}");
        await volume.AssertNoLocksAsync([Gfid.Root, NewGfid], ["old", "new"]);
        return !isLast;
    }

    private static IEnumerable<Scenario> All() =>
        Makes().Concat(Removes()).Concat(Links()).Concat(Renames()).Concat(DirectoryRenames()).Concat(Attributes());

    private static XData Requested()
    {
        var xdata = XData.Rent();
        xdata.SetGfid("gfid-req"u8, NewGfid);
        return xdata;
    }

    private static Answer Of(Reply reply, Iatt iatt)
    {
        var answer = new Answer(
            reply.Error, reply.OpRet, iatt.Gfid, iatt.IsDirectory ? 0 : iatt.Nlink, iatt.IsDirectory ? 0 : (long)iatt.Size);
        reply.Release();
        return answer;
    }

    private static IEnumerable<Scenario> Makes()
    {
        foreach (var full in new[] { false, true })
        {
            foreach (var hasGfid in new[] { true, false })
            {
                var where = $"{(full ? "spilled" : "in place")}{(hasGfid ? "" : " without a gfid")}";
                yield return new Scenario($"create {where}", async v =>
                {
                    var name = await PlaceAsync(v, full);
                    return async (dht, call) =>
                    {
                        var fd = dht.NewFd(Gfid.Null);
                        var reply = await dht.Dht.Create(
                            new CreateFop
                            {
                                Name = name,
                                Parent = Gfid.Root,
                                Mode = 0x1A4,
                                Fd = fd,
                                Flags = OpenFlags.ReadWrite | OpenFlags.Create | OpenFlags.Exclusive,
                                XData = hasGfid ? Requested() : null,
                            },
                            call);
                        if (reply.IsOk)
                        {
                            var written = await dht.WriteAsync(fd, "after"); // It is open.
                            Assert.True(written == Errno.Ok || !call.Change.MayBeKnown);
                            await dht.ReleaseAsync(fd);
                        }

                        return Of(reply, reply.Iatt);
                    };
                });
                yield return new Scenario($"mknod {where}", async v =>
                {
                    var name = await PlaceAsync(v, full);
                    return async (dht, call) =>
                    {
                        var reply = await dht.Dht.Mknod(
                            new MknodFop { Name = name, Parent = Gfid.Root, Mode = FileMode.Regular | 0x1A4, XData = hasGfid ? Requested() : null },
                            call);
                        return Of(reply, reply.Iatt);
                    };
                });
                yield return new Scenario($"symlink {where}", async v =>
                {
                    var name = await PlaceAsync(v, full);
                    return async (dht, call) =>
                    {
                        var reply = await dht.Dht.Symlink(
                            new SymlinkFop { Name = name, Parent = Gfid.Root, Target = "there", XData = hasGfid ? Requested() : null }, call);
                        return Of(reply, reply.Iatt);
                    };
                });
            }
        }

        for (var brick = 0; brick < BrickCount; brick++)
        {
            var at = brick;
            yield return new Scenario($"mkdir on {at}", v =>
            {
                var name = v.Plain.NameOn(Gfid.Root, at);
                return Task.FromResult<Func<DhtVolume, Call, Task<Answer>>>(async (dht, call) =>
                {
                    var reply = await dht.Dht.Mkdir(
                        new MkdirFop { Name = name, Parent = Gfid.Root, Mode = 0x1ED, XData = Requested() }, call);
                    return Of(reply, reply.Iatt);
                });
            });
        }
    }

    /// <summary>A name on brick 0, which may be full.</summary>
    private static Task<string> PlaceAsync(ChangeVolume volume, bool full)
    {
        if (full)
        {
            volume.Bricks.Rules[0].Space = new StatFs { Blocks = 1000, BlocksFree = 1, BlocksAvailable = 1, BlockSize = 4096, FragmentSize = 4096, Files = 1000, FilesFree = 1000, FilesAvailable = 1000 };
            for (var i = 1; i < BrickCount; i++)
            {
                volume.Bricks.Rules[i].Space = new StatFs { Blocks = 1000, BlocksFree = 900, BlocksAvailable = 900, BlockSize = 4096, FragmentSize = 4096, Files = 1000, FilesFree = 1000, FilesAvailable = 1000 };
            }
        }

        return Task.FromResult(volume.Plain.NameOn(Gfid.Root, 0));
    }

    private static IEnumerable<Scenario> Removes()
    {
        for (var i = 0; i < BrickCount; i++)
        {
            var data = i;
            yield return new Scenario($"unlink of data on {data}", async v =>
            {
                var name = v.Plain.NameOn(Gfid.Root, 1);
                await v.Plain.PlaceAsync(Gfid.Root, name, data);
                return async (dht, call) =>
                {
                    var reply = await dht.Dht.Unlink(new UnlinkFop { Parent = Gfid.Root, Name = name }, call);
                    return Of(reply, default);
                };
            });
            yield return new Scenario($"rmdir on {data}", async v =>
            {
                var name = v.Plain.NameOn(Gfid.Root, data);
                await v.Plain.MkdirAsync(Gfid.Root, name);
                return async (dht, call) =>
                {
                    var reply = await dht.Dht.Rmdir(new RmdirFop { Parent = Gfid.Root, Name = name }, call);
                    return Of(reply, default);
                };
            });
        }
    }

    private static IEnumerable<Scenario> Links()
    {
        for (var i = 0; i < BrickCount * BrickCount; i++)
        {
            var (data, hashed) = (i % BrickCount, i / BrickCount);
            yield return new Scenario($"link data on {data} name on {hashed}", async v =>
            {
                var gfid = await v.Plain.PlaceAsync(Gfid.Root, v.Plain.NameOn(Gfid.Root, 0, "old"), data);
                var name = v.Plain.NameOn(Gfid.Root, hashed, "new");
                return async (dht, call) =>
                {
                    var reply = await dht.Dht.Link(
                        new LinkFop { Gfid = gfid, NewParent = Gfid.Root, NewName = name }, call);
                    return Of(reply, reply.Iatt);
                };
            });
        }
    }

    private static IEnumerable<Scenario> Renames()
    {
        for (var i = 0; i < BrickCount * BrickCount * BrickCount * (BrickCount + 1); i++)
        {
            var (data, oldHashed, newHashed, target) =
                (i % 3, i / 3 % 3, i / 9 % 3, (i / 27) - 1);
            yield return new Scenario($"rename-{newHashed} data {data} from {oldHashed} over {target}", async v =>
            {
                var oldName = v.Plain.NameOn(Gfid.Root, oldHashed, "old");
                var newName = v.Plain.NameOn(Gfid.Root, newHashed, "new");
                await v.Plain.PlaceAsync(Gfid.Root, oldName, data);
                if (target >= 0)
                {
                    await v.Plain.PlaceAsync(Gfid.Root, newName, target);
                }

                return (dht, call) => RenameAsync(dht, call, oldName, newName);
            });
        }
    }

    private static async Task<Answer> RenameAsync(DhtVolume dht, Call call, string oldName, string newName)
    {
        var fop = new RenameFop { OldParent = Gfid.Root, OldName = oldName, NewParent = Gfid.Root, NewName = newName };
        var reply = await dht.Dht.Rename(in fop, call);
        return Of(reply, reply.Iatt);
    }

    private static IEnumerable<Scenario> DirectoryRenames()
    {
        for (var i = 0; i < BrickCount * BrickCount * 2; i++)
        {
            var (oldHashed, newHashed, isOver) = (i % 3, i / 3 % 3, i / 9 == 1);
            yield return new Scenario($"rename-directory from {oldHashed} to {newHashed} over {isOver}", async v =>
            {
                var oldName = v.Plain.NameOn(Gfid.Root, oldHashed, "old");
                var newName = v.Plain.NameOn(Gfid.Root, newHashed, "new");
                var gfid = await v.Plain.MkdirAsync(Gfid.Root, oldName);
                await v.Plain.CreateAsync(gfid, "inside");
                if (isOver)
                {
                    await v.Plain.MkdirAsync(Gfid.Root, newName);
                }

                return (dht, call) => RenameAsync(dht, call, oldName, newName);
            });
        }
    }

    private static IEnumerable<Scenario> Attributes()
    {
        yield return new Scenario("setattr of a directory", async v =>
        {
            var gfid = await v.Plain.MkdirAsync(Gfid.Root, "d");
            return async (dht, call) =>
            {
                await dht.LookupAsync(Gfid.Root, "d");
                var reply = await dht.Dht.Setattr(
                    new SetattrFop { Gfid = gfid, Iatt = new Iatt { Mode = 0x1C0 }, Valid = SetattrValid.Mode }, call);
                return Of(reply, reply.Post);
            };
        });
        yield return new Scenario("setxattr of a directory, only if it is new", async v =>
        {
            var gfid = await v.Plain.MkdirAsync(Gfid.Root, "d");
            return async (dht, call) =>
            {
                await dht.LookupAsync(Gfid.Root, "d");
                var values = XData.Rent();
                values.SetBytes("user.a"u8, "b"u8);
                var reply = await dht.Dht.Setxattr(new SetxattrFop { Gfid = gfid, Values = values, Flags = 1 }, call);
                return Of(reply, default);
            };
        });
        yield return new Scenario("removexattr of a file", async v =>
        {
            var name = v.Plain.NameOn(Gfid.Root, 1);
            var gfid = await v.Plain.PlaceAsync(Gfid.Root, name, 2);
            v.Plain.SetXattrOnBrick(2, gfid, "user.a", [1]);
            return async (dht, call) =>
            {
                var reply = await dht.Dht.Removexattr(new RemovexattrFop { Gfid = gfid, Name = "user.a" }, call);
                return Of(reply, default);
            };
        });
        yield return new Scenario("append to a file", async v =>
        {
            var gfid = await v.Plain.PlaceAsync(Gfid.Root, v.Plain.NameOn(Gfid.Root, 1), 2);
            return async (dht, call) =>
            {
                var fd = dht.NewFd(gfid, OpenFlags.ReadWrite | OpenFlags.Append);
                var data = Payload.CopyOf("more"u8);
                (await dht.Dht.Open(new OpenFop { Gfid = gfid, Fd = fd, Flags = fd.Flags }, DhtVolume.NewCall())).Release();
                var reply = await dht.Dht.Write(new WriteFop { Gfid = gfid, Fd = fd, Data = data, Flags = fd.Flags }, call);
                return Of(reply, reply.Post);
            };
        });
        yield return new Scenario("xattrop of a file", async v =>
        {
            var gfid = await v.Plain.PlaceAsync(Gfid.Root, v.Plain.NameOn(Gfid.Root, 1), 2);
            return async (dht, call) =>
            {
                var values = XData.Rent();
                values.SetBytes("user.count"u8, [0, 0, 0, 1]);
                var reply = await dht.Dht.Xattrop(
                    new XattropFop { Gfid = gfid, Kind = XattropKind.AddArray32, Values = values }, call);
                return Of(reply, reply.Post);
            };
        });
    }
}
